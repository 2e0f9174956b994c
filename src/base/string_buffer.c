/* SPDX-License-Identifier: MPL-2.0 */
#include "base/string_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

static char *fail(struct string_buffer *self)
{
    self->has_failed = true;
    return NULL;
}

static char *resize(struct string_buffer *self, size_t capacity)
{
    char *data = realloc(self->data, capacity);
    if (!data)
        return fail(self);
    self->data = data;
    self->capacity = capacity;
    return data + self->size;
}

char *string_buffer_reserve(struct string_buffer *self, size_t n)
{
    if (self->has_failed)
        return NULL;
    if (n < self->capacity && self->size < self->capacity - n)
        return self->data + self->size;

    size_t need = self->size + n + 1;
    size_t capacity = self->capacity ? self->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity *= 2;
    return need > n ? resize(self, capacity) : fail(self);
}

char *string_buffer_reserve_exactly(struct string_buffer *self, size_t n)
{
    size_t need = self->size + n + 1;
    if (self->has_failed)
        return NULL;
    if (need <= n)
        return fail(self);
    return need <= self->capacity ? self->data + self->size : resize(self, need);
}

void string_buffer_append(struct string_buffer *self, const char *bytes, size_t n)
{
    char *place = string_buffer_reserve(self, n);
    if (!place)
        return;
    memcpy(place, bytes, n);
    place[n] = '\0';
    self->size += n;
}

void string_buffer_append_text(struct string_buffer *self, const char *text)
{
    string_buffer_append(self, text, strlen(text));
}

void string_buffer_append_format(struct string_buffer *self, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *place = n < 0 ? NULL : string_buffer_reserve(self, (size_t)n);
    if (place) {
        (void)vsnprintf(place, (size_t)n + 1, format, again);
        self->size += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void string_buffer_append_u64(struct string_buffer *self, uint64_t value)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    string_buffer_append(self, digits + i, sizeof(digits) - i);
}

void string_buffer_clear(struct string_buffer *self)
{
    self->size = 0;
    self->has_failed = false;
    if (self->data)
        self->data[0] = '\0';
}

void string_buffer_finish(struct string_buffer *self)
{
    free(self->data);
    *self = (struct string_buffer){0};
}
