/* SPDX-License-Identifier: MPL-2.0 */
/* policy_rules_use - how sockets, processes and libraries fare: what was seen to happen. */
#include "collectors/policy/policy_settings.h"
#include "collectors/policy/policy_table.h"
#include "collectors/tap/tap_types.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  1e9

enum policy_verdict policy_rule_receive_timeout(const struct policy_socket *socket,
                                                const struct policy_settings *settings,
                                                struct policy_detail *detail)
{
    bool is_request = strcmp(socket->type, "REQ") == 0;
    if (!is_request && strcmp(socket->type, "REP") != 0)
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_RCVTIMEO) || !policy_knows(socket, POLICY_RECEIVE_BLOCKED_NS))
        return POLICY_UNKNOWN;
    uint64_t blocked_ns = policy_fact(socket, POLICY_RECEIVE_BLOCKED_NS);
    if (policy_signed(socket, POLICY_RCVTIMEO) >= 0 ||
        blocked_ns < (uint64_t)settings->blocked_ms * NS_PER_MS)
        return POLICY_KEPT;
    return policy_broken(detail, "ZMQ_RCVTIMEO is -1, and it has waited %.0f s for a %s",
                         (double)blocked_ns / NS_PER_S, is_request ? "reply" : "request");
}

enum policy_verdict policy_rule_send_timeout(const struct policy_socket *socket,
                                             const struct policy_settings *settings,
                                             struct policy_detail *detail)
{
    if (!(socket->traits & TAP_TYPE_SENDS))
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_SNDTIMEO) || !policy_knows(socket, POLICY_SEND_BLOCKED_NS))
        return POLICY_UNKNOWN;
    uint64_t blocked_ns = policy_fact(socket, POLICY_SEND_BLOCKED_NS);
    if (policy_knows(socket, POLICY_SEND_BLOCKED_NO_PEER_NS))
        blocked_ns += policy_fact(socket, POLICY_SEND_BLOCKED_NO_PEER_NS);
    if (policy_signed(socket, POLICY_SNDTIMEO) >= 0 ||
        blocked_ns < (uint64_t)settings->blocked_ms * NS_PER_MS)
        return POLICY_KEPT;
    return policy_broken(detail, "ZMQ_SNDTIMEO is -1, and sends have waited %.0f s",
                         (double)blocked_ns / NS_PER_S);
}

enum policy_verdict policy_rule_incompatible(const struct policy_socket *socket,
                                             const struct policy_settings *settings,
                                             struct policy_detail *detail)
{
    (void)settings;
    if (!(socket->traits & TAP_TYPE_HANDSHAKES) || socket->place.transport == POLICY_INPROC)
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_BAD_METADATA) || !policy_knows(socket, POLICY_REFUSED))
        return POLICY_UNKNOWN;
    /* libzmq 4.3.4 has no code of its own for a type that does not fit. */
    uint64_t n = policy_fact(socket, POLICY_BAD_METADATA) + policy_fact(socket, POLICY_REFUSED);
    return n ? policy_broken(detail,
                             "%" PRIu64
                             " handshake%s refused, mostly a peer of a socket type that does "
                             "not fit %s",
                             n, n == 1 ? "" : "s", socket->type)
             : POLICY_KEPT;
}

enum policy_verdict policy_rule_hwm_reached(const struct policy_socket *socket,
                                            const struct policy_settings *settings,
                                            struct policy_detail *detail)
{
    if (!(socket->traits & TAP_TYPE_SENDS) || (socket->traits & TAP_TYPE_SENDS_SUBSCRIPTIONS))
        return POLICY_NOT_FOR;
    bool has_drops = policy_knows(socket, POLICY_DROPPED_HWM);
    bool has_times = policy_knows(socket, POLICY_SEND_AT_HWM_NS);
    if (!has_drops && !has_times)
        return POLICY_UNKNOWN;
    uint64_t dropped = has_drops ? policy_fact(socket, POLICY_DROPPED_HWM) : 0;
    uint64_t full_ns = has_times ? policy_fact(socket, POLICY_SEND_AT_HWM_NS) : 0;
    uint64_t hwm = policy_fact(socket, POLICY_SEND_HWM);
    if (dropped)
        return policy_broken(detail,
                             "%" PRIu64 " message%s dropped at a mark of %" PRIu64
                             "; a mark of %" PRIu64 " would have held them",
                             dropped, dropped == 1 ? "" : "s", hwm, hwm + dropped);
    if (full_ns < (uint64_t)settings->full_ms * NS_PER_MS || full_ns == 0)
        return POLICY_KEPT;
    return policy_broken(detail, "a peer's send queue stood at its mark of %" PRIu64 " for %.0f s",
                         hwm, (double)full_ns / NS_PER_S);
}

enum policy_verdict policy_rule_unroutable(const struct policy_socket *socket,
                                           const struct policy_settings *settings,
                                           struct policy_detail *detail)
{
    (void)settings;
    if (strcmp(socket->type, "ROUTER") != 0)
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_DROPPED_UNROUTABLE) ||
        !policy_knows(socket, POLICY_ROUTER_MANDATORY))
        return POLICY_UNKNOWN;
    uint64_t n = policy_fact(socket, POLICY_DROPPED_UNROUTABLE);
    return n && policy_fact(socket, POLICY_ROUTER_MANDATORY) == 0
               ? policy_broken(detail,
                               "%" PRIu64 " message%s to peers that are gone dropped, and "
                               "ZMQ_ROUTER_MANDATORY is 0: the program was not told",
                               n, n == 1 ? "" : "s")
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_reconnect(const struct policy_socket *socket,
                                          const struct policy_settings *settings,
                                          struct policy_detail *detail)
{
    if (socket->place.transport != POLICY_TCP)
        return POLICY_NOT_FOR;
    if (!policy_knows(socket, POLICY_CONNECT_RETRIES) ||
        !policy_knows(socket, POLICY_RECONNECT_IVL_MAX))
        return POLICY_UNKNOWN;
    uint64_t n = policy_fact(socket, POLICY_CONNECT_RETRIES);
    return n >= (uint64_t)settings->retries && policy_signed(socket, POLICY_RECONNECT_IVL_MAX) == 0
               ? policy_broken(detail,
                               "%" PRIu64 " attempts to connect at the same interval: "
                               "ZMQ_RECONNECT_IVL_MAX is 0",
                               n)
               : POLICY_KEPT;
}

static enum policy_verdict check_usage(const struct policy_usage *usage,
                                       const struct policy_settings *settings, const char *what,
                                       struct policy_detail *detail)
{
    if (!usage->is_known || !usage->limit)
        return POLICY_UNKNOWN;
    return (double)usage->used * 100 >= (double)usage->limit * (double)settings->near_limit_percent
               ? policy_broken(detail, "%" PRIu64 " of %" PRIu64 " %s", usage->used, usage->limit,
                               what)
               : POLICY_KEPT;
}

enum policy_verdict policy_rule_socket_limit(const struct policy_process *process,
                                             const struct policy_settings *settings,
                                             struct policy_detail *detail)
{
    return check_usage(&process->context_sockets, settings, "sockets of a context are open",
                       detail);
}

enum policy_verdict policy_rule_descriptor_limit(const struct policy_process *process,
                                                 const struct policy_settings *settings,
                                                 struct policy_detail *detail)
{
    return check_usage(&process->descriptors, settings, "file descriptors are open", detail);
}

enum policy_verdict policy_rule_vulnerable(const struct library_finding *library,
                                           struct policy_detail *detail)
{
    unsigned n = 0;
    const char *worst = NULL;
    enum advisory_severity severity = ADVISORY_LOW;
    if (!library->is_judged)
        return POLICY_UNKNOWN;
    advisory_set open = library->verdict.affected & ~library->verdict.patched;
    for (size_t i = 0; i < library->advisories->n; i++) {
        const struct advisory *advisory = &library->advisories->advisories[i];
        if (!(open >> i & 1))
            continue;
        n++;
        if (!worst || advisory->severity > severity) {
            worst = advisory->id;
            severity = advisory->severity;
        }
    }
    bool is_unread = library->package && library->package->manager == PACKAGE_UNREAD;
    return n ? policy_broken(
                   detail, "libzmq %s has %u open advisor%s, %s (%s)%s%s: %s", library->version, n,
                   n == 1 ? "y" : "ies", worst, advisory_severity_name(severity),
                   n == 1 ? "" : " among them",
                   is_unread
                       ? ", unless its package has the fixes (rpm's database could not be read)"
                       : "",
                   library->path)
             : POLICY_KEPT;
}

enum policy_verdict policy_rule_replaced(const struct library_finding *library,
                                         struct policy_detail *detail)
{
    if (!library->is_disk_known)
        return POLICY_UNKNOWN;
    return library->n_replaced
               ? policy_broken(detail, "%u process%s a libzmq that was replaced on disk: %s",
                               library->n_replaced, library->n_replaced == 1 ? " runs" : "es run",
                               library->path)
               : POLICY_KEPT;
}
