/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/probe_demand.h"

#include "base/clock.h"
#include "base/suggest.h"
#include "collectors/probe/probe_samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRESET_MODULE "greeting"
#define MARGIN_NS     (50 * CLOCK_NS_PER_MS) /* of the deadline, for the result */

/* What a probe without a module does: greet whatever is there. */
static const struct probe_settings preset = {.peer = PROBE_PEER_ANY,
                                             .method = PROBE_METHOD_GREETING,
                                             .timeout_ms = PROBE_TIMEOUT_DEFAULT_MS,
                                             .security = {.mechanism = PROBE_ANY_MECHANISM}};

static int find_settings(const struct probe_demand *self, const struct probe_settings **ret,
                         struct error *err)
{
    const char *name = self->query->module;
    const struct probe_module *module = exporter_config_module(
        self->config, name && *name ? name : PRESET_MODULE);
    if (!module && name && *name) {
        error_set(err, 0, "there is no module '%.64s'", name);
        return PROBE_E_QUERY;
    }
    if (module && module->settings.is_bind) {
        error_set(err, 0, "module '%s' binds, which a probe on demand cannot", module->name);
        return PROBE_E_QUERY;
    }
    *ret = module ? &module->settings : &preset;
    return 0;
}

static int find_target(const struct probe_demand *self, struct endpoint_address *ret,
                       struct error *err)
{
    char text[ENDPOINT_ADDRESS_TEXT_MAX + 8];
    const char *target = self->query->target;
    struct error inner;
    if (!target || !*target) {
        error_set(err, 0, "the parameter 'target' is missing");
        return PROBE_E_QUERY;
    }
    bool has_transport = strstr(target, "://") != NULL;
    (void)snprintf(text, sizeof(text), "%s%s", has_transport ? "" : "tcp://", target);
    if (endpoint_address_parse(text, false, ret, &inner) < 0) {
        error_set(err, 0, "target: %s", inner.message);
        return PROBE_E_QUERY;
    }
    if (!probe_targets_allow(&self->config->probe_targets, ret)) {
        error_set(err, 0, "'probe_targets' does not allow %s", ret->text);
        return PROBE_E_TARGET;
    }
    return 0;
}

static void log_duration(struct string_buffer *log, const char *name, uint64_t ns)
{
    if (ns == PROBE_DURATION_NONE)
        string_buffer_append_format(log, "%s: not reached\n", name);
    else
        string_buffer_append_format(log, "%s: %.6f s\n", name,
                                    (double)ns / (double)CLOCK_NS_PER_SECOND);
}

static void log_peer(struct string_buffer *log, const struct zmtp_peer *peer)
{
    bool is_v3 = peer->major >= 3;
    string_buffer_append_format(
        log, "peer: ZMTP %u.%u, mechanism %s%s, socket type %s\n", peer->major, peer->minor,
        is_v3 ? peer->mechanism : "none", peer->is_server ? " as server" : "",
        peer->has_socket_type ? probe_samples_socket_type(peer) : "not shown");
    if (!peer->has_identity)
        return;
    string_buffer_append_text(log, "peer's identity: ");
    for (size_t i = 0; i < peer->identity_size; i++)
        string_buffer_append_format(log, "%02x", peer->identity[i]);
    string_buffer_append_text(log, "\n");
}

static void write_log(const struct probe_demand *self, const struct probe_endpoint *endpoint)
{
    struct string_buffer *log = self->log;
    const struct probe_status *status = &endpoint->status;
    if (!log)
        return;
    const char *own =
        probe_pairing_get(probe_pairing_get(endpoint->settings->peer)->own_type)->peer_name;
    bool is_socket = endpoint->settings->method == PROBE_METHOD_SOCKET;
    string_buffer_append_format(log, "target: %s\nmodule: %s\nmethod: %s%s\n",
                                endpoint->address->text,
                                self->query->module ? self->query->module : "none",
                                is_socket ? "a silent " : "greeting", is_socket ? own : "");
    for (size_t i = 0; i < PROBE_N_PHASES; i++)
        log_duration(log, probe_failure_phase_name((enum probe_phase)i), status->durations_ns[i]);
    if (status->has_peer)
        log_peer(log, &status->peer);
    if (!status->has_failure) {
        string_buffer_append_text(log, "result: success\n");
        return;
    }
    const char *hint = probe_failure_hint(&status->failure, endpoint->settings->security.mechanism);
    string_buffer_append_format(log, "result: failed in phase %s, cause %s, detail %s\n",
                                probe_failure_phase_name(status->failure.phase),
                                probe_failure_cause_name(status->failure.cause),
                                probe_failure_detail_name(&status->failure));
    if (hint)
        string_buffer_append_format(log, "hint: %s\n", hint);
}

static int post(struct probe_actor *actor, enum probe_command_kind kind,
                struct probe_endpoint *endpoint)
{
    struct probe_command *command = calloc(1, sizeof(*command));
    if (!command)
        return -ENOMEM;
    command->kind = kind;
    command->endpoint = endpoint;
    probe_actor_post(actor, command);
    return 0;
}

/* The result under the actor's lock. There is none if the actor itself was too slow to end the
 * attempt a moment before the deadline. */
static void take_result(const struct probe_demand *self, struct probe_endpoint *endpoint,
                        uint64_t started_ns)
{
    struct samples *out = self->out;
    (void)probe_actor_lock(self->actor);
    struct probe_status *status = &endpoint->status;
    if (!status->has_result) {
        status->has_result = status->has_failure = true;
        status->failure = (struct probe_failure){PROBE_PHASE_HANDSHAKE, PROBE_CAUSE_TRANSPORT,
                                                 ETIMEDOUT};
    }
    probe_samples_add(endpoint, out);
    samples_add_real(out, FAMILY_PROBE_DURATION, LABEL_TEXT_NONE, NULL,
                     (double)(clock_monotonic_ns() - started_ns) / (double)CLOCK_NS_PER_SECOND);
    write_log(self, endpoint);
    probe_actor_unlock(self->actor);
}

int probe_demand_run(const struct probe_demand *self, struct error *err)
{
    const struct probe_settings *settings = NULL;
    struct endpoint_address address;
    struct probe_endpoint *endpoint = NULL;
    int r = find_settings(self, &settings, err);
    if (r == 0)
        r = find_target(self, &address, err);
    if (r != 0)
        return r;
    uint64_t started_ns = clock_monotonic_ns();
    r = probe_endpoint_new_once(self->config, settings, &address, &endpoint);
    if (r == 0)
        endpoint->last_ns = self->query->deadline_ns - MARGIN_NS;
    if (r == 0 && (r = post(self->actor, PROBE_COMMAND_ADD, endpoint)) < 0)
        probe_endpoint_destroy(&endpoint);
    if (r < 0)
        return error_set(err, r, "cannot start the probe: %s", strerror(-r));

    bool is_done = probe_actor_wait_done(self->actor, endpoint, self->query->deadline_ns);
    bool is_cut = !is_done && clock_monotonic_ns() < self->query->deadline_ns;
    if (!is_cut)
        take_result(self, endpoint, started_ns);
    /* Without memory the endpoint stays where it is, done, until the exporter ends. */
    (void)post(self->actor, PROBE_COMMAND_REMOVE, endpoint);
    return is_cut ? error_set(err, -ECANCELED, "the exporter is stopping") : 0;
}
