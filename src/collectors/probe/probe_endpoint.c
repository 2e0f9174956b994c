/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_endpoint.h"

#include "base/clock.h"
#include "collectors/probe/probe_attempt.h"
#include "collectors/probe/probe_link.h"
#include "metrics/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPREAD_PARTS 10u /* intervals vary by up to a tenth, so that probes do not gather */

static int init(struct probe_endpoint *self, const char *name)
{
    self->name = name;
    self->state = PROBE_IDLE;
    self->due_ns = PROBE_NEVER;
    self->socket = (struct probe_socket)PROBE_SOCKET_INIT;
    self->traffic = (struct link_traffic)LINK_TRAFFIC_INIT;
    self->client_source = (struct probe_source){self, true};
    self->socket_source = (struct probe_source){self, false};
    self->answer.endpoint = self;
    for (size_t i = 0; i < PROBE_N_PHASES; i++)
        self->status.durations_ns[i] = PROBE_DURATION_NONE;
    if (name)
        labels_append(&self->labels, "probe", name);
    if (name)
        labels_append(&self->labels, "address", self->address->text);
    return self->labels.has_failed ? -ENOMEM : 0;
}

/* The counters of gaps outlive a change of the settings; the sequences do not. */
static int make_numbers(struct probe_endpoint *self)
{
    stream_numbers_destroy(&self->numbers);
    if (!self->settings->has_sequence)
        return 0;
    return stream_numbers_new(&self->settings->sequence, &self->numbers);
}

int probe_endpoint_new(struct exporter_config *config, const struct probe_definition *definition,
                       struct probe_endpoint **ret)
{
    struct probe_endpoint *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->config = exporter_config_ref(config);
    self->address = &definition->address;
    self->settings = &definition->settings;
    int r = init(self, definition->name);
    if (r == 0)
        r = make_numbers(self);
    if (r < 0)
        probe_endpoint_destroy(&self);
    else
        *ret = self;
    return r;
}

int probe_endpoint_new_once(struct exporter_config *config, const struct probe_settings *settings,
                            const struct endpoint_address *address, struct probe_endpoint **ret)
{
    struct probe_endpoint *self = calloc(1, sizeof(*self));
    struct endpoint_address *copy = malloc(sizeof(*copy));
    if (!self || !copy) {
        free(self);
        free(copy);
        return -ENOMEM;
    }
    *copy = *address;
    self->config = exporter_config_ref(config);
    self->address = copy;
    self->settings = settings;
    self->is_once = true;
    (void)init(self, NULL);
    *ret = self;
    return 0;
}

void probe_endpoint_destroy(struct probe_endpoint **self_p)
{
    struct probe_endpoint *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    if (self->is_once) {
        /* The cast takes back what new_once() made; a standing probe borrows its address. */
        free((void *)(uintptr_t)self->address);
    }
    stream_numbers_destroy(&self->numbers);
    string_buffer_finish(&self->labels);
    exporter_config_unref(&self->config);
    free(self);
}

bool probe_endpoint_retarget(struct probe_endpoint *self, struct exporter_config *config,
                             const struct probe_definition *definition)
{
    bool is_equal = probe_settings_is_equal(self->settings, &definition->settings);
    struct exporter_config *old = self->config;
    self->config = exporter_config_ref(config);
    self->name = definition->name;
    self->address = &definition->address;
    self->settings = &definition->settings;
    exporter_config_unref(&old);
    return is_equal;
}

void probe_endpoint_start(struct probe_endpoint *self, struct probe_loop *loop, uint64_t due_ns)
{
    self->answer.inbox = loop->inbox;
    self->state = PROBE_IDLE;
    self->due_ns = due_ns;
    self->status.is_greeting_only = self->settings->method == PROBE_METHOD_GREETING;
    (void)make_numbers(self); /* without memory the stream is not followed */
}

/* Ends whatever the attempt had. */
static void release(struct probe_endpoint *self, struct probe_loop *loop)
{
    resolver_abandon(loop->resolver, &self->request);
    if (self->answer.inbox)
        probe_inbox_withdraw(self->answer.inbox, &self->answer);
    probe_attempt_end_visit(self, loop);
    probe_link_close(self, loop);
    self->has_pending = false;
}

void probe_endpoint_stop(struct probe_endpoint *self, struct probe_loop *loop)
{
    release(self, loop);
    self->state = PROBE_IDLE;
    self->due_ns = PROBE_NEVER;
    self->status.has_result = false;
    self->status.is_success = false;
    self->status.has_failure = false;
    self->status.has_peer = false;
    self->status.n_peers = 0;
}

static uint64_t spread(struct probe_loop *loop, int64_t interval_ms)
{
    uint64_t interval_ns = (uint64_t)interval_ms * CLOCK_NS_PER_MS;
    loop->random = loop->random * 1103515245u + 12345u;
    uint64_t part = (loop->random >> 16) % 1024;
    return interval_ns - interval_ns / SPREAD_PARTS / 1024 * part;
}

static void schedule(struct probe_endpoint *self, struct probe_loop *loop)
{
    bool is_socket = self->settings->method == PROBE_METHOD_SOCKET;
    int64_t interval_ms = is_socket ? self->settings->reconnect_interval_ms
                                    : self->settings->interval_ms;
    self->state = PROBE_IDLE;
    self->due_ns = self->is_once ? PROBE_NEVER : loop->now_ns + spread(loop, interval_ms);
    self->is_done = self->is_once;
}

static void succeed(struct probe_endpoint *self, struct probe_loop *loop)
{
    self->status.has_result = true;
    self->status.is_success = true;
    self->status.has_failure = false;
    if (self->state == PROBE_LINKED) {
        self->due_ns = probe_link_next_check(self, loop);
        self->is_done = self->is_once;
        return;
    }
    self->status.is_greeting_only = true;
    release(self, loop);
    schedule(self, loop);
}

/* Phases that were not reached have no duration. */
static void forget_durations(struct probe_status *status, enum probe_phase from)
{
    for (size_t i = from; i < PROBE_N_PHASES; i++)
        status->durations_ns[i] = PROBE_DURATION_NONE;
}

static void fail(struct probe_endpoint *self, struct probe_loop *loop, struct probe_failure failure)
{
    probe_data_count_failure(self, &failure);
    forget_durations(&self->status, failure.phase);
    self->status.has_result = true;
    self->status.is_success = false;
    self->status.has_failure = true;
    self->status.failure = failure;
    self->status.n_peers = 0;
    if (!self->has_greeted)
        self->status.has_peer = false;
    release(self, loop);
    schedule(self, loop);
    if (failure.cause == PROBE_CAUSE_POLICY) {
        self->state = PROBE_PARKED;
        self->due_ns = PROBE_NEVER;
    }
}

static void lose(struct probe_endpoint *self, struct probe_loop *loop, struct probe_failure failure)
{
    self->status.disconnects++;
    self->status.is_success = false;
    self->status.has_failure = true;
    self->status.failure = failure;
    self->status.n_peers = 0;
    /* The socket stays until the next attempt, so that what had arrived is still counted. */
    schedule(self, loop);
}

void probe_endpoint_apply(struct probe_endpoint *self, struct probe_loop *loop,
                          struct probe_outcome outcome)
{
    if (outcome.result == PROBE_SUCCEEDED)
        succeed(self, loop);
    else if (outcome.result == PROBE_FAILED)
        fail(self, loop, outcome.failure);
    else if (outcome.result == PROBE_LOST)
        lose(self, loop, outcome.failure);
}

void probe_endpoint_time_out(struct probe_endpoint *self, struct probe_loop *loop)
{
    enum probe_phase phase = PROBE_PHASE_HANDSHAKE;
    self->was_slow |= self->state == PROBE_RESOLVING;
    if (self->state == PROBE_IDLE || self->state == PROBE_RESOLVING)
        phase = PROBE_PHASE_RESOLVE;
    else if (self->state == PROBE_RETRYING || (self->client && !self->client->connected_ns))
        phase = PROBE_PHASE_CONNECT;
    else if (self->client)
        probe_attempt_note_visit(self);
    fail(self, loop, (struct probe_failure){phase, PROBE_CAUSE_TRANSPORT, ETIMEDOUT});
}

void probe_endpoint_on_due(struct probe_endpoint *self, struct probe_loop *loop)
{
    switch (self->state) {
    case PROBE_IDLE:
        probe_endpoint_apply(self, loop, probe_attempt_start(self, loop));
        break;
    case PROBE_RETRYING:
        if (loop->now_ns < self->deadline_ns) {
            probe_endpoint_apply(self, loop, probe_attempt_connect(self, loop));
            break;
        }
        probe_endpoint_time_out(self, loop);
        break;
    case PROBE_RESOLVING:
    case PROBE_GREETING:
    case PROBE_LINKING:
        probe_endpoint_time_out(self, loop);
        break;
    case PROBE_LINKED:
        probe_endpoint_apply(self, loop, probe_link_check(self, loop));
        break;
    default:
        self->due_ns = PROBE_NEVER;
    }
}
