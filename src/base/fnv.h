/* SPDX-License-Identifier: MPL-2.0 */
/*
 * fnv - FNV-1a, a hash for tables of our own and for sums that find damage, not attacks.
 *
 * The first `hash` is FNV_BASIS_*, mixed with a seed or a number where one is part of the key; what
 * is returned is the `hash` for what follows. The NUL of a text is not part of it.
 */
#ifndef BASE_FNV_H
#define BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BASIS_32 UINT32_C(2166136261)
#define FNV_BASIS_64 UINT64_C(14695981039346656037)

static inline uint32_t fnv_text_32(uint32_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT32_C(16777619);
    return hash;
}

static inline uint64_t fnv_bytes_64(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(1099511628211);
    return hash;
}

#endif
