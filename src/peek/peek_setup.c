/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int peek_setup_read_record(int fd, struct peek_record *ret_record)
{
    char *bytes = (char *)ret_record;
    for (size_t n_read = 0; n_read < sizeof(*ret_record);) {
        ssize_t n = read(fd, bytes + n_read, sizeof(*ret_record) - n_read);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -EPIPE;
        n_read += (size_t)n;
    }
    return ret_record->magic == PEEK_RECORD_MAGIC ? 0 : -EPROTO;
}

static int exclude(struct peek_setup *self, const char *program)
{
    if (self->n_excluded == PEEK_MAX_EXCLUDED || !memchr(program, '\0', PROGRAM_NAME_SIZE))
        return -EPROTO;
    void *excluded = reallocarray(self->excluded, self->n_excluded + 1, PROGRAM_NAME_SIZE);
    if (!excluded)
        return -ENOMEM;
    self->excluded = excluded;
    memcpy(self->excluded[self->n_excluded++], program, PROGRAM_NAME_SIZE);
    return 0;
}

static int fail(struct peek_setup *self, const struct peek_record_process *process)
{
    if (self->n_failed == PEEK_MAX_FAILED)
        return -EPROTO;
    self->failed[self->n_failed].pid = process->pid;
    self->failed[self->n_failed++].start_ticks = process->start_ticks;
    return 0;
}

int peek_setup_read(struct peek_setup *self, int fd)
{
    struct peek_record record;
    *self = (struct peek_setup){.n_excluded = 0};
    for (;;) {
        int r = peek_setup_read_record(fd, &record);
        if (r == 0 && record.kind == PEEK_RECORD_BEGIN)
            return 0;
        if (r == 0 && record.kind == PEEK_RECORD_EXCLUDE)
            r = exclude(self, record.name.program);
        else if (r == 0)
            r = record.kind == PEEK_RECORD_FAILED ? fail(self, &record.process) : -EPROTO;
        if (r < 0)
            return r;
    }
}

void peek_setup_finish(struct peek_setup *self)
{
    free(self->excluded);
    *self = (struct peek_setup){.n_excluded = 0};
}

bool peek_setup_is_excluded(const struct peek_setup *self, const char *program)
{
    for (size_t i = 0; i < self->n_excluded; i++) {
        if (strcmp(self->excluded[i], program) == 0)
            return true;
    }
    return false;
}

bool peek_setup_has_failed(const struct peek_setup *self, pid_t pid, uint64_t start_ticks)
{
    for (size_t i = 0; i < self->n_failed; i++) {
        if (self->failed[i].pid == (uint32_t)pid && self->failed[i].start_ticks == start_ticks)
            return true;
    }
    return false;
}
