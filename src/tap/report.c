/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char log_path[4096];
static char directory[256];
static const struct segment_header *header;
static int last_result;
static uint32_t last_states[SEGMENT_N_CAPABILITIES];

void report_read_path(void)
{
    const char *path = secure_getenv("ZMQ_EXPORTER_TAP_LOG");
    if (path && strlen(path) < sizeof(log_path))
        memcpy(log_path, path, strlen(path) + 1);
}

void report_line(const char *format, ...)
{
    const char *path = log_path;
    if (!*path)
        return;
    char line[512] = "zmqtap: ";
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line + 8, sizeof(line) - 9, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    bool is_stderr = strcmp(path, "stderr") == 0;
    int fd = is_stderr ? STDERR_FILENO
                       : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (n > 0 && fd >= 0 && write(fd, line, strlen(line)) < 0)
        n = 0; /* the log cannot be written: no error of ours */
    if (fd >= 0 && !is_stderr)
        close(fd);
}

void report_start(const char *new_directory, const struct segment_header *new_header)
{
    header = new_header;
    strncpy(directory, new_directory, sizeof(directory) - 1);
    last_result = 0;
    memset(last_states, 0, sizeof(last_states));
}

/* -EAGAIN: a pause after a round that failed, not reported. */
static void report_result(int result)
{
    if (result == -EAGAIN || result == last_result)
        return;
    if (result < 0)
        report_line("cannot write to segment directory %s: %s; what is counted is not shown",
                    directory, strerror(-result));
    else
        report_line("writes to segment directory %s again", directory);
    last_result = result;
}

void report_round(int result)
{
    static const char *const names[] = {
#define X(number, name, text) [number] = (text),
        SEGMENT_CAPABILITIES(X)
#undef X
    };
    report_result(result);
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++) {
        const struct segment_capability *capability = &header->capabilities[i];
        uint32_t state = __atomic_load_n(&capability->state, __ATOMIC_ACQUIRE);
        if (state == last_states[i])
            continue;
        last_states[i] = state;
        if (state == SEGMENT_CAPABILITY_OFF || state == SEGMENT_CAPABILITY_BOUND)
            report_line("%s: %s (%s)", names[i],
                        state == SEGMENT_CAPABILITY_OFF ? "cannot be measured" : "is a bound",
                        capability->reason);
    }
}
