/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_settings - the configuration's section `peek`:
 *
 *     peek:
 *       exclude: [vault, signer]    # programs that are not looked at without a tap
 *
 * Thread: any. Errors: -EINVAL with `err` set, -ENOMEM.
 */
#ifndef COLLECTORS_PEEK_PEEK_SETTINGS_H
#define COLLECTORS_PEEK_PEEK_SETTINGS_H

#include "config/config_document.h"

#include <stdbool.h>
#include <stddef.h>

struct peek_settings {
    char **excluded;
    size_t n_excluded;
};

/* `section` is NULL where there is none. */
int peek_settings_read(const struct config_node *section, struct peek_settings **ret_settings,
                       struct error *err);
void peek_settings_destroy(struct peek_settings **self_p);

bool peek_settings_are_same(const struct peek_settings *a, const struct peek_settings *b);

#endif
