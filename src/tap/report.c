/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/report.h"

#include "tap/tap.h"

#include <errno.h>
#include <string.h>

static char directory[256];
static const struct segment_header *header;
static int last_result;
static uint32_t last_states[SEGMENT_N_CAPABILITIES];

void report_start(const char *new_directory, const struct segment_header *new_header)
{
    header = new_header;
    strncpy(directory, new_directory, sizeof(directory) - 1);
    last_result = 0;
    memset(last_states, 0, sizeof(last_states));
}

/* -EAGAIN: a pause after a round that failed, no news. */
static void report_result(int result)
{
    if (result == -EAGAIN || result == last_result)
        return;
    if (result < 0)
        tap_log("cannot write to segment directory %s: %s; what is counted is not shown", directory,
                strerror(-result));
    else
        tap_log("writes to segment directory %s again", directory);
    last_result = result;
}

void report_round(int result)
{
    static const char *const names[] = {
#define X(number, name, text) [number] = (text),
        SEGMENT_CAPABILITIES(X)
#undef X
    };
    report_result(result);
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++) {
        const struct segment_capability *capability = &header->capabilities[i];
        uint32_t state = __atomic_load_n(&capability->state, __ATOMIC_ACQUIRE);
        if (state == last_states[i])
            continue;
        last_states[i] = state;
        if (state == SEGMENT_CAPABILITY_OFF || state == SEGMENT_CAPABILITY_BOUND)
            tap_log("%s: %s (%s)", names[i],
                    state == SEGMENT_CAPABILITY_OFF ? "cannot be measured" : "is a bound",
                    capability->reason);
    }
}
