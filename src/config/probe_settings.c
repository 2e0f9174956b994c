/* SPDX-License-Identifier: MPL-2.0 */
#include "config/probe_settings.h"

#include "config/probe_security.h"
#include "config/probe_sequence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct config_choice probe_method_choices[] = {{"auto", PROBE_METHOD_AUTO},
                                                     {"socket", PROBE_METHOD_SOCKET},
                                                     {"greeting", PROBE_METHOD_GREETING},
                                                     {NULL, 0}};

const struct config_key probe_settings_keys[] = {PROBE_SETTINGS_KEYS(0)};
const size_t probe_settings_n_keys = sizeof(probe_settings_keys) / sizeof(*probe_settings_keys);

/* The node of `key` if the mapping has it, for the place of a message; else the mapping. */
static const struct config_node *place(const struct config_node *mapping, const char *key)
{
    const struct config_node *node = config_node_find(mapping, key);
    return node ? node : mapping;
}

/* The rule that a probe never takes data. */
static int complete_method(const struct config_node *mapping, struct probe_settings *settings,
                           struct error *err)
{
    const struct probe_pairing *pairing = probe_pairing_get(settings->peer);
    if (pairing->is_refused)
        return config_node_error(place(mapping, "peer"), err, "a %s cannot be probed: %s",
                                 pairing->peer_name, pairing->why_not);
    if (settings->method == PROBE_METHOD_AUTO)
        settings->method = pairing->own_type >= 0 ? PROBE_METHOD_SOCKET : PROBE_METHOD_GREETING;
    if (settings->method == PROBE_METHOD_SOCKET && pairing->own_type < 0)
        return config_node_error(place(mapping, "method"), err,
                                 "no socket of the probe may connect to %s %s: %s; use 'method: "
                                 "greeting'",
                                 settings->peer == PROBE_PEER_ANY ? "peer" : "a",
                                 pairing->peer_name, pairing->why_not);
    return 0;
}

static int check_bind(const struct config_node *mapping, const struct probe_settings *settings,
                      struct error *err)
{
    if (!settings->is_bind)
        return 0;
    if (settings->method == PROBE_METHOD_GREETING)
        return config_node_error(place(mapping, "bind"), err,
                                 "a probe by greeting connects and cannot bind");
    if (settings->security.mechanism == PROBE_PLAIN)
        return config_node_error(place(mapping, "bind"), err,
                                 "a probe that binds cannot check passwords: use CURVE or NULL");
    if (settings->security.mechanism == PROBE_CURVE && !settings->security.secret_key[0])
        return config_node_error(place(mapping, "bind"), err,
                                 "a probe that binds with CURVE needs 'secret_key_file' or "
                                 "'secret_key_env', since its peers know the public half");
    return 0;
}

static int check_connect_security(const struct config_node *mapping,
                                  const struct probe_settings *settings, struct error *err)
{
    const struct probe_security *security = &settings->security;
    if (settings->is_bind || settings->method == PROBE_METHOD_GREETING)
        return 0;
    if (security->mechanism == PROBE_CURVE && !security->server_key[0])
        return config_node_error(place(mapping, "security"), err,
                                 "CURVE needs 'server_key' or 'server_key_file'");
    if (security->mechanism == PROBE_PLAIN && (!security->username || !security->password[0]))
        return config_node_error(place(mapping, "security"), err,
                                 "PLAIN needs 'username', and 'password_file' or 'password_env'");
    return 0;
}

static int read_subscriptions(struct probe_settings *settings, struct error *err)
{
    static const struct config_key member = {"subscriptions", CONFIG_TEXT, .min = 0,
                                             .max = PROBE_SUBSCRIPTION_BYTES_MAX};
    const struct config_node *list = settings->subscriptions_node;
    if (!list)
        return 0;
    if (settings->method != PROBE_METHOD_SOCKET ||
        probe_pairing_get(settings->peer)->own_type != PROBE_PEER_SUB)
        return config_node_key_error(list, err,
                                     "'subscriptions' are for a PUB or XPUB that is "
                                     "probed with a socket");
    settings->subscriptions = calloc(list->n_children, sizeof(*settings->subscriptions));
    if (!settings->subscriptions)
        return error_set(err, -ENOMEM, "not enough memory");
    for (const struct config_node *node = list->first; node; node = node->next) {
        const char **place_of = &settings->subscriptions[settings->n_subscriptions++];
        int r = config_value_read(node, &member, place_of, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int probe_settings_complete(const struct config_node *mapping, struct probe_settings *settings,
                            struct error *err)
{
    if (settings->heartbeat_interval_ms &&
        settings->heartbeat_timeout_ms < settings->heartbeat_interval_ms)
        return config_node_error(place(mapping, "heartbeat_timeout"), err,
                                 "'heartbeat_timeout' must not be shorter than "
                                 "'heartbeat_interval'");
    int r = complete_method(mapping, settings, err);
    if (settings->method == PROBE_METHOD_GREETING)
        settings->security.mechanism = PROBE_ANY_MECHANISM;
    if (r == 0)
        r = probe_security_read(settings->security_node, &settings->security, err);
    if (r == 0)
        r = check_bind(mapping, settings, err);
    if (r == 0)
        r = check_connect_security(mapping, settings, err);
    if (r == 0)
        r = read_subscriptions(settings, err);
    if (r == 0 && settings->sequence_node && !settings->n_subscriptions)
        return config_node_key_error(settings->sequence_node, err,
                                     "'sequence' needs 'subscriptions': without them no message "
                                     "arrives");
    if (r == 0 && settings->sequence_node) {
        settings->has_sequence = true;
        r = probe_sequence_read(settings->sequence_node, &settings->sequence, err);
    }
    return r;
}

void probe_settings_finish(struct probe_settings *self)
{
    free(self->subscriptions);
    explicit_bzero(&self->security, sizeof(self->security));
    self->subscriptions = NULL;
    self->n_subscriptions = 0;
}

static bool texts_are_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool security_is_equal(const struct probe_security *a, const struct probe_security *b)
{
    return a->mechanism == b->mechanism && texts_are_equal(a->username, b->username) &&
           strcmp(a->password, b->password) == 0 && strcmp(a->server_key, b->server_key) == 0 &&
           strcmp(a->secret_key, b->secret_key) == 0;
}

static bool subscriptions_are_equal(const struct probe_settings *a, const struct probe_settings *b)
{
    if (a->n_subscriptions != b->n_subscriptions)
        return false;
    for (size_t i = 0; i < a->n_subscriptions; i++) {
        if (strcmp(a->subscriptions[i], b->subscriptions[i]) != 0)
            return false;
    }
    return true;
}

bool probe_settings_is_equal(const struct probe_settings *a, const struct probe_settings *b)
{
    return config_keys_are_equal(probe_settings_keys, probe_settings_n_keys, a, b) &&
           security_is_equal(&a->security, &b->security) && subscriptions_are_equal(a, b) &&
           a->has_sequence == b->has_sequence &&
           (!a->has_sequence || probe_sequence_is_equal(&a->sequence, &b->sequence));
}
