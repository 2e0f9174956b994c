/* SPDX-License-Identifier: MPL-2.0 */
#include "config/probe_security.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4095

struct values {
    int mechanism;
    const char *username, *password_file, *password_env;
    const char *server_key, *server_key_file;
    const char *secret_key_file, *secret_key_env;
};

static const struct config_choice mechanisms[] = {
    {"NULL", PROBE_NULL}, {"PLAIN", PROBE_PLAIN}, {"CURVE", PROBE_CURVE}, {NULL, 0}};

#define TEXT(key, member, limit)                                                                   \
    {                                                                                              \
        key, CONFIG_TEXT, offsetof(struct values, member), .min = 1, .max = limit                  \
    }

const struct config_key probe_security_keys[] = {
    {"mechanism", CONFIG_CHOICE, offsetof(struct values, mechanism), .choices = mechanisms,
     .is_required = true},
    TEXT("username", username, NAME_MAX_BYTES),
    TEXT("password_file", password_file, PATH_MAX_BYTES),
    TEXT("password_env", password_env, NAME_MAX_BYTES),
    TEXT("server_key", server_key, NAME_MAX_BYTES),
    TEXT("server_key_file", server_key_file, PATH_MAX_BYTES),
    TEXT("secret_key_file", secret_key_file, PATH_MAX_BYTES),
    TEXT("secret_key_env", secret_key_env, NAME_MAX_BYTES),
    {"password", CONFIG_REFUSED,
     .hint = "a password does not stand in this file: use 'password_file' or 'password_env'"},
    {"secret_key", CONFIG_REFUSED,
     .hint = "a secret key does not stand in this file: use 'secret_key_file' or "
             "'secret_key_env'"},
    {"public_key", CONFIG_REFUSED,
     .hint = "the probe's public key follows from its secret key and is not given; the peer's is "
             "'server_key'"},
};
const size_t probe_security_n_keys = sizeof(probe_security_keys) / sizeof(*probe_security_keys);

/* Keys that only one mechanism has. */
static int check_mechanism(const struct config_node *node, const struct values *values,
                           struct error *err)
{
    static const struct {
        const char *key;
        int mechanism;
    } uses[] = {
        {"username", PROBE_PLAIN},        {"password_file", PROBE_PLAIN},
        {"password_env", PROBE_PLAIN},    {"server_key", PROBE_CURVE},
        {"server_key_file", PROBE_CURVE}, {"secret_key_file", PROBE_CURVE},
        {"secret_key_env", PROBE_CURVE},
    };
    for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
        const struct config_node *found = config_node_find(node, uses[i].key);
        if (found && uses[i].mechanism != values->mechanism)
            return config_node_key_error(found, err, "'%s' is for %s, the mechanism is %s",
                                         uses[i].key,
                                         config_choice_name(mechanisms, uses[i].mechanism),
                                         config_choice_name(mechanisms, values->mechanism));
    }
    return 0;
}

static int check_pair(const struct config_node *node, const char *a, const char *b,
                      struct error *err)
{
    const struct config_node *second = config_node_find(node, b);
    if (config_node_find(node, a) && second)
        return config_node_key_error(second, err, "'%s' and '%s' exclude each other", a, b);
    return 0;
}

static int read_file(const struct config_node *mapping, const char *key,
                     enum config_secret_kind kind, char *ret, struct error *err)
{
    struct error inner;
    const struct config_node *node = config_node_find(mapping, key);
    cleanup(string_buffer_finish) struct string_buffer path = {0};
    if (!node)
        return 0;
    if (config_document_path(node->document, node->text, &path) < 0)
        return error_set(err, -ENOMEM, "not enough memory");
    int r = config_secret_read_file(path.data, kind, ret, &inner);
    if (r < 0)
        config_node_error(node, err, "%s", inner.message);
    return r;
}

static int read_environment(const struct config_node *mapping, const char *key,
                            enum config_secret_kind kind, char *ret, struct error *err)
{
    struct error inner;
    const struct config_node *node = config_node_find(mapping, key);
    if (!node)
        return 0;
    int r = config_secret_read_environment(node->text, kind, ret, &inner);
    if (r < 0)
        config_node_error(node, err, "%s", inner.message);
    return r;
}

static int read_server_key(const struct config_node *mapping, const struct values *values,
                           struct probe_security *security, struct error *err)
{
    if (!values->server_key)
        return read_file(mapping, "server_key_file", CONFIG_SECRET_CURVE_PUBLIC,
                         security->server_key, err);
    if (!config_secret_is_curve_key(values->server_key))
        return config_node_error(config_node_find(mapping, "server_key"), err,
                                 "'server_key' must be 40 characters of Z85");
    memcpy(security->server_key, values->server_key, CONFIG_SECRET_KEY_SIZE + 1);
    return 0;
}

int probe_security_read(const struct config_node *node, struct probe_security *ret,
                        struct error *err)
{
    struct values values;
    if (!node)
        return 0;
    int r = config_keys_read(node, probe_security_keys, probe_security_n_keys, &values, err);
    if (r == 0)
        r = check_mechanism(node, &values, err);
    if (r == 0)
        r = check_pair(node, "password_file", "password_env", err);
    if (r == 0)
        r = check_pair(node, "server_key", "server_key_file", err);
    if (r == 0)
        r = check_pair(node, "secret_key_file", "secret_key_env", err);
    if (r < 0)
        return r;

    ret->mechanism = values.mechanism;
    ret->username = values.username;
    r = read_server_key(node, &values, ret, err);
    if (r == 0)
        r = read_file(node, "password_file", CONFIG_SECRET_PASSWORD, ret->password, err);
    if (r == 0)
        r = read_environment(node, "password_env", CONFIG_SECRET_PASSWORD, ret->password, err);
    if (r == 0)
        r = read_file(node, "secret_key_file", CONFIG_SECRET_CURVE_SECRET, ret->secret_key, err);
    if (r == 0)
        r = read_environment(node, "secret_key_env", CONFIG_SECRET_CURVE_SECRET, ret->secret_key,
                             err);
    return r;
}
