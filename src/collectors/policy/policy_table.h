/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_table - the checks: one row each, from which the collector, the report of `audit` and the
 * pages under /checks/ are made. To add one, add a row and, for a new look, a function.
 */
#ifndef COLLECTORS_POLICY_POLICY_TABLE_H
#define COLLECTORS_POLICY_POLICY_TABLE_H

#include "collectors/library/library_collector.h"
#include "collectors/policy/policy_facts.h"

#define POLICY_DETAIL_SIZE 240u

struct policy_settings;

/* NOT_FOR: the check does not concern it. UNKNOWN: what it asks is not known here. */
enum policy_verdict { POLICY_NOT_FOR, POLICY_UNKNOWN, POLICY_KEPT, POLICY_BROKEN };

/* What was seen, in words: filled in with POLICY_BROKEN. */
struct policy_detail {
    char text[POLICY_DETAIL_SIZE];
};

/* What a look returns that found what it looks for, which it says. */
enum policy_verdict policy_broken(struct policy_detail *detail, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Of the three, a row has the one that fits what it looks at. */
typedef enum policy_verdict policy_look_socket(const struct policy_socket *socket,
                                               const struct policy_settings *settings,
                                               struct policy_detail *detail);
typedef enum policy_verdict policy_look_process(const struct policy_process *process,
                                                const struct policy_settings *settings,
                                                struct policy_detail *detail);
typedef enum policy_verdict policy_look_library(const struct library_finding *library,
                                                struct policy_detail *detail);

struct policy_check {
    const char *name;
    enum advisory_severity severity;
    const char *what;       /* it looks for: "a socket that …" */
    const char *why;        /* this is bad */
    const char *fix_c;      /* a line or two of C */
    const char *fix_python; /* the same with pyzmq */
    const char *except;     /* what it leaves alone by itself */
    policy_look_socket *look_socket;
    policy_look_process *look_process;
    policy_look_library *look_library;
};

extern const struct policy_check policy_checks[];
extern const size_t policy_n_checks;

/* NULL: there is none of that name. */
const struct policy_check *policy_check_find(const char *name);

/* The looks of the rows; policy_looks.c and policy_looks_use.c. */
policy_look_socket policy_look_plaintext, policy_look_plain, policy_look_curve_without_zap,
    policy_look_wildcard, policy_look_unlimited_hwm, policy_look_hwm_memory,
    policy_look_unequal_hwm, policy_look_max_message_size, policy_look_heartbeat,
    policy_look_handshake_timeout, policy_look_infinite_linger, policy_look_zero_linger,
    policy_look_receive_timeout, policy_look_send_timeout, policy_look_ipc_open,
    policy_look_ipc_abstract, policy_look_incompatible, policy_look_hwm_reached,
    policy_look_unroutable, policy_look_reconnect, policy_look_out_of_turn, policy_look_api_misuse,
    policy_look_concurrent_use, policy_look_starved;
policy_look_process policy_look_no_socket, policy_look_socket_limit, policy_look_descriptor_limit;
policy_look_library policy_look_vulnerable, policy_look_replaced;

#endif
