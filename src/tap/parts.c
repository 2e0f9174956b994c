/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/parts.h"

#include "tap/counting/api_errors.h"
#include "tap/counting/blocking.h"
#include "tap/counting/message.h"
#include "tap/counting/options.h"
#include "tap/counting/publish.h"
#include "tap/counting/route.h"
#include "tap/counting/watched.h"
#include "tap/events/events.h"
#include "tap/events/fake_socket.h"
#include "tap/events/limits.h"
#include "tap/events/monitor.h"
#include "tap/ground/thread_state.h"
#include "tap/losses/endings.h"
#include "tap/sampling/proxies.h"
#include "tap/sampling/sampler.h"

/* Any may be NULL. What each is called for: parts.h; `reset`, `event` and `freed` with the
 * registry's lock held. */
struct part {
    void (*add_library)(const struct library *library);
    void (*reset)(struct registry_socket *socket); /* forgets the entry's last socket */
    void (*opened)(struct registry_socket *socket);
    void (*attached)(struct registry_socket *socket);
    void (*option_changed)(struct registry_socket *socket, const struct registry_option *option);
    void (*event)(struct registry_socket *socket, uint64_t kind);
    void (*begin_cut)(struct registry_socket *socket);
    void (*end_cut)(struct registry_socket *socket);
    void (*tick)(struct registry_socket *socket, uint64_t now_ns, uint64_t elapsed_ns);
    void (*closing)(struct registry_socket *socket);
    void (*detaching)(struct registry_socket *socket);
    void (*freed)(struct registry_socket *socket); /* after the last event */
    void (*forked)(void);
};

/* In the order in which they are called: the others read the options' words, and a socket's
 * first events come once it has its monitor. */
static const struct part parts[] = {
    {
        .reset = options_reset,
        .opened = options_read_all,
        .attached = options_read_all,
        .option_changed = options_changed,
    },
    {
        .add_library = api_errors_add_library,
        .opened = api_errors_opened,
        .forked = api_errors_forked,
    },
    {
        .add_library = sampler_add_library,
        .forked = sampler_forked,
    },
    {
        .reset = proxies_reset,
        .attached = proxies_attach,
        .detaching = proxies_detach,
        .forked = proxies_forked,
    },
    {
        .add_library = blocking_add_library,
        .reset = blocking_reset,
        .opened = blocking_opened,
        .option_changed = blocking_option_changed,
        .tick = blocking_tick,
    },
    {
        .add_library = publish_add_library,
        .reset = publish_reset,
        .opened = publish_opened,
        .option_changed = publish_option_changed,
    },
    {
        .add_library = route_add_library,
        .reset = route_reset,
        .opened = route_opened,
        .option_changed = route_option_changed,
    },
    {
        .reset = watched_reset,
        .opened = watched_opened,
        .tick = watched_tick,
    },
    {
        .reset = endings_reset,
        .option_changed = endings_option_changed,
        .event = endings_event,
        .begin_cut = endings_begin_cut,
        .end_cut = endings_end_cut,
        .closing = endings_closing,
        .forked = endings_forked,
    },
    {
        .reset = events_reset,
        .tick = events_tick,
        .freed = events_freed,
        .forked = events_forked,
    },
    {
        .add_library = monitor_add_library,
        .reset = monitor_reset,
        .opened = monitor_attach,
        .forked = monitor_forked,
    },
    {
        .forked = limits_forked,
    },
};

/* Calls a function of each part that has it. */
#define CALL_EACH(function, ...)                                                                   \
    do {                                                                                           \
        for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {                              \
            if (parts[i].function)                                                                 \
                parts[i].function(__VA_ARGS__);                                                    \
        }                                                                                          \
    } while (0)

static void begin_socket(struct registry_slot *slot)
{
    CALL_EACH(reset, slot->socket);
    message_fill_slot(slot);
}

static void end_socket(struct registry_socket *socket)
{
    CALL_EACH(freed, socket);
}

static void observe(struct registry_socket *socket, uint64_t kind)
{
    CALL_EACH(event, socket, kind);
}

void parts_start(struct segment_table *table)
{
    static const struct registry_callbacks callbacks = {.begin = begin_socket, .end = end_socket};
    registry_start(table, &callbacks);
    events_set_observer(observe);
    sampler_start(table->header);
    api_errors_start(table->header);
}

void parts_add_library(const struct library *library)
{
    CALL_EACH(add_library, library);
}

void parts_opened(struct registry_socket *socket)
{
    thread_state_rouse();
    CALL_EACH(opened, socket);
}

void parts_attached(struct registry_socket *socket)
{
    thread_state_rouse();
    CALL_EACH(attached, socket);
}

void parts_option_changed(struct registry_socket *socket, const struct registry_option *option)
{
    thread_state_rouse();
    CALL_EACH(option_changed, socket, option);
}

void parts_begin_cut(struct registry_socket *socket)
{
    thread_state_rouse();
    CALL_EACH(begin_cut, socket);
}

void parts_end_cut(struct registry_socket *socket)
{
    CALL_EACH(end_cut, socket);
}

void parts_closing(struct registry_socket *socket)
{
    thread_state_rouse();
    CALL_EACH(closing, socket);
}

void parts_detaching(struct registry_socket *socket)
{
    thread_state_rouse();
    CALL_EACH(detaching, socket);
}

struct interval {
    uint64_t now_ns, elapsed_ns;
};

static void tick(struct registry_socket *socket, void *data)
{
    const struct interval *interval = data;
    CALL_EACH(tick, socket, interval->now_ns, interval->elapsed_ns);
}

void parts_tick(uint64_t now_ns, uint64_t elapsed_ns)
{
    struct interval interval = {now_ns, elapsed_ns};
    registry_each_socket(tick, &interval);
}

void parts_forked(void)
{
    CALL_EACH(forked);
}
