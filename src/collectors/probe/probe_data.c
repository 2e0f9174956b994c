/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_data.h"

#include "base/clock.h"

void probe_data_count_failure(struct probe_endpoint *self, const struct probe_failure *failure)
{
    bool is_handshake = failure->phase == PROBE_PHASE_HANDSHAKE;
    uint64_t *details = is_handshake ? self->status.handshake_details
                                     : self->status.connect_details;
    details[probe_failure_index(failure)]++;
    self->status.failures[failure->phase]++;
}

void probe_data_end_phase(struct probe_endpoint *self, enum probe_phase phase)
{
    uint64_t now = clock_monotonic_ns();
    self->status.durations_ns[phase] = now - self->phase_ns;
    self->phase_ns = now;
}
