/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/demo_roles.h"

#include "cli/demo_play.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

const struct demo_role demo_roles[] = {
    {"ticker", "drops what the slow archive has no room for; its queue is full", demo_play_ticker},
    {"chart", NULL, demo_play_chart},
    {"archive", "a slow subscriber: its receive queue is always full", demo_play_archive},
    {"dispatcher", "a work queue close to its high water mark", demo_play_dispatcher},
    {"worker", NULL, demo_play_worker},
    {"orders", "blocked: nobody takes what it sends", demo_play_orders},
    {"ledger", "stuck in code of its own; its receive queue only grows", demo_play_ledger},
    {"vault", "handshake failures of clients with the wrong CURVE key", demo_play_vault},
    {"courier", NULL, demo_play_courier},
    {"intruder", "the client with the wrong keys", demo_play_intruder},
    {"hub", "disconnects: a peer that comes and goes", demo_play_hub},
    {"sensor", NULL, demo_play_sensor},
    {"desk", "answers clients that have gone: unroutable messages", demo_play_desk},
    {"caller", NULL, demo_play_caller},
    {"careless", "breaks policy checks: `zmq_exporter audit` says which, and the fix",
     demo_play_careless},
    {"careful", NULL, demo_play_careful},
};
const size_t demo_n_roles = sizeof(demo_roles) / sizeof(*demo_roles);

int demo_roles_play(const char *name)
{
    for (size_t i = 0; i < demo_n_roles; i++) {
        if (strcmp(demo_roles[i].name, name) != 0)
            continue;
        void *context = zmq_ctx_new();
        if (!context)
            demo_play_fail("zmq_ctx_new");
        return demo_roles[i].play(context);
    }
    (void)fprintf(stderr, "zmq_exporter demo: no role is called '%s'\n", name);
    return 2;
}
