/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_collector.h"

static int collect(void *state, struct samples *out, struct error *err)
{
    (void)err;
    probe_pool_collect(state, out);
    return 0;
}

static void destroy(void *state)
{
    (void)state;
}

void probe_collector_init(struct probe_pool *pool, struct collector *ret_collector)
{
    *ret_collector = (struct collector){
        .name = "probe", .state = pool, .collect = collect, .destroy = destroy};
}
