/* SPDX-License-Identifier: MPL-2.0 */
/* audit_url - the report of an exporter. */
#include "agent/agent_checks.h"
#include "base/cleanup.h"
#include "cli/audit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void append_encoded(struct string_buffer *out, const char *text)
{
    for (; *text; text++)
        string_buffer_append_format(out, "%%%02X", (unsigned char)*text);
}

static void write_path(const struct audit *self, struct string_buffer *out)
{
    string_buffer_append_format(out, "%s?format=%s&fail_on=%s&colours=%d", AGENT_AUDIT_PATH,
                                self->format, self->fail_on, self->report.has_colours);
    if (self->report.program) {
        string_buffer_append_text(out, "&program=");
        append_encoded(out, self->report.program);
    }
}

/* Whether there are violations is told in a header, as formats differ. */
static int show(const struct exporter_answer *answer, struct error *err)
{
    size_t n;
    const char *verdict = exporter_answer_header(answer, AGENT_AUDIT_HEADER, &n);
    if (!verdict)
        return error_set(err, -EPROTO, "--url: is it an exporter, of this release?");
    if (fwrite(answer->body, 1, answer->size, stdout) != answer->size || fflush(stdout) != 0)
        return error_set(err, -EIO, "cannot write the report: %s", strerror(errno));
    return !(n == strlen(AGENT_AUDIT_NONE) && memcmp(verdict, AGENT_AUDIT_NONE, n) == 0);
}

int audit_url(const struct audit *self, struct error *err)
{
    cleanup(string_buffer_finish) struct string_buffer path = {0};
    cleanup(exporter_answer_finish) struct exporter_answer answer = {.size = 0};
    write_path(self, &path);
    if (path.has_failed)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    int r = exporter_client_get(&self->client, path.data, &answer, err);
    return r < 0 ? r : show(&answer, err);
}
