/* SPDX-License-Identifier: MPL-2.0 */
/* The whole exporter in this process: it starts, answers each path, reloads, and ends by a signal.
 */
#include "agent/agent.h"
#include "agent/agent_privileges.h"
#include "agent/agent_resident.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/string_buffer.h"
#include "http/http_server.h"
#include "http/systemd.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct running {
    char directory[64], config[80];
    const char *addresses[2];
    struct agent_options options;
    pthread_t thread;
    sem_t is_ready; /* or ended */
    unsigned short port;
    atomic_bool was_ready, has_stopped;
    bool has_reader;
    unsigned n_drops, n_trims;
    int result;
    struct error err;
    struct string_buffer answer;
} agent;

void __wrap_agent_privileges_drop(bool has_reader);
void __wrap_agent_resident_trim(void);
void __wrap_systemd_tell(const char *state);
int __wrap_http_server_start(struct http_server *self, struct error *err);
int __real_http_server_start(struct http_server *self, struct error *err);
void __real_agent_resident_trim(void);
void __wrap_zsys_set_max_sockets(size_t n);
void __real_zsys_set_max_sockets(size_t n);
void __wrap_zsys_set_io_threads(size_t n);
void __real_zsys_set_io_threads(size_t n);

void __wrap_agent_privileges_drop(bool has_reader)
{
    agent.has_reader = has_reader;
    agent.n_drops++;
}

void __wrap_agent_resident_trim(void)
{
    agent.n_trims++;
    __real_agent_resident_trim();
}

void __wrap_systemd_tell(const char *state)
{
    if (strcmp(state, "READY=1") == 0) {
        agent.was_ready = true;
        sem_post(&agent.is_ready);
    } else {
        assert_string_equal(state, "STOPPING=1");
        agent.has_stopped = true;
    }
}

int __wrap_http_server_start(struct http_server *self, struct error *err)
{
    const char *colon = strrchr(http_server_address(self, 0), ':');
    agent.port = (unsigned short)atoi(colon + 1);
    return __real_http_server_start(self, err);
}

/* CZMQ wants these said before there are sockets, and an actor's last one may be closed a moment
 * after the actor is gone. */
void __wrap_zsys_set_max_sockets(size_t n)
{
    static bool is_set;
    if (!is_set)
        __real_zsys_set_max_sockets(n);
    is_set = true;
}

void __wrap_zsys_set_io_threads(size_t n)
{
    static bool is_set;
    if (!is_set)
        __real_zsys_set_io_threads(n);
    is_set = true;
}

static void *run(void *data)
{
    (void)data;
    agent.result = agent_run(&agent.options, &agent.err);
    sem_post(&agent.is_ready);
    return NULL;
}

static void write_config(const char *yaml)
{
    FILE *file = fopen(agent.config, "w");
    assert_non_null(file);
    assert_true(fputs(yaml, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(&agent, 0, sizeof(agent));
    temporary_directory_make(agent.directory);
    (void)snprintf(agent.config, sizeof(agent.config), "%s/c.yml", agent.directory);
    agent.addresses[0] = "127.0.0.1:0";
    agent.options = (struct agent_options){.listen_addresses = agent.addresses,
                                           .n_listen_addresses = 1,
                                           .telemetry_path = "/numbers",
                                           .directory = agent.directory,
                                           .has_no_peek = true,
                                           .max_requests = 4,
                                           .max_connections = 16};
    sem_init(&agent.is_ready, 0, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temporary_directory_remove(agent.directory);
    string_buffer_finish(&agent.answer);
    sem_destroy(&agent.is_ready);
    return 0;
}

static void wait_ready(void)
{
    while (sem_wait(&agent.is_ready) < 0)
        assert_int_equal(errno, EINTR);
}

static void start(void)
{
    assert_int_equal(pthread_create(&agent.thread, NULL, run, NULL), 0);
    wait_ready();
    if (!agent.was_ready)
        fail_msg("%s", agent.err.message);
}

static void stop(int signal)
{
    assert_false(agent.has_stopped);
    kill(getpid(), signal);
    pthread_join(agent.thread, NULL);
    assert_int_equal(agent.result, 0);
    assert_true(agent.has_stopped);
}

/* What it says of why it does not start. */
static const char *refuse(int result)
{
    assert_int_equal(pthread_create(&agent.thread, NULL, run, NULL), 0);
    wait_ready();
    pthread_join(agent.thread, NULL);
    assert_false(agent.was_ready);
    assert_int_equal(agent.result, result);
    return agent.err.message;
}

/* The whole answer; "" where nobody listens. */
static const char *ask(const char *method, const char *path)
{
    char request[512];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons(agent.port)};
    cleanup_fd int fd = socket(AF_INET, SOCK_STREAM, 0);
    int n = snprintf(request, sizeof(request),
                     "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method, path);
    string_buffer_clear(&agent.answer);
    string_buffer_append_text(&agent.answer, "");
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return "";
    assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
    for (;;) {
        char *place = string_buffer_reserve(&agent.answer, 65536);
        assert_non_null(place);
        ssize_t got = recv(fd, place, 65536, 0);
        assert_true(got >= 0);
        agent.answer.size += (size_t)got;
        agent.answer.data[agent.answer.size] = '\0';
        if (got == 0)
            return agent.answer.data;
    }
}

static void assert_has(const char *path, int status, const char *part)
{
    char line[64];
    const char *answer = ask("GET", path);
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    if (strncmp(answer, line, strlen(line)) != 0 || !strstr(answer, part))
        fail_msg("%s: not %d with %s:\n%.2000s", path, status, part, answer);
}

/* Its body is that text, and the type is as said. */
static void assert_is(const char *path, int status, const char *body)
{
    assert_has(path, status, body);
    assert_string_equal(strstr(agent.answer.data, "\r\n\r\n") + 4, body);
}

static double value_of(const char *series)
{
    char line[200];
    (void)snprintf(line, sizeof(line), "\n%s ", series);
    const char *found = strstr(ask("GET", "/numbers"), line);
    if (!found)
        fail_msg("no %s in %s", series, agent.answer.data);
    return strtod(found + strlen(line), NULL);
}

static void run__paths__are_answered(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *part;
    } rows[] = {
        {"/", 200, "href=\"/numbers\""},
        {"/checks/", 200, "href=\"plaintext_tcp\""},
        {"/checks/plaintext_tcp", 200, "plaintext_tcp"},
        {"/runbooks/", 200, "<a href=\"ZeroMQBindFailures\">"},
        {"/runbooks/ZeroMQBindFailures?program=a%3Cb", 200, "a&lt;b"},
        {"/api/v1/sockets", 200, "\"time\":1"},
        {"/api/v1/sockets/open", 200, "{\"open\":[],\"is_complete\":true}"},
        {"/api/v1/problems", 200, "\"problems\":[]"},
        {"/api/v1/live", 200, "\"is_whole\":true"},
        {"/api/v1/history?rows=1", 200, "\"interval_seconds\":5"},
        {"/api/v1/audit", 200, "Content-Type: text/plain; charset=utf-8"},
        {"/api/v1/audit?format=json", 200, "Content-Type: application/json"},
        {"/api/v1/audit?format=sarif", 200, "Content-Type: application/sarif+json"},
        {"/api/v1/audit?format=x", 400, "format is text, json or sarif"},
        {"/api/v1/audit?fail_on=x", 400, "format is text, json or sarif"},
        {"/api/v1/audit?fail_on=high", 200, "Content-Type: text/plain"},
        {"/probe", 400, "the parameter 'target' is missing\n"},
        {"/probe?target=tcp://127.0.0.1:1", 403, "'probe_targets' does not allow"},
        {"/metrics", 404, ""},
        {"/numbers/", 404, ""},
        {"/-/reload", 405, ""},
    };
    (void)state;
    start();
    assert_is("/-/healthy", 200, "zmq_exporter is healthy\n");
    assert_is("/-/ready", 200, "zmq_exporter is ready\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_has(rows[i].path, rows[i].status, rows[i].part);
        assert_null(strstr(agent.answer.data, "@VERSION@"));
        assert_null(strstr(agent.answer.data, "@TELEMETRY_PATH@"));
    }
    stop(SIGTERM);
    assert_string_equal(ask("GET", "/-/healthy"), "");
    assert_false(agent.has_reader);
    assert_int_equal(agent.n_drops, 1);
    assert_int_equal(agent.n_trims, 1);
}

static void run__page__has_what_the_exporter_says_of_itself(void **state)
{
    (void)state;
    start();
    assert_has("/numbers", 200, "zmq_exporter_build_info{version=\"");
    assert_non_null(strstr(agent.answer.data, "\",compiler=\""));
    static const char *const collectors[] = {"library", "policy", "probe", "self", "tap"};
    for (size_t i = 0; i < 5; i++) {
        char series[100];
        (void)snprintf(series, sizeof(series), "zmq_exporter_collector_success{collector=\"%s\"}",
                       collectors[i]);
        assert_int_equal((int)value_of(series), 1);
    }
    assert_null(strstr(agent.answer.data, "collector=\"peek\""));
    assert_null(strstr(agent.answer.data, "zmq_exporter_web_config_"));
    (void)ask("GET", "/none");
    assert_int_equal((int)value_of("zmq_exporter_http_requests_total{code=\"404\"}"), 1);
    double n = value_of("zmq_exporter_http_requests_total{code=\"200\"}");
    assert_int_equal((int)(value_of("zmq_exporter_http_requests_total{code=\"200\"}") - n), 1);
    assert_int_equal((int)value_of("zmq_exporter_http_requests_total{code=\"other\"}"), 0);
    assert_int_equal((int)value_of("zmq_exporter_http_connections"), 1);
    assert_int_equal((int)value_of("zmq_exporter_web_info{scheme=\"http\"}"), 1);
    assert_int_equal((int)value_of("zmq_exporter_config_last_reload_successful"), 1);
    double now = (double)time(NULL);
    double since = value_of("zmq_exporter_config_last_reload_success_timestamp_seconds");
    assert_true(since > now - 1000 && since <= now + 1);
    since = value_of("process_start_time_seconds");
    assert_true(since > now - 100000 && since <= now + 2);
    assert_true(value_of("process_open_fds") > 5 && value_of("process_open_fds") < 500);
    assert_true(value_of("process_cpu_seconds_total") > 0);
    double resident = value_of("process_resident_memory_bytes");
    assert_true(resident > 1e6 && value_of("process_virtual_memory_bytes") > resident);
    stop(SIGINT);
}

static void run__reload__by_signal_and_by_request(void **state)
{
    static const char series[] = "zmq_exporter_config_last_reload_successful";
    (void)state;
    agent.options.config_file = agent.config;
    write_config("{}\n");
    start();
    assert_has("/probe?target=ipc:///none", 403, "does not allow");
    write_config("probe_targets: ['ipc:///other']\n");
    assert_non_null(strstr(ask("POST", "/-/reload"), "200 OK"));
    assert_non_null(strstr(agent.answer.data, "\r\n\r\nthe configuration is loaded\n"));
    assert_int_equal((int)value_of(series), 1);
    write_config("probes: 7\n");
    const char *answer = ask("POST", "/-/reload");
    assert_non_null(strstr(answer, " 500 "));
    assert_non_null(strstr(answer, "the former stays: "));
    assert_int_equal((int)value_of(series), 0);
    write_config("policy: {enabled: false}\n");
    kill(getpid(), SIGHUP);
    while ((int)value_of(series) != 1)
        sched_yield();
    write_config("policy: {unknown: 1}\n");
    kill(getpid(), SIGHUP);
    while ((int)value_of(series) != 0)
        sched_yield();
    write_config("library: {unknown: 1}\n");
    assert_non_null(strstr(ask("POST", "/-/reload"), "c.yml:1:"));
    write_config("peek: {unknown: 1}\n");
    assert_non_null(strstr(ask("POST", "/-/reload"), "c.yml:1:"));
    stop(SIGTERM);
}

static void run__web_config__is_told_of(void **state)
{
    (void)state;
    agent.options.web_config_file = agent.config;
    write_config("{}\n");
    start();
    assert_int_equal((int)value_of("zmq_exporter_web_config_last_reload_successful"), 1);
    stop(SIGTERM);
}

static void run__another_reader__is_asked(void **state)
{
    char path[96];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/reader", agent.directory);
    agent.options.has_no_peek = false;
    agent.options.peek_socket = path;
    start();
    assert_true(agent.has_reader);
    assert_has("/numbers", 200, "zmq_exporter_collector_success{collector=\"peek\"}");
    assert_has("/api/v1/sockets/open", 200, "{\"open\":[],\"is_complete\":true}");
    stop(SIGTERM);
}

static void run__created_and_details__as_asked(void **state)
{
    (void)state;
    agent.options.has_details = true;
    start();
    assert_int_equal((int)value_of("zmq_exporter_collector_success{collector=\"details\"}"), 1);
    stop(SIGTERM);
}

static void run__limit_of_descriptors__is_raised_to_what_it_may_have(void **state)
{
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 200;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    start();
    stop(SIGTERM);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(limit.rlim_cur, limit.rlim_max);
}

static void refuse__wrong_options__are_told(void **state)
{
    static const char *const taken[] = {"/-/healthy", "/", "/-/reload", "/checks/", "/runbooks/"};
    char expected[200];
    (void)state;
    agent.options.telemetry_path = "numbers";
    assert_string_equal(
        refuse(-EINVAL),
        "--web.telemetry-path: 'numbers' is not a path; write for example '/metrics'");
    agent.options.telemetry_path = "/a b";
    assert_string_equal(refuse(-EINVAL),
                        "--web.telemetry-path: '/a b' is not a path; write for example '/metrics'");
    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
        agent.options.telemetry_path = taken[i];
        (void)snprintf(expected, sizeof(expected),
                       "--web.telemetry-path: '%s' is taken by another page", taken[i]);
        assert_string_equal(refuse(-EINVAL), expected);
    }
    agent.options.telemetry_path = "/numbers";
    agent.addresses[0] = "nonsense";
    agent.result = 0;
    assert_memory_equal(refuse(-EINVAL), "--web.listen-address: ", 22);
    agent.addresses[0] = "127.0.0.1:0";
    agent.options.config_file = "/none/c.yml";
    assert_memory_equal(refuse(-ENOENT), "--config.file: ", 15);
    agent.options.config_file = NULL;
    agent.options.web_config_file = "/none/w.yml";
    assert_memory_equal(refuse(-ENOENT), "--web.config.file: ", 19);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(run__paths__are_answered),
        CASE(run__page__has_what_the_exporter_says_of_itself),
        CASE(run__reload__by_signal_and_by_request),
        CASE(run__web_config__is_told_of),
        CASE(run__another_reader__is_asked),
        CASE(run__created_and_details__as_asked),
        CASE(run__limit_of_descriptors__is_raised_to_what_it_may_have),
        CASE(refuse__wrong_options__are_told),
    };
    /* The agent takes them from a descriptor, so nobody else may. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
