/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_web.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/systemd.h"

#include <errno.h>
#include <string.h>

static void report_change(void *state, const struct error *error)
{
    (void)state;
    if (error)
        log_error("cannot take the changed web configuration; the former stays", "error",
                  error->message);
    else
        log_info("took the changed web configuration");
}

int agent_web_init(struct agent_web *self, const struct agent_options *options, struct error *err)
{
    int r = web_live_new(options->web_config_file, &self->live, err);
    if (r < 0)
        return error_prefix(err, r, "--web.config.file");
    self->since_seconds = (double)(clock_realtime_ns() / CLOCK_NS_PER_MS) / 1e3;
    web_live_set_report(self->live, report_change, NULL);
    return 0;
}

void agent_web_finish(struct agent_web *self)
{
    for (size_t i = 0; i < self->n_adopted; i++)
        http_listen_close(&self->adopted[i]);
    web_live_destroy(&self->live);
}

static void add_requests(const struct http_stats *stats, double since, struct samples *out)
{
    static const char *const codes[HTTP_N_STATUS] = {
#define X(code) "code=\"" #code "\"",
        HTTP_STATUS_CODES(X)
#undef X
    };
    for (size_t i = 0; i < HTTP_N_STATUS; i++) {
        const char *label = i == HTTP_N_STATUS - 1 ? "code=\"other\"" : codes[i];
        samples_add_u64(out, FAMILY_EXPORTER_HTTP_REQUESTS, LABEL_TEXT_NONE, label,
                        http_stats_get(&stats->responses[i]));
        samples_add_created(out, FAMILY_EXPORTER_HTTP_REQUESTS, text_number_of_real(since));
    }
}

static void add_limits(const struct http_stats *stats, double since, struct samples *out)
{
    static const char *const limits[HTTP_N_LIMITS] = {
#define X(name, text) "limit=\"" text "\"",
        HTTP_LIMITS(X)
#undef X
    };
    for (size_t i = 0; i < HTTP_N_LIMITS; i++) {
        samples_add_u64(out, FAMILY_EXPORTER_HTTP_LIMITED, LABEL_TEXT_NONE, limits[i],
                        http_stats_get(&stats->limits[i]));
        samples_add_created(out, FAMILY_EXPORTER_HTTP_LIMITED, text_number_of_real(since));
    }
}

static void add_scheme(struct agent_web *self, struct samples *out)
{
    struct web_settings *settings = web_live_get(self->live);
    samples_add_u64(out, FAMILY_EXPORTER_WEB_INFO, LABEL_TEXT_NONE,
                    settings->tls ? "scheme=\"https\"" : "scheme=\"http\"", 1);
    web_settings_release(settings);
}

static void add_samples(void *state, struct samples *out)
{
    struct agent_web *self = state;
    add_requests(&self->stats, self->since_seconds, out);
    add_limits(&self->stats, self->since_seconds, out);
    uint64_t closed = http_stats_get(&self->stats.closed_connections);
    samples_add_u64(out, FAMILY_EXPORTER_HTTP_CONNECTIONS, LABEL_TEXT_NONE, NULL,
                    http_stats_get(&self->stats.connections) - closed);
    add_scheme(self, out);
    if (!web_live_has_file(self->live))
        return;
    samples_add_u64(out, FAMILY_EXPORTER_WEB_CONFIG_SUCCESS, LABEL_TEXT_NONE, NULL,
                    web_live_is_current(self->live));
    samples_add_real(out, FAMILY_EXPORTER_WEB_CONFIG_TIMESTAMP, LABEL_TEXT_NONE, NULL,
                     web_live_taken_seconds(self->live));
}

struct self_source agent_web_source(struct agent_web *self)
{
    return (struct self_source){add_samples, self};
}

static int add_listener(struct http_server *server, struct http_listen *listener, const char *flag,
                        struct error *err)
{
    if (http_server_add(server, listener) == 0)
        return 0;
    return error_set(err, -ENOSPC, "%s: at most %u", flag, HTTP_MAX_LISTENERS);
}

int agent_web_adopt(struct agent_web *self, const struct agent_options *options, struct error *err)
{
    int fds[HTTP_MAX_LISTENERS];
    size_t n = 0;
    if (!options->uses_systemd_socket)
        return 0;
    int r = systemd_take_sockets(fds, HTTP_MAX_LISTENERS, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = http_listen_adopt(fds[i], &self->adopted[i], err);
        self->n_adopted += r == 0;
    }
    return r < 0 ? error_prefix(err, r, "--web.systemd-socket") : 0;
}

int agent_web_listen(struct agent_web *self, const struct agent_options *options,
                     struct http_server *server, struct error *err)
{
    for (size_t i = 0; i < self->n_adopted; i++) {
        int r = add_listener(server, &self->adopted[i], "--web.systemd-socket", err);
        if (r < 0)
            return r;
    }
    if (options->uses_systemd_socket)
        return 0;
    for (size_t i = 0; i < options->n_listen_addresses; i++) {
        struct http_listen listener;
        int r = http_listen_open(options->listen_addresses[i], &listener, err);
        if (r < 0)
            return error_prefix(err, r, "--web.listen-address");
        r = add_listener(server, &listener, "--web.listen-address", err);
        if (r < 0)
            return r;
    }
    return 0;
}
