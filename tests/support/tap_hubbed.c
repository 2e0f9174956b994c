/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_hubbed.h"

#include "base/clock.h"
#include "support/cmocka.h"
#include "tap/events/events.h"
#include "tap/events/hub.h"
#include "tap/ground/own_work.h"
#include "tap/ground/thread_state.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

struct hubbed hubbed;

/* Writes it down; -1 where it is to fail. */
static int __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    strcat(strcat(hubbed.said, hubbed.said[0] ? " " : ""), text);
    bool fails = hubbed.failing && strncmp(text, hubbed.failing, strlen(hubbed.failing)) == 0;
    errno = fails ? EPROTO : 99;
    return fails ? -1 : 0;
}

/*
 * The played libzmq
 */
static void *make(void *context, int type)
{
    assert_ptr_equal(context, tap_played_context->handle);
    assert_int_equal(own_work_depth, 1);
    return say("make %d", type) == 0 ? HUBBED_CONSUMER : NULL;
}

static char name_of(uint32_t index)
{
    assert_true(index == hubbed.a->index || index == hubbed.b->index);
    return index == hubbed.a->index ? 'a' : 'b';
}

/* The tap's addresses have a name of their own for each monitor. */
static const char *short_address(const char *address)
{
    static char text[100];
    unsigned index;
    if (!address)
        return "none";
    if (sscanf(address, "inproc://.zmqtap-%u-%u", &index, &hubbed.ticket) != 2)
        return address;
    assert_int_not_equal(hubbed.ticket, 0);
    snprintf(text, sizeof(text), "own%c", name_of(index));
    return text;
}

static int set(void *handle, int option, const void *value, size_t size)
{
    struct hub_id id = {0};
    int number = 0;
    assert_ptr_equal(handle, HUBBED_CONSUMER);
    if (option == ZMQ_CONNECT_ROUTING_ID) {
        assert_int_equal(size, sizeof(id));
        memcpy(&id, value, size);
        assert_int_equal(id.tag, HUB_ID_TAG);
        assert_int_equal(id.ticket, hubbed.ticket);
        return say("id %c", name_of(id.index));
    }
    assert_int_equal(size, sizeof(number));
    memcpy(&number, value, size);
    assert_true(option == ZMQ_RCVHWM || option == ZMQ_LINGER);
    return say("%s %d", option == ZMQ_RCVHWM ? "mark" : "linger", number);
}

static int get(void *handle, int option, void *value, size_t *size)
{
    assert_true(handle == hubbed.a->handle || handle == hubbed.b->handle);
    assert_int_equal(option, ZMQ_FD);
    assert_int_equal(*size, sizeof(hubbed.fd_now));
    memcpy(value, &hubbed.fd_now, sizeof(hubbed.fd_now));
    errno = 99;
    return hubbed.failing && strcmp(hubbed.failing, "descriptor") == 0 ? -1 : 0;
}

static int monitor(void *handle, const char *address, int events)
{
    assert_true(handle == hubbed.a->handle || handle == hubbed.b->handle);
    assert_ptr_equal(library_inside, &tap_played);
    return say("monitor %s %x", short_address(address), (unsigned)events);
}

static int monitor_versioned(void *handle, const char *address, uint64_t events, int version,
                             int type)
{
    assert_true(handle == hubbed.a->handle || handle == hubbed.b->handle);
    assert_ptr_equal(library_inside, &tap_played);
    return say("versioned %s %llx %d %d", short_address(address), (unsigned long long)events,
               version, type);
}

static int connect_it(void *handle, const char *address)
{
    assert_ptr_equal(handle, HUBBED_CONSUMER);
    return say("connect %s", short_address(address));
}

static int close_it(void *handle)
{
    assert_ptr_equal(handle, HUBBED_CONSUMER);
    return say("close");
}

/*
 * The parts beside
 */
bool hub_read(struct hub *hub, size_t n)
{
    assert_true(hub >= hubs && hub < hubs + REGISTRY_MAX_CONTEXTS && n > 0);
    assert_int_equal(tap_played_lock_depth, 1);
    if (hubbed.n_unread > 0 && --hubbed.n_unread == 0)
        say("read");
    errno = 99;
    return hubbed.n_unread > 0;
}

int hub_forwarder_open(struct hub_forwarder *self, struct registry_context *context,
                       const struct monitor_request *request)
{
    assert_ptr_equal(context, tap_played_context);
    int rc = say("open %s %llx %d %d", request->address, (unsigned long long)request->events,
                 request->version, request->type);
    self->socket = rc == 0 ? HUBBED_FORWARDER : NULL;
    hub_n_forwarders += rc == 0;
    return rc;
}

void hub_forwarder_stop(struct hub_forwarder *self, int version)
{
    say("stop %d", version);
    hub_forwarder_forget(self);
}

void hub_forwarder_close(struct hub_forwarder *self)
{
    if (self->socket)
        say("end");
    hub_forwarder_forget(self);
}

void hub_forwarder_flush(struct hub_forwarder *self)
{
    assert_int_equal(tap_played_lock_depth, 1);
    uint32_t index = 0;
    while (self != &hub_entries[index].forwarder)
        index++;
    say("flush %c", name_of(index));
    self->first = NULL;
}

void hub_forwarder_forget(struct hub_forwarder *self)
{
    hub_n_forwarders -= self->socket != NULL;
    self->socket = self->first = NULL;
}

void events_note_monitor(const struct registry_socket *socket)
{
    assert_int_equal(tap_played_lock_depth, 2);
    say("note %c", name_of(socket->index));
}

bool thread_state_is_running(void)
{
    return hubbed.is_running;
}

int __wrap_getrlimit(int resource, struct rlimit *ret_limit);
int __wrap_getrlimit(int resource, struct rlimit *ret_limit)
{
    assert_int_equal(resource, RLIMIT_NOFILE);
    *ret_limit = hubbed.limit;
    return hubbed.limit_fails;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
    (void)id;
    *ret_time = (struct timespec){(time_t)(hubbed.now_ns / 1000000000),
                                  (long)(hubbed.now_ns % 1000000000)};
    return 0;
}

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
    assert_null(left);
    assert_int_equal(wanted->tv_sec, 0);
    assert_int_equal(wanted->tv_nsec, CLOCK_NS_PER_MS);
    assert_int_equal(tap_played_lock_depth, 0);
    hubbed.now_ns += (uint64_t)wanted->tv_nsec;
    if (++hubbed.n_slept == hubbed.n_slept_until_closed)
        hub_of(tap_played_context)->n_closing = 0;
    errno = EINTR;
    return hubbed.is_interrupted ? -1 : 0;
}

/*
 * What is done
 */
int hubbed_set_up(void **state)
{
    (void)state;
    tap_played_begin();
    tap_played.socket = make;
    tap_played.setsockopt = set;
    tap_played.getsockopt = get;
    tap_played.socket_monitor = monitor;
    tap_played.socket_monitor_versioned = monitor_versioned;
    tap_played.connect = connect_it;
    tap_played.close = close_it;
    hubbed = (struct hubbed){
        .is_running = true, .fd_now = 9, .limit = {20, 4096}, .now_ns = 5 * CLOCK_NS_PER_SECOND};
    hub_forked();
    hub_start();
    hub_begin_context(tap_played_context);
    hubbed.a = tap_played_open(ZMQ_PUSH);
    hubbed.b = tap_played_open(ZMQ_PULL);
    return 0;
}

int hubbed_tear_down(void **state)
{
    (void)state;
    hub_has_any = true;
    hub_forked();
    tap_played_end();
    return 0;
}

struct hub *hubbed_hub(void)
{
    return hub_of(tap_played_context);
}

bool hubbed_attach(struct registry_socket *socket)
{
    errno = 42;
    bool has_one = hub_attach(socket);
    assert_int_equal(errno, 42);
    assert_null(library_inside);
    assert_int_equal(own_work_depth, 0);
    return has_one;
}

void hubbed_attach_both(void)
{
    assert_true(hubbed_attach(hubbed.a) && hubbed_attach(hubbed.b));
    hubbed.said[0] = '\0';
}

int hubbed_request(struct registry_socket *socket, const char *address, uint64_t events,
                   int version)
{
    const struct monitor_request wanted = {.address = address,
                                           .events = events,
                                           .version = version,
                                           .type = ZMQ_PAIR,
                                           .is_versioned = version != 1};
    int rc = hub_request(socket, &wanted);
    assert_null(library_inside);
    return rc;
}

void hubbed_finish(struct registry_socket *socket)
{
    lock_acquire(&hub_lock);
    hub_finish_entry(hubbed_hub(), socket);
    lock_release(&hub_lock);
}
