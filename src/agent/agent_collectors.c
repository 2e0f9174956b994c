/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_collectors.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/string_buffer.h"
#include "collectors/library/library_collector.h"
#include "collectors/peek/peek_collector.h"
#include "collectors/policy/policy_collector.h"
#include "collectors/probe/probe_collector.h"
#include "collectors/tap/tap_collector.h"
#include "metrics/labels.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define AGENT_E_NO_COLLECTOR 1 /* the flags say so */

static int make_self(const struct agent_setup *setup, struct collector *ret_collector,
                     struct error *err)
{
    cleanup(string_buffer_finish) struct string_buffer labels = {0};
    labels_append(&labels, "version", AGENT_VERSION);
    labels_append(&labels, "compiler", __VERSION__);
    if (labels.has_failed)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    struct self_options options = {labels.data, setup->sources, setup->n_sources};
    int r = self_collector_new(&options, ret_collector);
    return r == 0 ? 0 : error_set(err, r, "%s", strerror(-r));
}

/* Logs a process that was started with the tap and has no segment. */
static void tell_untapped(const char *program, pid_t pid, const char *reason, const char *remedy)
{
    char number[16];
    (void)snprintf(number, sizeof(number), "%d", pid);
    log_warn("a process has the tap and no segment", "program", program, "pid", number, "reason",
             reason, "likely", remedy);
}

static int make_library(const struct agent_setup *setup, struct collector *ret_collector,
                        struct error *err)
{
    const struct library_options options = {.reader = setup->peek,
                                            .segments = setup->options->directory,
                                            .tell = tell_untapped,
                                            .tables = &setup->handovers->tables};
    int r = library_collector_new(&options, ret_collector, err);
    if (r == 0)
        setup->asked->library = *ret_collector;
    return r;
}

static int make_policy(const struct agent_setup *setup, struct collector *ret_collector,
                       struct error *err)
{
    const struct policy_options options = {.directory = setup->options->directory,
                                           .settings = &setup->handovers->policy,
                                           .peek = setup->peek,
                                           .libraries = &setup->asked->library};
    int r = policy_collector_new(&options, ret_collector, err);
    if (r == 0)
        setup->asked->policy = *ret_collector;
    return r;
}

static int make_tap(const struct agent_setup *setup, struct collector *ret_collector,
                    struct error *err)
{
    const struct tap_options options = {.directory = setup->options->directory,
                                        .max_groups = setup->options->max_tap_groups,
                                        .has_created = setup->options->has_created,
                                        .peek = setup->peek,
                                        .peers = setup->peers};
    struct error warning;
    int r = tap_collector_new(&options, ret_collector, err);
    if (r == 0)
        tap_collector_details(ret_collector, setup->options->has_details, &setup->asked->details);
    if (r == 0 && tap_collector_check(ret_collector, &warning) < 0)
        log_warn("tapped programs cannot be seen in full", "error", warning.message);
    return r;
}

static int make_details(const struct agent_setup *setup, struct collector *ret_collector,
                        struct error *err)
{
    (void)err;
    *ret_collector = setup->asked->details;
    return 0;
}

static int make_probe(const struct agent_setup *setup, struct collector *ret_collector,
                      struct error *err)
{
    (void)err;
    probe_collector_init(setup->pool, ret_collector);
    return 0;
}

static int make_peek(const struct agent_setup *setup, struct collector *ret_collector,
                     struct error *err)
{
    (void)err;
    if (!setup->peek)
        return AGENT_E_NO_COLLECTOR;
    peek_collector_init(setup->peek, ret_collector);
    return 0;
}

static const struct {
    const char *name;
    int (*make)(const struct agent_setup *setup, struct collector *ret_collector,
                struct error *err);
} table[] = {
    {"library", make_library}, {"policy", make_policy}, /* asks the one before it */
    {"peek", make_peek},       {"probe", make_probe},     {"self", make_self},
    {"tap", make_tap},         {"details", make_details}, /* the same sockets */
};

int agent_collectors_add(struct runner *runner, const struct agent_setup *setup, struct error *err)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct collector collector;
        int r = table[i].make(setup, &collector, err);
        if (r == AGENT_E_NO_COLLECTOR)
            continue;
        if (r < 0)
            return error_prefix(err, r, "collector %s", table[i].name);
        r = runner_add(runner, &collector);
        if (r < 0)
            return error_set(err, r, "collector %s: %s", table[i].name, strerror(-r));
    }
    return 0;
}
