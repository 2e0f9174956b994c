/* SPDX-License-Identifier: MPL-2.0 */
/*
 * socket_handle - what a socket is known by to those who look at it in different ways.
 *
 * The tap writes it, and the reader of other processes finds it by the same address; so what both
 * tell is of one socket. The address itself leaves no process.
 */
#ifndef QUEUES_SOCKET_HANDLE_H
#define QUEUES_SOCKET_HANDLE_H

#include "base/fnv.h"

#define SOCKET_HANDLE_BITS 48u

/* Never 0. */
static inline uint64_t socket_handle_of(uintptr_t address)
{
    uint64_t hash = fnv_bytes_64(FNV_BASIS_64, &address, sizeof(address));
    return (hash >> (64 - SOCKET_HANDLE_BITS)) | 1;
}

#endif
