/* SPDX-License-Identifier: MPL-2.0 */
/* probe_samples - the metrics of one endpoint's status. Thread: one with the actor's lock. */
#ifndef COLLECTORS_PROBE_PROBE_SAMPLES_H
#define COLLECTORS_PROBE_PROBE_SAMPLES_H

#include "collectors/probe/probe_endpoint.h"
#include "metrics/samples.h"

/* The labels are copied into `out`. */
void probe_samples_add(const struct probe_endpoint *endpoint, struct samples *out);

/* ZMTP version, mechanism and type of a peer as labels show them: from bounded sets. */
const char *probe_samples_version(const struct zmtp_peer *peer);
const char *probe_samples_mechanism(const struct zmtp_peer *peer);
const char *probe_samples_socket_type(const struct zmtp_peer *peer);

#endif
