/* SPDX-License-Identifier: MPL-2.0 */
#include "http/auth_header.h"

#include "http/http_value.h"

#include <gnutls/gnutls.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Basic "

/* With padding, as the RFC asks; `*ret_size` bytes at most `room`. */
static bool decode(const char *text, char *ret, size_t room, size_t *ret_size)
{
    gnutls_datum_t encoded = {(unsigned char *)(uintptr_t)text, (unsigned)http_value_size(text)};
    gnutls_datum_t decoded = {NULL, 0};
    if (encoded.size == 0 || encoded.size % 4 != 0 ||
        gnutls_base64_decode2(&encoded, &decoded) < 0 || !decoded.data)
        return false;
    bool has_room = decoded.size <= room;
    if (has_room)
        memcpy(ret, decoded.data, decoded.size);
    *ret_size = decoded.size;
    explicit_bzero(decoded.data, decoded.size);
    gnutls_free(decoded.data);
    return has_room;
}

bool auth_header_parse(const char *header, struct auth_credentials *ret)
{
    if (strncasecmp(header, SCHEME, strlen(SCHEME)) != 0)
        return false;
    size_t size = 0;
    if (!decode(header + strlen(SCHEME), ret->text, AUTH_HEADER_BYTES_MAX, &size))
        return false;
    ret->text[size] = '\0';
    /* bcrypt would end the password at a NUL, and so take "secret\0anything" for "secret". */
    char *colon = memchr(ret->text, ':', size);
    if (!colon || memchr(ret->text, '\0', size))
        return false;
    *colon = '\0';
    ret->user = ret->text;
    ret->password = colon + 1;
    return true;
}

void auth_credentials_wipe(struct auth_credentials *self)
{
    explicit_bzero(self, sizeof(*self));
}
