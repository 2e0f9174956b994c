/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_settings - how an endpoint is probed: the values of a module or of a standing probe.
 *
 * Thread:  any; finished settings are read-only.   Blocks: on the files of secrets.
 * Owns:    the secrets and the list of subscriptions; texts are borrowed from the document.
 * Errors:  negative errno with `err` set: "path:line:column: why".
 */
#ifndef CONFIG_PROBE_SETTINGS_H
#define CONFIG_PROBE_SETTINGS_H

#include "config/config_document.h"
#include "config/config_keys.h"
#include "config/probe_peers.h"
#include "config/probe_security.h"
#include "config/probe_sequence.h"

#define PROBE_TIMEOUT_DEFAULT_MS            2000
#define PROBE_TIMEOUT_MIN_MS                50
#define PROBE_TIMEOUT_MAX_MS                60000
#define PROBE_INTERVAL_DEFAULT_MS           5000
#define PROBE_RECONNECT_INTERVAL_DEFAULT_MS 2000
#define PROBE_INTERVAL_MIN_MS               100
#define PROBE_INTERVAL_MAX_MS               3600000
#define PROBE_HEARTBEAT_INTERVAL_DEFAULT_MS 10000
#define PROBE_HEARTBEAT_TIMEOUT_DEFAULT_MS  30000
#define PROBE_HEARTBEAT_MAX_MS              600000
#define PROBE_RECEIVE_HWM_DEFAULT           1000
#define PROBE_RECEIVE_HWM_MAX               1000000
#define PROBE_MESSAGE_BYTES_DEFAULT         (1 << 20)
#define PROBE_MESSAGE_BYTES_MAX             (1 << 30)
#define PROBE_SUBSCRIPTIONS_MAX             256
#define PROBE_SUBSCRIPTION_BYTES_MAX        255

enum probe_method { PROBE_METHOD_AUTO, PROBE_METHOD_SOCKET, PROBE_METHOD_GREETING };

struct probe_settings {
    int peer;   /* enum probe_peer */
    int method; /* never AUTO once finished */
    bool is_bind;
    int64_t timeout_ms, interval_ms, reconnect_interval_ms;
    int64_t heartbeat_interval_ms, heartbeat_timeout_ms;
    int64_t receive_hwm, max_message_bytes;
    bool greets_old_peers;
    struct probe_security security;
    const char **subscriptions;
    size_t n_subscriptions;
    bool has_sequence;
    struct probe_sequence_settings sequence;

    /* As read; probe_settings_complete() has what is in them. */
    const struct config_node *security_node, *subscriptions_node, *sequence_node;
};

/* Rows of a key table for settings that lie `base` bytes into the struct that it fills. */
#define PROBE_SETTINGS_MEMBER(base, member) ((base) + offsetof(struct probe_settings, member))
#define PROBE_SETTINGS_KEYS(base)                                                                  \
    {"peer", CONFIG_CHOICE, PROBE_SETTINGS_MEMBER(base, peer), .fallback = PROBE_PEER_ANY,         \
     .choices = probe_peer_choices},                                                               \
        {"method", CONFIG_CHOICE, PROBE_SETTINGS_MEMBER(base, method),                             \
         .fallback = PROBE_METHOD_AUTO, .choices = probe_method_choices},                          \
        {"bind", CONFIG_BOOL, PROBE_SETTINGS_MEMBER(base, is_bind)},                               \
        {"timeout",                                                                                \
         CONFIG_DURATION,                                                                          \
         PROBE_SETTINGS_MEMBER(base, timeout_ms),                                                  \
         .fallback = PROBE_TIMEOUT_DEFAULT_MS,                                                     \
         .min = PROBE_TIMEOUT_MIN_MS,                                                              \
         .max = PROBE_TIMEOUT_MAX_MS},                                                             \
        {"interval",                                                                               \
         CONFIG_DURATION,                                                                          \
         PROBE_SETTINGS_MEMBER(base, interval_ms),                                                 \
         .fallback = PROBE_INTERVAL_DEFAULT_MS,                                                    \
         .min = PROBE_INTERVAL_MIN_MS,                                                             \
         .max = PROBE_INTERVAL_MAX_MS},                                                            \
        {"reconnect_interval",                                                                     \
         CONFIG_DURATION,                                                                          \
         PROBE_SETTINGS_MEMBER(base, reconnect_interval_ms),                                       \
         .fallback = PROBE_RECONNECT_INTERVAL_DEFAULT_MS,                                          \
         .min = PROBE_INTERVAL_MIN_MS,                                                             \
         .max = PROBE_INTERVAL_MAX_MS},                                                            \
        {"heartbeat_interval", CONFIG_DURATION,                                                    \
         PROBE_SETTINGS_MEMBER(base, heartbeat_interval_ms),                                       \
         .fallback = PROBE_HEARTBEAT_INTERVAL_DEFAULT_MS, .max = PROBE_HEARTBEAT_MAX_MS},          \
        {"heartbeat_timeout",                                                                      \
         CONFIG_DURATION,                                                                          \
         PROBE_SETTINGS_MEMBER(base, heartbeat_timeout_ms),                                        \
         .fallback = PROBE_HEARTBEAT_TIMEOUT_DEFAULT_MS,                                           \
         .min = PROBE_INTERVAL_MIN_MS,                                                             \
         .max = PROBE_HEARTBEAT_MAX_MS},                                                           \
        {"receive_hwm",                                                                            \
         CONFIG_INTEGER,                                                                           \
         PROBE_SETTINGS_MEMBER(base, receive_hwm),                                                 \
         .fallback = PROBE_RECEIVE_HWM_DEFAULT,                                                    \
         .min = 1,                                                                                 \
         .max = PROBE_RECEIVE_HWM_MAX},                                                            \
        {"max_message_size",                                                                       \
         CONFIG_SIZE,                                                                              \
         PROBE_SETTINGS_MEMBER(base, max_message_bytes),                                           \
         .fallback = PROBE_MESSAGE_BYTES_DEFAULT,                                                  \
         .min = 1,                                                                                 \
         .max = PROBE_MESSAGE_BYTES_MAX},                                                          \
        {"greet_old_peers", CONFIG_BOOL, PROBE_SETTINGS_MEMBER(base, greets_old_peers)},           \
        {"security", CONFIG_MAPPING, PROBE_SETTINGS_MEMBER(base, security_node)},                  \
        {"subscriptions", CONFIG_LIST, PROBE_SETTINGS_MEMBER(base, subscriptions_node), .min = 1,  \
         .max = PROBE_SUBSCRIPTIONS_MAX},                                                          \
        {"sequence", CONFIG_MAPPING, PROBE_SETTINGS_MEMBER(base, sequence_node)},

extern const struct config_choice probe_method_choices[];

/* The table for a mapping that holds settings and nothing else: a module. */
extern const struct config_key probe_settings_keys[];
extern const size_t probe_settings_n_keys;

/* After the keys are read: checks what they mean together, reads the secrets and resolves
 * PROBE_METHOD_AUTO. `mapping` is for the places of messages. */
int probe_settings_complete(const struct config_node *mapping, struct probe_settings *settings,
                            struct error *err);

/* Wipes and frees what it owns. */
void probe_settings_finish(struct probe_settings *self);

/* The same behaviour, whichever document they came from. */
bool probe_settings_is_equal(const struct probe_settings *a, const struct probe_settings *b);

#endif
