/* SPDX-License-Identifier: MPL-2.0 */
/* policy_rules_misuse - whether programs use libzmq as it wants to be used. */
#include "collectors/policy/policy_settings.h"
#include "collectors/policy/policy_table.h"
#include "collectors/tap/tap_types.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define NS_PER_MS        UINT64_C(1000000)
#define NS_PER_S         1e9
#define GOES_ON_NS       UINT64_C(5000000000) /* who received so lately still does */
#define ERROR_NAMES_SIZE 160u

/* What right programs meet: the end of the context, an answer that they asked for. */
static bool is_misuse(int error)
{
    return error != EFSM && error != ETERM && error != EHOSTUNREACH && error != ENOENT &&
           error != -1;
}

static const struct {
    int value;
    const char *name;
} errors[] = {
#define X(i, value, name) {(value), name},
    SEGMENT_API_ERRORS(X)
#undef X
};

static bool has_occurred(uint64_t kinds, int error)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        if ((kinds >> i & 1) && errors[i].value == error)
            return true;
    }
    return false;
}

enum policy_verdict policy_rule_out_of_turn(const struct policy_socket *socket,
                                            const struct policy_settings *settings,
                                            struct policy_detail *detail)
{
    (void)settings;
    if (!policy_knows(socket, POLICY_API_ERROR_KINDS))
        return POLICY_UNKNOWN;
    return has_occurred(policy_fact(socket, POLICY_API_ERROR_KINDS), EFSM)
               ? policy_broken(detail, "libzmq refused calls that were not the %s's turn: EFSM",
                               socket->type)
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_api_misuse(const struct policy_socket *socket,
                                           const struct policy_settings *settings,
                                           struct policy_detail *detail)
{
    char names[ERROR_NAMES_SIZE] = "";
    size_t size = 0;
    (void)settings;
    if (!policy_knows(socket, POLICY_API_ERROR_KINDS))
        return POLICY_UNKNOWN;
    uint64_t kinds = policy_fact(socket, POLICY_API_ERROR_KINDS);
    for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
        if ((kinds >> i & 1) && is_misuse(errors[i].value) && size < sizeof(names))
            size += (size_t)snprintf(names + size, sizeof(names) - size, "%s%s", size ? ", " : "",
                                     errors[i].name);
    }
    return size ? policy_broken(detail, "libzmq refused calls: %s", names) : POLICY_KEPT;
}

enum policy_verdict policy_rule_no_socket(const struct policy_process *process,
                                          const struct policy_settings *settings,
                                          struct policy_detail *detail)
{
    enum {
#define X(i, value, name) ERROR_##i = (value),
        SEGMENT_PROCESS_ERRORS(X)
#undef X
    };
    static_assert((int)ERROR_0 == ENOTSOCK && (int)ERROR_1 == EFAULT, "the two");
    (void)settings;
    if (!process->are_api_errors_known)
        return POLICY_UNKNOWN;
    uint64_t n_sockets = process->api_errors[0], n_faults = process->api_errors[1];
    if (n_sockets == 0 && n_faults == 0)
        return POLICY_KEPT;
    return policy_broken(detail,
                         "%" PRIu64 " calls with what is no open socket (ENOTSOCK), %" PRIu64
                         " with what is no context (EFAULT)",
                         n_sockets, n_faults);
}

enum policy_verdict policy_rule_concurrent_use(const struct policy_socket *socket,
                                               const struct policy_settings *settings,
                                               struct policy_detail *detail)
{
    (void)settings;
    if (socket->traits & TAP_TYPE_SHARED)
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_CONCURRENT_CALLS))
        return POLICY_UNKNOWN;
    uint64_t n = policy_fact(socket, POLICY_CONCURRENT_CALLS);
    return n ? policy_broken(detail,
                             "%" PRIu64
                             " calls were seen to begin while another thread was in a call "
                             "with it",
                             n)
             : POLICY_KEPT;
}

static bool is_within(const struct policy_socket *socket, uint64_t at_ns, uint64_t interval_ns)
{
    return at_ns != SEGMENT_UNKNOWN && at_ns + interval_ns > socket->now_ns;
}

enum policy_verdict policy_rule_starved(const struct policy_socket *socket,
                                        const struct policy_settings *settings,
                                        struct policy_detail *detail)
{
    uint64_t patience_ns = (uint64_t)settings->starved_ms * NS_PER_MS;
    if (!(socket->traits & TAP_TYPE_RECEIVES) || (socket->traits & TAP_TYPE_PUBLISHES))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_RECEIVE_QUEUE) ||
        (policy_fact(socket, POLICY_RECEIVE_QUEUE) && !policy_knows(socket, POLICY_RECEIVE_AGE_NS)))
        return POLICY_UNKNOWN;
    uint64_t n = policy_fact(socket, POLICY_RECEIVE_QUEUE);
    uint64_t age_ns = policy_fact(socket, POLICY_RECEIVE_AGE_NS);
    if (n == 0 || age_ns < patience_ns ||
        is_within(socket, policy_fact(socket, POLICY_LAST_RECEIVED_NS), patience_ns) ||
        !is_within(socket, socket->others_received_ns, GOES_ON_NS))
        return POLICY_KEPT;
    return policy_broken(detail,
                         "%" PRIu64
                         " messages wait, the oldest for %.0f s, while others of its process "
                         "are received from",
                         n, (double)age_ns / NS_PER_S);
}
