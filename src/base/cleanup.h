/* SPDX-License-Identifier: MPL-2.0 */
/*
 * cleanup - one macro over __attribute__((cleanup)), so that a scope frees what it took.
 *
 *     cleanup(string_buffer_finish) struct string_buffer text = {0};
 *     cleanup_fd int fd = open(...);
 *
 * A destructor of the form `void x_destroy(struct x **self_p)` or
 * `void x_finish(struct x *self)` fits as it is.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

static inline void cleanup_close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_free_pointer(void *pointer_p)
{
    free(*(void **)pointer_p);
}

static inline void cleanup_close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define cleanup_fd   cleanup(cleanup_close_fd)
#define cleanup_free cleanup(cleanup_free_pointer)
#define cleanup_file cleanup(cleanup_close_file)

#endif
