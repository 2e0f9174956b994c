/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_input - a segment file out of a fuzzer's few bytes.
 *
 * A real file is mostly zeros and far longer than what a fuzzer changes well. So the input's
 * first bytes are the file's head, and the rest is what follows the header, at 16 KiB; one byte
 * says how many KiB of zeros come behind it, or how many bytes are cut off.
 */
#ifndef TESTS_FUZZ_SEGMENT_INPUT_H
#define TESTS_FUZZ_SEGMENT_INPUT_H

#include "segment/segment_layout.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT_INPUT_HEAD 512u

struct segment_input {
    uint8_t *bytes; /* to be freed */
    size_t size;
};

static inline struct segment_input segment_input_make(const uint8_t *data, size_t size)
{
    uint8_t length = size ? data[0] : 0;
    size_t head = size > 1 ? size - 1 : 0;
    head = head < SEGMENT_INPUT_HEAD ? head : SEGMENT_INPUT_HEAD;
    size_t tail = size > 1 ? size - 1 - head : 0;
    size_t header_size = sizeof(struct segment_header);
    struct segment_input input = {calloc(1, header_size + tail + 128 * 1024), 0};
    if (!input.bytes)
        abort();
    if (size)
        memcpy(input.bytes, data + 1, head);
    if (tail)
        memcpy(input.bytes + header_size, data + 1 + head, tail);
    input.size = header_size + tail;
    input.size = length < 128 ? input.size + length * (size_t)1024
                              : input.size - (length - 128u) * (input.size / 128);
    return input;
}

static inline void segment_input_write(const struct segment_input *input, int fd)
{
    if (ftruncate(fd, 0) < 0 || pwrite(fd, input->bytes, input->size, 0) != (ssize_t)input->size)
        abort();
}

#endif
