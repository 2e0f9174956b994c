/* SPDX-License-Identifier: MPL-2.0 */
/* Any messages of a publisher, under settings that the first bytes choose. */
#include "collectors/probe/stream_numbers.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 8u
#define KEYS   8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER)
        return 0;
    struct probe_sequence_settings settings = {
        .frame = (int8_t)data[0] / 2,
        .offset = data[1] % 8,
        .encoding = data[2] % 3,
        .width = data[2] % 3 == PROBE_DECIMAL ? data[3] % 21 : data[3] % 8 + 1,
        .modulus = data[4] < 2 ? 0 : data[4],
        .has_key = data[5] & 1,
        .key_frame = (int8_t)data[6] / 2,
        .key_offset = data[7] % 8,
        .key_width = data[7] / 8,
        .keys_max = KEYS,
    };
    struct stream_numbers *numbers = NULL;
    if (stream_numbers_new(&settings, &numbers) < 0)
        return 0;
    /* Each frame: a byte with its size in the low bits, "last" and "reconnect" in the high. */
    for (size_t i = HEADER; i < size;) {
        size_t n = data[i] & 0x3f;
        unsigned flags = data[i] >> 6;
        i++;
        n = n < size - i ? n : size - i;
        stream_numbers_frame(numbers, data + i, n, flags & 1);
        if (flags == 2)
            stream_numbers_reconnect(numbers);
        i += n;
    }
    if (stream_numbers_n_keys(numbers) > KEYS)
        abort();
    stream_numbers_destroy(&numbers);
    return 0;
}
