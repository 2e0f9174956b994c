/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_secret - keys and passwords from files or the environment.
 *
 * A configuration names where a secret is and never holds it. A secret's file must belong to root
 * or to the exporter's user, must not be writable by its group and must be closed to all others.
 * A message never holds any part of a secret.
 *
 * A file holds the secret alone (a newline at its end is dropped), or is a certificate as CZMQ
 * writes it, of which the line `secret-key = "…"` or `public-key = "…"` is taken.
 *
 * Thread: any.   Blocks: on the file.   Owns: nothing; the caller wipes what it got.
 * Errors: -EINVAL or another negative errno with a message, without a place.
 */
#ifndef CONFIG_CONFIG_SECRET_H
#define CONFIG_CONFIG_SECRET_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_SECRET_MAX      255u /* bytes of a password: ZMTP has one byte for its length */
#define CONFIG_SECRET_KEY_SIZE 40u  /* a CURVE key in Z85, RFC 26 */

enum config_secret_kind {
    CONFIG_SECRET_PASSWORD,
    CONFIG_SECRET_CURVE_SECRET,
    CONFIG_SECRET_CURVE_PUBLIC, /* no secret: the file may be open to all */
};

/* `ret` has room for CONFIG_SECRET_MAX + 1 bytes and is NUL-terminated. */
int config_secret_read_file(const char *path, enum config_secret_kind kind, char *ret,
                            struct error *err);
int config_secret_read_environment(const char *name, enum config_secret_kind kind, char *ret,
                                   struct error *err);

/* 40 characters of Z85 that stand for 32 bytes. */
bool config_secret_is_curve_key(const char *text);

#endif
