/* SPDX-License-Identifier: MPL-2.0 */
/* auth_bcrypt - one bcrypt comparison, as golang.org/x/crypto/bcrypt makes it. */
#ifndef HTTP_AUTH_BCRYPT_H
#define HTTP_AUTH_BCRYPT_H

#include <stdbool.h>

/* `hash` is one that web_config accepts. Takes 2^cost rounds whatever the answer; false also
 * without memory. All kinds of bcrypt ("$2$", "$2a$", …) are taken for today's, "$2b$". */
bool auth_bcrypt_matches(const char *hash, const char *password);

/* A hash of that cost that nothing matches, in `ret`. */
#define AUTH_BCRYPT_SIZE 61
void auth_bcrypt_fake(unsigned cost, char ret[static AUTH_BCRYPT_SIZE]);

#endif
