/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_failure - why an attempt failed: phase, cause and detail, each from a bounded set.
 *
 * The names of transport, protocol and auth details are those of segment_counters.h, so that a
 * probe and the tap of its peer speak of the same failure in the same words; some that only a
 * connecting socket meets come on top.
 */
#ifndef COLLECTORS_PROBE_PROBE_FAILURE_H
#define COLLECTORS_PROBE_PROBE_FAILURE_H

#include <stddef.h>
#include <stdint.h>

enum probe_phase {
    PROBE_PHASE_RESOLVE,
    PROBE_PHASE_CONNECT,
    PROBE_PHASE_HANDSHAKE,
    PROBE_N_PHASES,
    PROBE_PHASE_CONNECTION = PROBE_N_PHASES, /* a connection that was made and broke */
};

enum probe_cause {
    PROBE_CAUSE_RESOLVE,   /* code: EAI_* */
    PROBE_CAUSE_TRANSPORT, /* code: errno, 0 where libzmq does not tell */
    PROBE_CAUSE_PROTOCOL,  /* code: ZMQ_PROTOCOL_ERROR_* */
    PROBE_CAUSE_AUTH,      /* code: ZAP status, 0: a refusal without one */
    PROBE_CAUSE_POLICY,    /* code: enum probe_policy */
};

/* Of zmq.h, where the probe itself finds what libzmq has a code for. */
enum { PROBE_INVALID_METADATA = 0x10000018, PROBE_MECHANISM_MISMATCH = 0x11000002 };

/* What the exporter itself decides against. */
enum probe_policy {
    PROBE_POLICY_OLD_PEER = 1,
    PROBE_POLICY_SUBSCRIPTIONS = 2,
    PROBE_POLICY_UNASKED = 3
};

struct probe_failure {
    enum probe_phase phase;
    enum probe_cause cause;
    int code;
};

/* Details of all causes, numbered through. */
#define PROBE_N_DETAILS_MAX 80u

/* The number of a failure's detail, below probe_failure_n_details(). */
size_t probe_failure_index(const struct probe_failure *failure);
size_t probe_failure_n_details(void);

/* `cause="…",detail="…"` of a number, rendered; a literal. */
const char *probe_failure_labels(size_t index);

/* The words of a failure, for people: "handshake", "auth", "400". */
const char *probe_failure_phase_name(enum probe_phase phase);
const char *probe_failure_cause_name(enum probe_cause cause);
const char *probe_failure_detail_name(const struct probe_failure *failure);

/* What it may mean beyond its name, or NULL. */
const char *probe_failure_hint(const struct probe_failure *failure, int mechanism);

#endif
