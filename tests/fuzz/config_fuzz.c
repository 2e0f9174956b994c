/* SPDX-License-Identifier: MPL-2.0 */
/* Any text as a configuration: read or refused with a place, never more. */
#include "config/exporter_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 loses two kilobytes on some texts that it refuses; a file is read seldom. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct exporter_config *config = NULL;
    struct error err = {0};
    int r = exporter_config_parse("f.yml", (const char *)data, size, &config, &err);
    if (r < 0 && strncmp(err.message, "f.yml:", 6) != 0)
        abort();
    if (r == 0 && !config)
        abort();
    exporter_config_unref(&config);
    return 0;
}
