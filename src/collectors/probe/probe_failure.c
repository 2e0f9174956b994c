/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_failure.h"

#include "config/probe_settings.h"
#include "segment/segment_counters.h"

#include <errno.h>
#include <netdb.h>

/* Behind each table's own rows comes its "other", with the code of no value. */
#define OTHER -1

#define RESOLVE_DETAILS(X)                                                                         \
    X(EAI_NONAME, "EAI_NONAME")                                                                    \
    X(EAI_AGAIN, "EAI_AGAIN")                                                                      \
    X(EAI_FAIL, "EAI_FAIL")                                                                        \
    X(EAI_NODATA, "EAI_NODATA")                                                                    \
    X(EAI_SYSTEM, "EAI_SYSTEM")

#define CONNECT_DETAILS(X)                                                                         \
    X(ENOENT, "ENOENT")                                                                            \
    X(EACCES, "EACCES")                                                                            \
    X(EADDRINUSE, "EADDRINUSE")                                                                    \
    X(EADDRNOTAVAIL, "EADDRNOTAVAIL")                                                              \
    X(EEXIST, "EEXIST")                                                                            \
    X(EMFILE, "EMFILE")                                                                            \
    X(ENFILE, "ENFILE")

struct detail {
    enum probe_cause cause;
    int code;
    const char *name, *labels;
};

#define ROW(cause_id, cause_name, code, name)                                                      \
    {cause_id, code, name, "cause=\"" cause_name "\",detail=\"" name "\""},
#define RESOLVE_ROW(code, name)           ROW(PROBE_CAUSE_RESOLVE, "resolve", code, name)
#define CONNECT_ROW(code, name)           ROW(PROBE_CAUSE_TRANSPORT, "transport", code, name)
#define TRANSPORT_ROW(number, code, name) ROW(PROBE_CAUSE_TRANSPORT, "transport", code, name)
#define PROTOCOL_ROW(number, code, name)  ROW(PROBE_CAUSE_PROTOCOL, "protocol", code, name)
#define AUTH_ROW(number, code, name)      ROW(PROBE_CAUSE_AUTH, "auth", code, name)

/* "other" is the last row of each of the shared tables, and so of each cause. */
static const struct detail details[] = {
    RESOLVE_DETAILS(RESOLVE_ROW) RESOLVE_ROW(OTHER, "other") CONNECT_DETAILS(CONNECT_ROW)
        SEGMENT_TRANSPORT_DETAILS(TRANSPORT_ROW) SEGMENT_PROTOCOL_DETAILS(PROTOCOL_ROW)
            SEGMENT_AUTH_DETAILS(AUTH_ROW)
                ROW(PROBE_CAUSE_POLICY, "policy", PROBE_POLICY_OLD_PEER, "old_peer")
                    ROW(PROBE_CAUSE_POLICY, "policy", PROBE_POLICY_SUBSCRIPTIONS, "subscriptions")
                        ROW(PROBE_CAUSE_POLICY, "policy", PROBE_POLICY_UNASKED, "unasked")};
#define N_DETAILS (sizeof(details) / sizeof(*details))
_Static_assert(N_DETAILS <= PROBE_N_DETAILS_MAX, "room for the counters");

size_t probe_failure_n_details(void)
{
    return N_DETAILS;
}

size_t probe_failure_index(const struct probe_failure *failure)
{
    size_t other = 0;
    for (size_t i = 0; i < N_DETAILS; i++) {
        if (details[i].cause != failure->cause)
            continue;
        if (details[i].code == failure->code)
            return i;
        other = i;
    }
    return other;
}

const char *probe_failure_labels(size_t index)
{
    return details[index].labels;
}

const char *probe_failure_phase_name(enum probe_phase phase)
{
    static const char *const names[] = {"resolve", "connect", "handshake", "connection"};
    return names[phase];
}

const char *probe_failure_cause_name(enum probe_cause cause)
{
    static const char *const names[] = {"resolve", "transport", "protocol", "auth", "policy"};
    return names[cause];
}

const char *probe_failure_detail_name(const struct probe_failure *failure)
{
    return details[probe_failure_index(failure)].name;
}

const char *probe_failure_hint(const struct probe_failure *failure, int mechanism)
{
    if (failure->cause == PROBE_CAUSE_POLICY && failure->code == PROBE_POLICY_SUBSCRIPTIONS)
        return "the peer subscribes to more than the probe has room for";
    if (failure->cause == PROBE_CAUSE_POLICY && failure->code == PROBE_POLICY_UNASKED)
        return "the peer sends much that the probe has not asked for, or a message without end";
    if (failure->cause == PROBE_CAUSE_POLICY)
        return "the peer's library may give an accepted connection messages, so the probe stays "
               "away; 'greet_old_peers: true' overrides it";
    bool is_closed = failure->cause == PROBE_CAUSE_TRANSPORT &&
                     (failure->code == EPIPE || failure->code == ECONNRESET);
    if (failure->phase != PROBE_PHASE_HANDSHAKE || !is_closed)
        return NULL;
    if (mechanism == PROBE_CURVE)
        return "the peer closed without a word: mostly a wrong server key, else a socket type that "
               "does not fit or a ZAP handler that answered 300";
    if (mechanism == PROBE_PLAIN)
        return "the peer closed without a word: its ZAP handler may have answered 300";
    return NULL;
}
