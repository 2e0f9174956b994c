/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_setup - what the exporter sends to the reader first: the processes to exclude.
 *
 * Thread: one. Errors: -EPROTO the records are no setup; -EPIPE the exporter is gone; -ENOMEM.
 */
#ifndef PEEK_PEEK_SETUP_H
#define PEEK_PEEK_SETUP_H

#include "peek/peek_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct peek_setup {
    char (*excluded)[PROGRAM_NAME_SIZE]; /* names of programs */
    size_t n_excluded;
    struct {
        uint32_t pid;
        uint64_t start_ticks;
    } failed[PEEK_MAX_FAILED]; /* at which a reader ended or hung */
    size_t n_failed;
};

/* Waits for one record. */
int peek_setup_read_record(int fd, struct peek_record *ret_record);

/* Waits for the whole of it. */
int peek_setup_read(struct peek_setup *self, int fd);
void peek_setup_finish(struct peek_setup *self);

bool peek_setup_is_excluded(const struct peek_setup *self, const char *program);
bool peek_setup_has_failed(const struct peek_setup *self, pid_t pid, uint64_t start_ticks);

#endif
