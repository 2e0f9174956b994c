/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_keys - a mapping of the configuration into a struct, by a table of its keys.
 *
 *     static const struct config_key keys[] = {
 *         {"timeout", CONFIG_DURATION, offsetof(struct x, timeout_ms),
 *          .fallback = X_TIMEOUT_DEFAULT_MS, .min = 100, .max = 60000},
 *         {"peer", CONFIG_CHOICE, offsetof(struct x, peer), .choices = peer_names,
 *          .is_required = true},
 *     };
 *     r = config_keys_read(node, keys, ARRAY_SIZE, &x, err);
 *
 * Every member that a row names is set: to what the file says or to the fallback. A key without a
 * row is an error that suggests the nearest one. The table is also what `check` and the tests of
 * the example file walk over.
 *
 * type             member in the struct          the file has
 * CONFIG_BOOL      bool                          true, false, yes, no, on, off
 * CONFIG_INTEGER   int64_t                       a decimal number in min..max
 * CONFIG_DURATION  int64_t, milliseconds         500ms, 5s, 1m30s, 2h, 1d or 0, in min..max
 * CONFIG_SIZE      int64_t, bytes                65536, 64KiB, 1MiB, 2GiB, in min..max
 * CONFIG_TEXT      const char *                  a text of min..max bytes; fallback_text
 * CONFIG_CHOICE    int, one of the choices       its name
 * CONFIG_MAPPING   const struct config_node *    a mapping; NULL if absent
 * CONFIG_LIST      const struct config_node *    a list of min..max members; NULL if absent
 * CONFIG_REFUSED   -                             never: `hint` says what to write instead
 *
 * Texts and nodes are borrowed from the document.   Thread: any.
 * Errors: -EINVAL with `err` set.
 */
#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include "config/config_document.h"

enum config_type {
    CONFIG_BOOL,
    CONFIG_INTEGER,
    CONFIG_DURATION,
    CONFIG_SIZE,
    CONFIG_TEXT,
    CONFIG_CHOICE,
    CONFIG_MAPPING,
    CONFIG_LIST,
    CONFIG_REFUSED,
};

struct config_choice {
    const char *name; /* NULL ends the table */
    int value;
};

struct config_key {
    const char *name;
    enum config_type type;
    size_t offset;
    int64_t fallback; /* number, truth or choice of an absent key */
    const char *fallback_text;
    int64_t min, max; /* both 0: no limit */
    const struct config_choice *choices;
    const char *hint;
    bool is_required;
    bool takes_nothing; /* `key:` alone is the empty text, or for another type its fallback */
};

/* Reads `mapping` into the struct at `ret`, which is changed on failure too. */
int config_keys_read(const struct config_node *mapping, const struct config_key *keys, size_t n,
                     void *ret, struct error *err);

/* The same in steps, so that one mapping can go over another's values. apply() changes only
 * the members whose keys are there; require() asks for the keys that must be. */
int config_keys_apply(const struct config_node *mapping, const struct config_key *keys, size_t n,
                      void *ret, struct error *err);
int config_keys_require(const struct config_node *mapping, const struct config_key *keys, size_t n,
                        struct error *err);
void config_keys_set_fallbacks(const struct config_key *keys, size_t n, void *ret);

/* Whether two structs that were read with the table have the same values. Of mappings and lists
 * only whether they are there: what is in them is compared where it is read. */
bool config_keys_are_equal(const struct config_key *keys, size_t n, const void *a, const void *b);

/* One scalar as a row of the table would read it, for the members of lists. */
int config_value_read(const struct config_node *node, const struct config_key *key, void *ret,
                      struct error *err);

/* The name of `value` in `choices`, or NULL. */
const char *config_choice_name(const struct config_choice *choices, int value);

/* "1m30s" and so on; the shortest form. `ret` has room for 32 bytes. */
void config_duration_format(int64_t ms, char ret[static 32]);

#endif
