/* SPDX-License-Identifier: MPL-2.0 */
/*
 * string_buffer - bytes that grow at the end.
 *
 * A failed allocation is remembered (`has_failed`) and every later append does nothing, so a
 * caller writes a whole page and checks once. `data` is NUL-terminated whenever it is not NULL;
 * the NUL is not counted in `size`.
 *
 * Owns: its memory. `struct string_buffer b = {0}` is an empty buffer; finish accepts it.
 */
#ifndef BASE_STRING_BUFFER_H
#define BASE_STRING_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct string_buffer {
    char *data;
    size_t size;
    size_t capacity;
    bool has_failed;
};

/* Makes room for `n` more bytes and the NUL. Returns the place to write, or NULL. The caller
 * then adds what it wrote to `size`. */
char *string_buffer_reserve(struct string_buffer *self, size_t n);

/* The same, and takes no more memory than that: for what is large and grows no further. */
char *string_buffer_reserve_exactly(struct string_buffer *self, size_t n);

void string_buffer_append(struct string_buffer *self, const char *bytes, size_t n);
void string_buffer_append_text(struct string_buffer *self, const char *text);
void string_buffer_append_format(struct string_buffer *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void string_buffer_append_u64(struct string_buffer *self, uint64_t value);

/* Empties it and keeps the memory. */
void string_buffer_clear(struct string_buffer *self);

void string_buffer_finish(struct string_buffer *self);

#endif
