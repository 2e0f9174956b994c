/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_sequence - the mapping `sequence` of probe settings. Thread, ownership and errors: see
 * probe_settings.h.
 */
#ifndef CONFIG_PROBE_SEQUENCE_H
#define CONFIG_PROBE_SEQUENCE_H

#include "config/config_keys.h"

#define PROBE_SEQUENCE_KEYS_DEFAULT 1024
#define PROBE_SEQUENCE_KEYS_MAX     65536

enum probe_encoding { PROBE_LITTLE_ENDIAN, PROBE_BIG_ENDIAN, PROBE_DECIMAL };

/* Where a message has its number. Frames count from 0, from the end with -1, -2 and so on. */
struct probe_sequence_settings {
    int64_t frame, offset, width; /* of the number; width 0: decimal digits to the frame's end */
    int encoding;
    int64_t modulus;                          /* 0: all values of that width, or of 64 bits */
    int64_t key_frame, key_offset, key_width; /* one sequence for each value here; width 0: all */
    bool has_key;
    int64_t keys_max; /* sequences beyond it are not followed */
};

int probe_sequence_read(const struct config_node *node, struct probe_sequence_settings *ret,
                        struct error *err);

bool probe_sequence_is_equal(const struct probe_sequence_settings *a,
                             const struct probe_sequence_settings *b);

extern const struct config_key probe_sequence_keys[];
extern const size_t probe_sequence_n_keys;
extern const struct config_key probe_sequence_key_keys[];
extern const size_t probe_sequence_key_n_keys;

#endif
