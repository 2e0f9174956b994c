/* SPDX-License-Identifier: MPL-2.0 */
/* Any header Authorization, and any duration. */
#include "http/auth_header.h"
#include "http/web_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';

    struct auth_credentials credentials;
    if (auth_header_parse(text, &credentials)) {
        size_t user = strlen(credentials.user), password = strlen(credentials.password);
        if (strchr(credentials.user, ':') || user + password + 1 > AUTH_HEADER_BYTES_MAX ||
            user + password + 1 > size)
            abort();
    }
    int64_t ns = 0;
    (void)web_config_parse_duration(text, &ns);
    free(text);
    return 0;
}
