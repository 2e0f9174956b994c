/* SPDX-License-Identifier: MPL-2.0 */
/* Any text as a web configuration: read or refused with a place; and what was read serves. */
#include "http/tls.h"
#include "http/tls_setup.h"
#include "http/web_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 loses two kilobytes on some texts that it refuses; a file is read seldom. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so\n";
}

/* Versions, suites and curves that were accepted are known to GnuTLS. */
static void check_priorities(const struct web_config_tls *tls)
{
    static const enum tls_scope scopes[] = {TLS_SCOPE_ALL, TLS_SCOPE_OLD, TLS_SCOPE_NEW};
    size_t n = tls_priority_differs(tls) ? 3 : 1;
    for (size_t i = 0; i < n; i++) {
        struct string_buffer text = {0};
        gnutls_priority_t priority = NULL;
        const char *place;
        tls_priority_write(tls, scopes[i], GNUTLS_PK_ECDSA, &text);
        if (text.has_failed ||
            gnutls_priority_init(&priority, text.data, &place) == GNUTLS_E_INVALID_REQUEST)
            abort();
        if (priority)
            gnutls_priority_deinit(priority);
        string_buffer_finish(&text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_config *config = NULL;
    struct error err = {{0}};
    int r = web_config_parse("f.yml", (const char *)data, size, &config, &err);
    if (r < 0 && strncmp(err.message, "f.yml:", 6) != 0)
        abort();
    if (r < 0)
        return 0;
    if (config->tls.is_enabled)
        check_priorities(&config->tls);
    /* A certificate in the text itself is parsed too; files are not for a fuzzer to open. */
    if (config->tls.is_enabled && !config->tls.cert_file && !config->tls.key_file &&
        !config->tls.client_ca_file) {
        struct tls_setup *setup = NULL;
        if (tls_setup_new(&config->tls, &setup, &err) < 0 && strncmp(err.message, "f.yml:", 6) != 0)
            abort();
        tls_setup_destroy(&setup);
    }
    for (size_t i = 0; i < WEB_N_HEADERS; i++) {
        if (config->headers[i] && strpbrk(config->headers[i], "\r\n"))
            abort(); /* would be two headers */
    }
    web_config_destroy(&config);
    return 0;
}
