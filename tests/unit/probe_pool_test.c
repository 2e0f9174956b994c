/* SPDX-License-Identifier: MPL-2.0 */
/* Probes of sockets that this process has, at paths of one directory: what is said of each. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "collectors/probe/probe_pool.h"
#include "metrics/text_writer.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define QUICK      "timeout: 20s, interval: 100ms, reconnect_interval: 100ms"
#define PATIENCE_S 60

static char directory[64];
static void *context;
static struct probe_pool *pool;
static struct error err;
static struct string_buffer page;
static void *sockets_left[16]; /* open ones, for the tear-down of a case that failed */

/* `@` in it is the directory. */
static int try_apply(const char *format)
{
    struct string_buffer yaml = {0};
    struct exporter_config *config = NULL;
    for (const char *at = format; *at; at++)
        string_buffer_append(&yaml, *at == '@' ? directory : at,
                             *at == '@' ? strlen(directory) : 1);
    int r = exporter_config_parse("c.yml", yaml.data, yaml.size, &config, &err);
    if (r < 0)
        fail_msg("%s", err.message);
    r = probe_pool_apply(pool, config, &err);
    exporter_config_unref(&config);
    string_buffer_finish(&yaml);
    return r;
}

static void apply(const char *format)
{
    assert_int_equal(try_apply(format), 0);
}

static int set_up_all(void **state)
{
    (void)state;
    temporary_directory_make(directory);
    context = zmq_ctx_new();
    assert_int_equal(probe_pool_new(NULL, &pool, &err), 0);
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    probe_pool_destroy(&pool);
    zmq_ctx_term(context);
    temporary_directory_remove(directory);
    string_buffer_finish(&page);
    return 0;
}

static void *open_socket(int type)
{
    int linger = 0;
    size_t i = 0;
    void *socket = zmq_socket(context, type);
    while (sockets_left[i])
        assert_true(++i < sizeof(sockets_left) / sizeof(*sockets_left));
    sockets_left[i] = socket;
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    return socket;
}

static void close_socket(void *socket)
{
    for (size_t i = 0; i < sizeof(sockets_left) / sizeof(*sockets_left); i++) {
        if (sockets_left[i] == socket)
            sockets_left[i] = NULL;
    }
    zmq_close(socket);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sockets_left) / sizeof(*sockets_left); i++) {
        if (sockets_left[i])
            close_socket(sockets_left[i]);
    }
    apply("{}");
    return 0;
}

static void endpoint_of(const char *name, char ret[static 128])
{
    (void)snprintf(ret, 128, "ipc://%s/%s", directory, name);
}

static void *bound(int type, const char *name)
{
    char endpoint[128];
    void *socket = open_socket(type);
    endpoint_of(name, endpoint);
    assert_int_equal(zmq_bind(socket, endpoint), 0);
    return socket;
}

static void write_page(const struct samples *samples)
{
    string_buffer_clear(&page);
    assert_int_equal(text_format_write(TEXT_FORMAT_PROMETHEUS, &samples, 1, &page), 0);
}

static void collect(void)
{
    struct samples samples;
    samples_init(&samples);
    probe_pool_collect(pool, &samples);
    write_page(&samples);
    samples_finish(&samples);
}

/* The line of a family, of one probe, with these labels; NULL: there is none. */
static const char *find(const char *family, const char *probe, const char *labels)
{
    static char line[1024];
    char begin[100], own[100];
    (void)snprintf(begin, sizeof(begin), "%s{", family);
    (void)snprintf(own, sizeof(own), "probe=\"%s\"", probe);
    for (const char *at = page.data; at && *at; at = strchr(at, '\n') + 1) {
        (void)snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
        if (strncmp(line, begin, strlen(begin)) == 0 && strstr(line, own) && strstr(line, labels))
            return line;
    }
    return NULL;
}

static double value(const char *family, const char *probe, const char *labels)
{
    const char *line = find(family, probe, labels);
    if (!line)
        fail_msg("no %s of %s with %s:\n%s", family, probe, labels, page.data);
    return strtod(strrchr(line, ' ') + 1, NULL);
}

/* Collects until the sample is that. */
static void wait_value(const char *family, const char *probe, const char *labels, double wanted)
{
    time_t end = time(NULL) + PATIENCE_S;
    for (;;) {
        collect();
        const char *line = find(family, probe, labels);
        double is = line ? strtod(strrchr(line, ' ') + 1, NULL) : -1;
        if (is > wanted - 0.1 && is < wanted + 0.1)
            return;
        if (time(NULL) > end)
            fail_msg("%s of %s with %s is %f:\n%s", family, probe, labels, is, page.data);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static void wait_success(const char *probe, int is_success)
{
    wait_value("zmq_probe_success", probe, "", is_success);
}

/* Of attempts: at least so many. */
static void wait_attempts(const char *probe, double least)
{
    do
        collect();
    while (value("zmq_probe_attempts_total", probe, "") < least);
}

static void probe__each_type__succeeds_by_its_method(void **state)
{
    static const struct {
        int type;
        const char *name;
        bool is_socket;
    } rows[] = {
        {ZMQ_PUB, "PUB", true},       {ZMQ_XPUB, "XPUB", true},      {ZMQ_SUB, "SUB", true},
        {ZMQ_ROUTER, "ROUTER", true}, {ZMQ_REP, "REP", true},        {ZMQ_PUSH, "PUSH", false},
        {ZMQ_PULL, "PULL", true},     {ZMQ_DEALER, "DEALER", false}, {ZMQ_PAIR, "PAIR", false}};
    enum { N = sizeof(rows) / sizeof(*rows) };
    struct string_buffer yaml = {0};
    char labels[100];
    (void)state;
    string_buffer_append_text(&yaml, "probes:\n");
    for (size_t i = 0; i < N; i++) {
        (void)bound(rows[i].type, rows[i].name);
        string_buffer_append_format(&yaml,
                                    "- {name: %s, address: 'ipc://@/%s', peer: %s, " QUICK "}\n",
                                    rows[i].name, rows[i].name, rows[i].name);
    }
    apply(yaml.data);
    for (size_t i = 0; i < N; i++) {
        const char *name = rows[i].name;
        wait_success(name, 1);
        (void)snprintf(labels, sizeof(labels), "mechanism=\"NULL\",zmtp=\"3.1\",socket_type=\"%s\"",
                       name);
        assert_int_equal((int)value("zmq_probe_peer_info", name, labels), 1);
        assert_null(find("zmq_probe_failure_info", name, ""));
        assert_null(find("zmq_probe_peers", name, ""));
        assert_true(value("zmq_probe_connect_duration_seconds", name, "") < PATIENCE_S);
        assert_true(value("zmq_probe_handshake_duration_seconds", name, "") > 0);
        assert_true(value("zmq_probe_attempts_total", name, "") >= 1);
        assert_int_equal((int)value("zmq_probe_failures_total", name, "phase=\"resolve\""), 0);
        if (!rows[i].is_socket) {
            assert_null(find("zmq_probe_connected", name, ""));
            assert_null(find("zmq_probe_disconnects_total", name, ""));
            wait_attempts(name, 3); /* again and again */
            continue;
        }
        assert_int_equal((int)value("zmq_probe_connected", name, ""), 1);
        assert_int_equal((int)value("zmq_probe_disconnects_total", name, ""), 0);
        assert_int_equal((int)value("zmq_probe_attempts_total", name, ""), 1);
    }
    assert_non_null(strstr(page.data, "\nzmq_exporter_probes 9\n"));
    string_buffer_finish(&yaml);
}

static void probe__connection_lost__is_counted_and_made_again(void **state)
{
    (void)state;
    void *socket = bound(ZMQ_PUB, "a");
    apply("probes: [{name: a, address: 'ipc://@/a', peer: PUB, " QUICK "}]");
    wait_success("a", 1);
    close_socket(socket);
    wait_success("a", 0);
    assert_int_equal((int)value("zmq_probe_disconnects_total", "a", ""), 1);
    assert_int_equal((int)value("zmq_probe_connected", "a", ""), 0);
    wait_value("zmq_probe_failure_info", "a", "phase=\"connect\",cause=\"transport\"", 1);
    assert_null(find("zmq_probe_peer_info", "a", ""));
    assert_true(value("zmq_probe_failures_total", "a", "phase=\"connect\"") >= 1);
    (void)bound(ZMQ_PUB, "a");
    wait_success("a", 1);
    assert_int_equal((int)value("zmq_probe_disconnects_total", "a", ""), 1);
    assert_null(find("zmq_probe_failure_info", "a", ""));
}

static void send_numbered(void *socket, const char *topic, uint32_t number)
{
    assert_int_equal(zmq_send(socket, topic, strlen(topic), ZMQ_SNDMORE), strlen(topic));
    assert_int_equal(zmq_send(socket, &number, sizeof(number), 0), sizeof(number));
}

static void probe__stream__is_counted_with_its_gaps(void **state)
{
    char subscription[8];
    (void)state;
    void *socket = bound(ZMQ_XPUB, "a");
    apply("probes: [{name: a, address: 'ipc://@/a', peer: XPUB, subscriptions: [t], sequence: "
          "{encoding: little_endian, width: 4}, " QUICK "}]");
    assert_int_equal(zmq_recv(socket, subscription, sizeof(subscription), 0), 2);
    assert_memory_equal(subscription, "\1t", 2);
    send_numbered(socket, "other", 1);
    send_numbered(socket, "t", 1);
    send_numbered(socket, "t", 2);
    send_numbered(socket, "t", 7);
    wait_value("zmq_probe_received_messages_total", "a", "", 3);
    assert_int_equal((int)value("zmq_probe_received_bytes_total", "a", ""), 15);
    assert_int_equal((int)value("zmq_probe_missed_messages_total", "a", ""), 4);
    assert_int_equal((int)value("zmq_probe_sequence_restarts_total", "a", ""), 0);
    assert_int_equal((int)value("zmq_probe_unnumbered_messages_total", "a", ""), 0);
    double now = (double)time(NULL);
    double last = value("zmq_probe_last_received_timestamp_seconds", "a", "");
    assert_true(last > now - PATIENCE_S && last < now + 2);
    assert_int_equal(zmq_send(socket, "t", 1, 0), 1);
    wait_value("zmq_probe_received_messages_total", "a", "", 4);
    assert_int_equal((int)value("zmq_probe_unnumbered_messages_total", "a", ""), 1);
}

static void probe__bound__counts_who_comes(void **state)
{
    char endpoint[128];
    (void)state;
    apply("probes: [{name: a, address: 'ipc://@/b', peer: PUB, bind: true, " QUICK "}]");
    wait_value("zmq_probe_peers", "a", "", 0);
    assert_int_equal((int)value("zmq_probe_success", "a", ""), 0);
    void *sockets[2];
    endpoint_of("b", endpoint);
    for (size_t i = 0; i < 2; i++) {
        sockets[i] = open_socket(ZMQ_PUB);
        assert_int_equal(zmq_connect(sockets[i], endpoint), 0);
        wait_value("zmq_probe_peers", "a", "", (double)i + 1);
        assert_int_equal((int)value("zmq_probe_success", "a", ""), 1);
    }
    close_socket(sockets[0]);
    wait_value("zmq_probe_peers", "a", "", 1);
    assert_int_equal((int)value("zmq_probe_success", "a", ""), 1);
    close_socket(sockets[1]);
    wait_value("zmq_probe_peers", "a", "", 0);
    assert_int_equal((int)value("zmq_probe_success", "a", ""), 0);
    assert_int_equal((int)value("zmq_probe_disconnects_total", "a", ""), 2);
}

static int listen_raw(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 10), 0);
    return fd;
}

static void probe__what_is_wrong__has_its_phase_and_cause(void **state)
{
    static const struct {
        const char *name, *more, *labels;
    } rows[] = {
        {"nobody", "peer: PUB", "phase=\"connect\",cause=\"transport\",detail=\"ENOENT\""},
        {"closes", "peer: PUB", "phase=\"handshake\",cause=\"transport\""},
        {"talks", "peer: PUB", "phase=\"handshake\",cause=\"protocol\""},
        {"mute", "peer: PUB, timeout: 300ms",
         "phase=\"handshake\",cause=\"transport\",detail=\"ETIMEDOUT\""},
        {"pub", "peer: SUB",
         "phase=\"handshake\",cause=\"protocol\",detail=\"zmtp_invalid_metadata\""},
        {"pub", "peer: PUB, security: {mechanism: PLAIN, username: u, password_env: HOME}",
         "phase=\"handshake\",cause=\"protocol\",detail=\"zmtp_mechanism_mismatch\""},
    };
    (void)state;
    (void)bound(ZMQ_PUB, "pub");
    cleanup_fd int closes = listen_raw("closes"), talks = listen_raw("talks"),
                   mute = listen_raw("mute");
    assert_true(mute >= 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char yaml[512];
        (void)snprintf(yaml, sizeof(yaml),
                       "probes: [{name: p%zu, address: 'ipc://@/%s', interval: 100ms, "
                       "reconnect_interval: 100ms, %s%s}]",
                       i, rows[i].name, strstr(rows[i].more, "timeout") ? "" : "timeout: 20s, ",
                       rows[i].more);
        apply(yaml);
        char probe[8];
        (void)snprintf(probe, sizeof(probe), "p%zu", i);
        int listener = i == 1 ? closes : i == 2 ? talks : -1;
        cleanup_fd int fd = listener >= 0 ? accept(listener, NULL, NULL) : -1;
        static const char words[] = "HTTP/1.0 400 Bad Request, and what else is said then\r\n\r\n";
        if (listener == talks)
            assert_true(write(fd, words, sizeof(words)) > 0);
        else if (listener == closes)
            assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
        wait_value("zmq_probe_failure_info", probe, rows[i].labels, 1);
        assert_int_equal((int)value("zmq_probe_success", probe, ""), 0);
        const char *phase = strstr(rows[i].labels, "connect") ? "phase=\"connect\""
                                                              : "phase=\"handshake\"";
        assert_true(value("zmq_probe_failures_total", probe, phase) >= 1);
    }
}

static void apply__changes__keep_what_is_the_same(void **state)
{
    (void)state;
    (void)bound(ZMQ_PUSH, "a");
    apply("probes: [{name: a, address: 'ipc://@/a', peer: PUSH, " QUICK "},"
          "{name: b, address: 'ipc://@/b', peer: PUSH, " QUICK "}]");
    wait_attempts("a", 4);
    wait_success("b", 0);
    apply("probes: [{name: c, address: 'ipc://@/a', peer: PUSH, " QUICK "},"
          "{name: a, address: 'ipc://@/a', peer: PUSH, " QUICK "}]");
    collect();
    assert_true(value("zmq_probe_attempts_total", "a", "") >= 4);
    assert_int_equal((int)value("zmq_probe_success", "a", ""), 1);
    assert_null(find("zmq_probe_attempts_total", "b", ""));
    assert_non_null(strstr(page.data, "\nzmq_exporter_probes 2\n"));
    wait_success("c", 1);
    /* Other settings end what was known of it; what was counted stays. */
    apply("probes: [{name: a, address: 'ipc://@/a', peer: PUSH, timeout: 20s, interval: 1h}]");
    wait_success("a", 1);
    assert_true(value("zmq_probe_attempts_total", "a", "") >= 5);
    /* Another address is another probe. */
    apply("probes: [{name: a, address: 'ipc://@/b', peer: PUSH, timeout: 20s, interval: 1h}]");
    wait_success("a", 0);
    assert_int_equal((int)value("zmq_probe_attempts_total", "a", ""), 1);
    apply("{}");
    collect();
    assert_null(strstr(page.data, "probe=\""));
    assert_non_null(strstr(page.data, "\nzmq_exporter_probes 0\n"));
}

static struct string_buffer demand_log;

static int demand(const char *target, const char *module)
{
    struct samples samples;
    char endpoint[128];
    if (target && target[0] == '@')
        endpoint_of(target + 1, endpoint);
    else
        (void)snprintf(endpoint, sizeof(endpoint), "%s", target ? target : "");
    const struct probe_query query = {.target = target ? endpoint : NULL,
                                      .module = module,
                                      .deadline_ns = clock_monotonic_ns() +
                                                     PATIENCE_S * CLOCK_NS_PER_SECOND};
    string_buffer_clear(&demand_log);
    samples_init(&samples);
    int r = probe_pool_probe(pool, &query, &samples, &demand_log, &err);
    write_page(&samples);
    samples_finish(&samples);
    return r;
}

static void demand__wrong_questions__are_refused(void **state)
{
    static const struct {
        const char *target, *module, *why;
        int result;
    } rows[] = {
        {NULL, NULL, "the parameter 'target' is missing", PROBE_E_QUERY},
        {"", NULL, "the parameter 'target' is missing", PROBE_E_QUERY},
        {"inproc://a", NULL, "target: ", PROBE_E_QUERY},
        {"127.0.0.1", NULL, "target: the port is missing", PROBE_E_QUERY},
        {"@a", "none", "there is no module 'none'", PROBE_E_QUERY},
        {"@a", "bound", "module 'bound' binds, which a probe on demand cannot", PROBE_E_QUERY},
        {"127.0.0.1:1", NULL, "'probe_targets' does not allow tcp://127.0.0.1:1", PROBE_E_TARGET},
    };
    (void)state;
    apply("modules: {bound: {peer: PUB, bind: true}}\nprobe_targets: ['ipc://@/*']\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(demand(rows[i].target, rows[i].module), rows[i].result);
        assert_memory_equal(err.message, rows[i].why, strlen(rows[i].why));
    }
}

static void assert_logged(const char *part)
{
    if (!strstr(demand_log.data, part))
        fail_msg("no %s in\n%s", part, demand_log.data);
}

static void demand__targets__are_probed_once(void **state)
{
    (void)state;
    (void)bound(ZMQ_ROUTER, "a");
    apply("modules: {one: {peer: ROUTER, timeout: 20s}}\nprobe_targets: ['ipc://@/*']\n");
    assert_int_equal(demand("@a", NULL), 0);
    assert_non_null(strstr(page.data, "\nzmq_probe_success 1\n"));
    assert_null(strstr(page.data, "zmq_probe_connected"));
    assert_non_null(strstr(page.data, "\nzmq_probe_peer_info{mechanism=\"NULL\",zmtp=\"3.1\","
                                      "socket_type=\"ROUTER\"} 1\n"));
    assert_non_null(strstr(page.data, "\nzmq_probe_duration_seconds "));
    assert_null(strstr(page.data, "_total"));
    assert_logged("module: none\nmethod: greeting\n");
    assert_logged("peer: ZMTP 3.1, mechanism NULL, socket type ROUTER\n");
    assert_logged("result: success\n");
    assert_null(strstr(demand_log.data, "not reached"));
    assert_int_equal(demand("@a", "one"), 0);
    assert_non_null(strstr(page.data, "\nzmq_probe_connected 1\n"));
    assert_logged("module: one\nmethod: a silent ");
    assert_int_equal(demand("@none", "one"), 0);
    assert_non_null(strstr(page.data, "\nzmq_probe_success 0\n"));
    assert_logged("resolve: 0.0");
    assert_logged("connect: not reached\nhandshake: not reached\n");
    assert_logged("result: failed in phase connect, cause transport, detail ENOENT\n");
    assert_null(strstr(demand_log.data, "hint"));
}

static void cancel__on_demand__answers_no_more(void **state)
{
    (void)state;
    cleanup_fd int mute = listen_raw("m");
    assert_true(mute >= 0);
    apply("probe_targets: ['ipc://@/*']\n");
    probe_pool_cancel(pool);
    assert_int_equal(demand("@m", NULL), -ECANCELED);
    assert_string_equal(err.message, "the exporter is stopping");
    string_buffer_finish(&demand_log);
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(probe__each_type__succeeds_by_its_method),
        CASE(probe__connection_lost__is_counted_and_made_again),
        CASE(probe__stream__is_counted_with_its_gaps),
        CASE(probe__bound__counts_who_comes),
        CASE(probe__what_is_wrong__has_its_phase_and_cause),
        CASE(apply__changes__keep_what_is_the_same),
        CASE(demand__wrong_questions__are_refused),
        CASE(demand__targets__are_probed_once),
        CASE(cancel__on_demand__answers_no_more), /* for good */
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
