/* SPDX-License-Identifier: MPL-2.0 */
/*
 * policy_table - the checks: one row each, from which the collector, the report of `audit` and the
 * pages under /checks/ are made. To add one, add a row and, for a new rule, a function.
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

/* What a rule returns that is broken, with the words for it in `detail`. */
enum policy_verdict policy_broken(struct policy_detail *detail, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A row has the one of the three that fits its subject. */
typedef enum policy_verdict policy_rule_of_socket(const struct policy_socket *socket,
                                                  const struct policy_settings *settings,
                                                  struct policy_detail *detail);
typedef enum policy_verdict policy_rule_of_process(const struct policy_process *process,
                                                   const struct policy_settings *settings,
                                                   struct policy_detail *detail);
typedef enum policy_verdict policy_rule_of_library(const struct library_finding *library,
                                                   struct policy_detail *detail);

struct policy_check {
    const char *name;
    enum advisory_severity severity;
    const char *what;       /* it looks for: "a socket that …" */
    const char *why;        /* this is bad */
    const char *fix_c;      /* a line or two of C */
    const char *fix_python; /* the same with pyzmq */
    const char *except;     /* what it leaves alone by itself */
    policy_rule_of_socket *socket_rule;
    policy_rule_of_process *process_rule;
    policy_rule_of_library *library_rule;
};

extern const struct policy_check policy_checks[];
extern const size_t policy_n_checks;

/* NULL: there is none of that name. */
const struct policy_check *policy_check_find(const char *name);

/* The rules of the rows; policy_rules.c, policy_rules_use.c, policy_rules_misuse.c. */
policy_rule_of_socket policy_rule_plaintext, policy_rule_plain, policy_rule_curve_without_zap,
    policy_rule_wildcard, policy_rule_unlimited_hwm, policy_rule_hwm_memory,
    policy_rule_unequal_hwm, policy_rule_max_message_size, policy_rule_heartbeat,
    policy_rule_handshake_timeout, policy_rule_infinite_linger, policy_rule_zero_linger,
    policy_rule_receive_timeout, policy_rule_send_timeout, policy_rule_ipc_open,
    policy_rule_ipc_abstract, policy_rule_incompatible, policy_rule_hwm_reached,
    policy_rule_unroutable, policy_rule_reconnect, policy_rule_out_of_turn, policy_rule_api_misuse,
    policy_rule_concurrent_use, policy_rule_starved;
policy_rule_of_process policy_rule_no_socket, policy_rule_socket_limit,
    policy_rule_descriptor_limit;
policy_rule_of_library policy_rule_vulnerable, policy_rule_replaced;

#endif
