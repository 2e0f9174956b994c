/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent.h"

#include "agent/agent_collectors.h"
#include "agent/agent_config.h"
#include "agent/agent_privileges.h"
#include "agent/agent_resident.h"
#include "agent/agent_routes.h"
#include "agent/agent_web.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "collectors/peek/peek_link.h"
#include "collectors/peers/peers_watch.h"
#include "http/http_server.h"
#include "http/systemd.h"
#include "problems/problem_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define STOP_PATIENCE_MS 3000u

struct agent {
    const struct agent_options *options;
    struct runner *runner;
    struct agent_asked asked;
    struct problem_watch *problems;
    struct live *live;
    struct agent_routes routes;
    struct agent_web web;
    struct agent_config config;
    struct http_server *server;
    struct peek_launch *launch; /* of readers; NULL: there is none, or systemd starts them */
    struct peek_link *peek;     /* NULL: none */
    struct peers_watch *peers;  /* NULL: none */
    int signal_fd;
};

/* All signals go to the descriptor, so that every thread, made later, has them blocked. */
static int take_signals(struct agent *self, struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return error_set(err, -EINVAL, "cannot block signals");
    self->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
    if (self->signal_fd < 0)
        return error_set(err, -errno, "cannot take signals: %s", strerror(errno));
    return 0;
}

/* The launcher of readers keeps the privileges that the exporter drops afterwards. */
static void give_up_privileges(struct agent *self)
{
    const struct agent_options *options = self->options;
    int r = options->has_no_peek || options->peek_socket ? 0 : peek_launch_new(&self->launch);
    if (r < 0)
        log_warn("programs without a tap are not seen", "error", strerror(-r));
    agent_privileges_drop(!options->has_no_peek);
}

/* The exporter is of use without it. */
static void start_peek(struct agent *self)
{
    const struct peek_link_options options = {.launch = self->launch,
                                              .socket_path = self->options->peek_socket,
                                              .excluded = self->options->peek_excluded,
                                              .n_excluded = self->options->n_peek_excluded,
                                              .settings = &self->config.handovers.peek};
    bool has_reader = self->launch || self->options->peek_socket;
    int r = self->options->has_no_peek || !has_reader ? 0 : peek_link_new(&options, &self->peek);
    if (r < 0)
        log_warn("programs without a tap are not seen", "error", strerror(-r));
    r = self->peek ? peers_watch_new(self->peek, &self->peers) : 0;
    if (r < 0)
        log_warn("who is at the other end of connections is not seen", "error", strerror(-r));
}

static int start_collectors(struct agent *self, struct error *err)
{
    int r = runner_new(&self->runner);
    if (r < 0)
        return error_set(err, r, "cannot start the collectors: %s", strerror(-r));
    start_peek(self);
    struct self_source sources[] = {agent_config_source(&self->config),
                                    agent_web_source(&self->web)};
    struct agent_setup setup = {.options = self->options,
                                .pool = self->config.pool,
                                .peek = self->peek,
                                .peers = self->peers,
                                .handovers = &self->config.handovers,
                                .asked = &self->asked,
                                .sources = sources,
                                .n_sources = sizeof(sources) / sizeof(*sources)};
    return agent_collectors_add(self->runner, &setup, err);
}

static int start_server(struct agent *self, struct error *err)
{
    int problems = problem_watch_new(self->options->directory, self->peek, self->peers,
                                     &self->problems);
    if (problems < 0)
        return error_set(err, problems, "cannot look for problems: %s", strerror(-problems));
    int live = live_new(self->runner, &self->live);
    if (live < 0)
        return error_set(err, live, "cannot keep a history: %s", strerror(-live));
    const struct agent_route_parts parts = {.runner = self->runner,
                                            .config = &self->config,
                                            .policy = &self->asked.policy,
                                            .telemetry_path = self->options->telemetry_path,
                                            .has_created = self->options->has_created,
                                            .directory = self->options->directory,
                                            .problems = self->problems,
                                            .live = self->live,
                                            .peek = self->peek,
                                            .peers = self->peers};
    int r = agent_routes_init(&self->routes, &parts, err);
    if (r < 0)
        return r;
    struct http_server_options options = {.routes = self->routes.rows,
                                          .n_routes = self->routes.n,
                                          .max_connections = self->options->max_connections,
                                          .max_requests = self->options->max_requests,
                                          .stats = &self->web.stats,
                                          .web = self->web.live};
    r = http_server_new(&options, &self->server, err);
    if (r == 0)
        r = agent_web_listen(&self->web, self->options, self->server, err);
    return r < 0 ? r : http_server_start(self->server, err);
}

static void wait_for_end(struct agent *self)
{
    for (;;) {
        struct signalfd_siginfo signal;
        if (read(self->signal_fd, &signal, sizeof(signal)) != sizeof(signal))
            continue;
        if (signal.ssi_signo == SIGHUP) {
            struct error err;
            (void)agent_config_reload(&self->config, &err);
            continue;
        }
        log_info("stopping", "signal", strsignal((int)signal.ssi_signo));
        return;
    }
}

static void stop(struct agent *self)
{
    if (self->runner)
        runner_cancel(self->runner);
    if (self->config.pool)
        probe_pool_cancel(self->config.pool);
    if (self->server && http_server_stop(self->server, STOP_PATIENCE_MS) < 0) {
        log_warn("a request did not end in time; ending without it");
        _exit(0);
    }
    http_server_destroy(&self->server);
    agent_routes_finish(&self->routes);
    problem_watch_destroy(&self->problems);
    live_destroy(&self->live);
    runner_destroy(&self->runner);
    peers_watch_destroy(&self->peers);
    peek_link_destroy(&self->peek);
    peek_launch_destroy(&self->launch);
    agent_web_finish(&self->web);
    agent_config_finish(&self->config);
    if (self->signal_fd >= 0)
        close(self->signal_fd);
}

int agent_run(const struct agent_options *options, struct error *err)
{
    struct agent self = {.options = options, .signal_fd = -1};

    int r = agent_web_adopt(&self.web, options, err); /* before there are other descriptors */
    if (r == 0) {
        give_up_privileges(&self);
        r = take_signals(&self, err);
    }
    if (r == 0)
        r = agent_web_init(&self.web, options, err);
    if (r == 0)
        r = agent_config_init(&self.config, options, err);
    if (r == 0)
        r = start_collectors(&self, err);
    if (r == 0)
        r = start_server(&self, err);
    if (r == 0) {
        const char *address;
        for (size_t i = 0; (address = http_server_address(self.server, i)); i++)
            log_info("listening", "address", address, "path", options->telemetry_path);
        agent_resident_trim();
        systemd_tell("READY=1");
        wait_for_end(&self);
        systemd_tell("STOPPING=1");
    }
    stop(&self);
    if (r == 0)
        log_info("stopped");
    return r;
}
