/* SPDX-License-Identifier: MPL-2.0 */
/* Any headers Accept, Accept-Encoding and X-Prometheus-Scrape-Timeout-Seconds. */
#include "agent/agent_metrics.h"
#include "metrics/negotiate.h"

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

    struct negotiated result;
    if (negotiate_format(text, &result)) {
        const char *base = text_format_content_type(result.format);
        if (strncmp(result.content_type, base, strlen(base)) != 0)
            abort();
    } else if (!strchr(text, '0')) {
        abort(); /* only a q of zero rules out everything */
    }
    if (negotiate_coding(text) == NEGOTIATE_NEITHER && !strchr(text, '0'))
        abort();
    uint64_t patience_ns = agent_metrics_patience_ns(text);
    if (patience_ns > UINT64_C(120000000000))
        abort();
    free(text);
    return 0;
}
