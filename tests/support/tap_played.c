/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_played.h"

#include "support/cmocka.h"
#include "tap/ground/tables.h"
#include "tap/ground/thread_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPEN UINT32_C(0x6f70656e)

/* What a message's bytes are here. */
struct content {
    const void *data;
    uint64_t size;
    uint32_t mark;
    int more;
};

static int n_open;
static uintptr_t next_handle;
_Thread_local const struct library *library_inside;

void library_end_direct(void) {}

uint32_t thread_state_rest;

void thread_state_end_rest(void)
{
    thread_state_rest = 0;
}

int tap_played_lock_depth;

void lock_acquire(struct lock *lock)
{
    lock->depth++;
    tap_played_lock_depth++;
}

void lock_release(struct lock *lock)
{
    assert_true(lock->depth-- > 0);
    tap_played_lock_depth--;
}

static struct content *content_of(const struct tap_message *message)
{
    return (struct content *)(uintptr_t)message->bytes;
}

static const struct content *open_content(const struct tap_message *message)
{
    const struct content *content = content_of(message);
    assert_int_equal(content->mark, OPEN);
    return content;
}

void tap_played_message(struct tap_message *message, const void *data, size_t size, bool more)
{
    *content_of(message) = (struct content){data, size, OPEN, more};
    n_open++;
}

static int init(struct tap_message *message)
{
    tap_played_message(message, NULL, 0, false);
    return 0;
}

int tap_played_close(struct tap_message *message)
{
    (void)open_content(message);
    content_of(message)->mark = 0;
    n_open--;
    return 0;
}

static int copy(struct tap_message *to, struct tap_message *from)
{
    (void)open_content(to);
    *content_of(to) = *open_content(from);
    return 0;
}

static void *data_of(struct tap_message *message)
{
    return (void *)(uintptr_t)open_content(message)->data;
}

static size_t size_of(const struct tap_message *message)
{
    return open_content(message)->size;
}

static int more_of(const struct tap_message *message)
{
    return open_content(message)->more;
}

struct library tap_played;
struct segment_table *tap_played_table;
struct registry_context *tap_played_context;
unsigned tap_played_n_begun, tap_played_n_ended;

static void begin(struct registry_slot *slot)
{
    assert_non_null(slot->socket);
    tap_played_n_begun++;
}

static void end(struct registry_socket *socket)
{
    assert_true(socket->is_used);
    tap_played_n_ended++;
    errno = ESTALE;
}

void tap_played_begin(void)
{
    static const struct registry_callbacks callbacks = {begin, end};
    n_open = tap_played_lock_depth = 0;
    next_handle = 0x7f0000001000;
    tap_played_n_begun = tap_played_n_ended = 0;
    tap_played = (struct library){.msg_init = init,
                                  .msg_close = tap_played_close,
                                  .msg_copy = copy,
                                  .msg_data = data_of,
                                  .msg_size = size_of,
                                  .msg_more = more_of,
                                  .version_number = 40305,
                                  .is_complete = true};
    assert_int_equal(tables_map(), 0);
    assert_int_equal(segment_table_new(100, &tap_played_table), 0);
    registry_start(tap_played_table, &callbacks);
    if (registry_begin_claim())
        registry_end_claim();
    tap_played_context = registry_add_context(&tap_played, &tap_played);
    tap_played_context->has_started = true;
}

void tap_played_end(void)
{
    registry_remove_context(tap_played_context);
    segment_table_destroy(&tap_played_table);
    assert_int_equal(n_open, 0);
    assert_int_equal(tap_played_lock_depth, 0);
}

int tap_played_tear_down(void **state)
{
    (void)state;
    tap_played_end();
    return 0;
}

void tap_played_set_own(bool is_own)
{
    *REGISTRY_MARK = is_own ? REGISTRY_CLAIMED : REGISTRY_UNCLAIMED;
}

struct registry_socket *tap_played_open(int type)
{
    next_handle += 0x700;
    struct registry_socket *socket = registry_open_socket(tap_played_context, (void *)next_handle,
                                                          type);
    assert_non_null(socket);
    return socket;
}
