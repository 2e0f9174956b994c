/* SPDX-License-Identifier: MPL-2.0 */
#include "config/probe_sequence.h"

#define FRAMES_MAX  63
#define OFFSET_MAX  65535
#define BINARY_MAX  8  /* bytes of a number */
#define DECIMAL_MAX 20 /* digits of a number */
#define KEY_MAX     255

static const struct config_choice encodings[] = {{"little_endian", PROBE_LITTLE_ENDIAN},
                                                 {"big_endian", PROBE_BIG_ENDIAN},
                                                 {"decimal", PROBE_DECIMAL},
                                                 {NULL, 0}};

struct values {
    struct probe_sequence_settings settings;
    const struct config_node *key_node;
};

#define MEMBER(name) offsetof(struct values, settings.name)

const struct config_key probe_sequence_keys[] = {
    {"frame", CONFIG_INTEGER, MEMBER(frame), .fallback = -1, .min = -FRAMES_MAX - 1,
     .max = FRAMES_MAX},
    {"offset", CONFIG_INTEGER, MEMBER(offset), .fallback = 0, .min = 0, .max = OFFSET_MAX},
    {"width", CONFIG_INTEGER, MEMBER(width), .fallback = 0, .min = 0, .max = DECIMAL_MAX},
    {"encoding", CONFIG_CHOICE, MEMBER(encoding), .choices = encodings, .is_required = true},
    {"modulus", CONFIG_INTEGER, MEMBER(modulus), .fallback = 0, .min = 0, .max = INT64_MAX},
    {"key", CONFIG_MAPPING, offsetof(struct values, key_node)},
};
const size_t probe_sequence_n_keys = sizeof(probe_sequence_keys) / sizeof(*probe_sequence_keys);

#define KEY_MEMBER(name) offsetof(struct probe_sequence_settings, name)

const struct config_key probe_sequence_key_keys[] = {
    {"frame", CONFIG_INTEGER, KEY_MEMBER(key_frame), .fallback = 0, .min = -FRAMES_MAX - 1,
     .max = FRAMES_MAX},
    {"offset", CONFIG_INTEGER, KEY_MEMBER(key_offset), .fallback = 0, .min = 0, .max = OFFSET_MAX},
    {"width", CONFIG_INTEGER, KEY_MEMBER(key_width), .fallback = 0, .min = 0, .max = KEY_MAX},
    {"limit", CONFIG_INTEGER, KEY_MEMBER(keys_max), .fallback = PROBE_SEQUENCE_KEYS_DEFAULT,
     .min = 1, .max = PROBE_SEQUENCE_KEYS_MAX},
};
const size_t probe_sequence_key_n_keys = sizeof(probe_sequence_key_keys) /
                                         sizeof(*probe_sequence_key_keys);

static int check(const struct config_node *node, const struct probe_sequence_settings *settings,
                 struct error *err)
{
    const struct config_node *width = config_node_find(node, "width");
    bool is_binary = settings->encoding != PROBE_DECIMAL;
    if (is_binary && (settings->width < 1 || settings->width > BINARY_MAX))
        return config_node_error(width ? width : node, err,
                                 "a binary number needs 'width' from 1 to %d bytes", BINARY_MAX);
    const struct config_node *modulus = config_node_find(node, "modulus");
    if (modulus && settings->modulus < 2)
        return config_node_error(modulus, err, "'modulus' must be at least 2");
    if (is_binary && settings->width < BINARY_MAX &&
        settings->modulus > INT64_C(1) << (8 * settings->width))
        return config_node_error(modulus ? modulus : node, err,
                                 "'modulus' is more than %lld bytes can count",
                                 (long long)settings->width);
    return 0;
}

int probe_sequence_read(const struct config_node *node, struct probe_sequence_settings *ret,
                        struct error *err)
{
    struct values values = {0};
    int r = config_keys_read(node, probe_sequence_keys, probe_sequence_n_keys, &values, err);
    if (r == 0)
        r = check(node, &values.settings, err);
    if (r == 0 && values.key_node) {
        values.settings.has_key = true;
        r = config_keys_read(values.key_node, probe_sequence_key_keys, probe_sequence_key_n_keys,
                             &values.settings, err);
    }
    if (r == 0)
        *ret = values.settings;
    return r;
}

bool probe_sequence_is_equal(const struct probe_sequence_settings *a,
                             const struct probe_sequence_settings *b)
{
    const struct values first = {.settings = *a}, second = {.settings = *b};
    return a->has_key == b->has_key &&
           config_keys_are_equal(probe_sequence_keys, probe_sequence_n_keys, &first, &second) &&
           config_keys_are_equal(probe_sequence_key_keys, probe_sequence_key_n_keys, a, b);
}
