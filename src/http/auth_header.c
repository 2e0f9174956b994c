/* SPDX-License-Identifier: MPL-2.0 */
#include "http/auth_header.h"

#include "http/http_value.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define SCHEME "Basic "

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With padding, as the RFC asks; `*ret_size` bytes at most `room`. */
static bool decode(const char *text, char *ret, size_t room, size_t *ret_size)
{
    size_t length = http_value_size(text), n = 0;
    if (length % 4 != 0)
        return false;
    for (size_t i = 0; i < length; i += 4) {
        bool is_last = i + 4 == length;
        unsigned n_padding = is_last ? (unsigned)(text[i + 3] == '=') + (text[i + 2] == '=') : 0;
        uint32_t bits = 0;
        if (n_padding == 1 && text[i + 3] != '=')
            return false;
        for (unsigned k = 0; k < 4 - n_padding; k++) {
            int digit = digit_of(text[i + k]);
            if (digit < 0)
                return false;
            bits |= (uint32_t)digit << (18 - 6 * k);
        }
        for (unsigned k = 0; k < 3 - n_padding; k++) {
            if (n == room)
                return false;
            ret[n++] = (char)(unsigned char)(bits >> (16 - 8 * k));
        }
    }
    *ret_size = n;
    return true;
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
