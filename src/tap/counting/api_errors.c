/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/counting/api_errors.h"

#include "tap/ground/capability.h"
#include "tap/ground/own_work.h"

#include <errno.h>
#include <zmq.h>

static_assert(EFSM == 156384763 && ENOCOMPATPROTO == 156384764 && ETERM == 156384765 &&
                  EMTHREAD == 156384766,
              "as in segment_counters.h");

#define X(number, value, name) (value),
static const int of_sockets[] = {SEGMENT_API_ERRORS(X)};
static const int of_processes[] = {SEGMENT_PROCESS_ERRORS(X)};
#undef X

#define N_OF_SOCKETS   (sizeof(of_sockets) / sizeof(*of_sockets))
#define N_OF_PROCESSES (sizeof(of_processes) / sizeof(*of_processes))

static_assert(N_OF_SOCKETS <= SEGMENT_API_ERRORS_SIZE, "words");
static_assert(N_OF_PROCESSES <= SEGMENT_PROCESS_ERRORS_SIZE, "words");

static struct segment_header *header; /* NULL: not started */

/* The last of a table is that of all others. */
static size_t find(const int *errors, size_t n, int error)
{
    size_t i = 0;
    while (i < n - 1 && errors[i] != error)
        i++;
    return i;
}

static bool is_counted_elsewhere(int error)
{
    return error == EAGAIN || error == EINTR || error == EADDRINUSE || error == EADDRNOTAVAIL;
}

void api_errors_start(struct segment_header *new_header)
{
    __atomic_store_n(&header, new_header, __ATOMIC_RELEASE);
}

/* With any: it asks libzmq nothing. */
void api_errors_add_library(const struct library *library)
{
    (void)library;
    capability_set(SEGMENT_CAPABILITY_MISUSE, SEGMENT_CAPABILITY_ON, "");
}

void api_errors_opened(struct registry_socket *socket)
{
    segment_word_set(&socket->words[SEGMENT_API_ERROR_KINDS], 0);
}

void api_errors_count(const struct registry_slot *slot)
{
    const struct registry_socket *socket = slot->socket;
    uint64_t *words = socket && socket->is_shared ? socket->words : slot->words;
    if (is_counted_elsewhere(errno) || !words)
        return;
    size_t i = find(of_sockets, N_OF_SOCKETS, errno);
    __atomic_fetch_add(&words[SEGMENT_API_ERRORS_BASE + i], 1, __ATOMIC_RELAXED);
    __atomic_fetch_or(&words[SEGMENT_API_ERROR_KINDS], UINT64_C(1) << i, __ATOMIC_RELAXED);
}

/* What libzmq does by itself, and what the tap does, is not the program's. */
void api_errors_count_process(void)
{
    struct segment_header *now = __atomic_load_n(&header, __ATOMIC_ACQUIRE);
    if (!now || library_inside || own_work_depth > 0 || !registry_is_own() ||
        is_counted_elsewhere(errno))
        return;
    size_t i = find(of_processes, N_OF_PROCESSES, errno);
    __atomic_fetch_add(&now->api_errors[i], 1, __ATOMIC_RELAXED);
}

void api_errors_forked(void)
{
    __atomic_store_n(&header, NULL, __ATOMIC_RELEASE);
}
