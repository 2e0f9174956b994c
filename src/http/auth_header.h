/* SPDX-License-Identifier: MPL-2.0 */
/* auth_header - user and password of a header "Authorization: Basic …". */
#ifndef HTTP_AUTH_HEADER_H
#define HTTP_AUTH_HEADER_H

#include <stdbool.h>

#define AUTH_HEADER_BYTES_MAX 1024u /* of name and password together */

struct auth_credentials {
    const char *user, *password; /* in `text`; both end in NUL and have none within */
    char text[AUTH_HEADER_BYTES_MAX + 1];
};

/* False if the header is none such, or is not as RFC 7617 has it. */
bool auth_header_parse(const char *header, struct auth_credentials *ret);

/* Overwrites them. */
void auth_credentials_wipe(struct auth_credentials *self);

#endif
