/* SPDX-License-Identifier: MPL-2.0 */
#include "http/auth_bcrypt.h"

#include <crypt.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_LENGTH 4 /* "$2b$" */
#define TAIL_LENGTH   (AUTH_BCRYPT_SIZE - 1 - PREFIX_LENGTH)

bool auth_bcrypt_matches(const char *hash, const char *password)
{
    char setting[AUTH_BCRYPT_SIZE];
    const char *tail = strchr(hash + 1, '$');
    if (!tail || strlen(tail + 1) != TAIL_LENGTH)
        return false;
    (void)snprintf(setting, sizeof(setting), "$2b$%s", tail + 1);

    struct crypt_data *data = calloc(1, sizeof(*data));
    if (!data)
        return false;
    /* crypt_r() may be a sanitizer's, which does not bring the library in. */
    const char *computed = crypt_rn(password, setting, data, (int)sizeof(*data));
    bool is_match = computed && strlen(computed) == sizeof(setting) - 1 &&
                    gnutls_memcmp(computed, setting, sizeof(setting) - 1) == 0;
    explicit_bzero(data, sizeof(*data));
    free(data);
    return is_match;
}

void auth_bcrypt_fake(unsigned cost, char ret[static AUTH_BCRYPT_SIZE])
{
    /* The last character of a real hash has two zero bits: this one can come from no password. */
    (void)snprintf(ret, AUTH_BCRYPT_SIZE, "$2b$%02u$%.22s%.31s", cost % 100,
                   "abcdefghijklmnopqrstuu", "9999999999999999999999999999999");
}
