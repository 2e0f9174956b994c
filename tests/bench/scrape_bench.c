/* SPDX-License-Identifier: MPL-2.0 */
/*
 * scrape_bench - whole scrapes over loopback against libmicrohttpd serving one static buffer.
 *
 * usage: scrape_bench [SERIES [SECONDS [PAGE_FILE NAME COMMAND ...]]]
 *
 * Two servers run in processes of their own: one answers with the same bytes every time, the
 * other is the exporter's server, runner, handler and text format over a collector whose labels
 * and numbers change from scrape to scrape. Beside them run servers of other makes: each COMMAND
 * gets a listening socket as descriptor 3 and serves the series of PAGE_FILE, which is written
 * first. A client fetches whole pages from each in turn, so that what else the machine does falls
 * on all. CPU is the server's.
 *
 * Where the scheduler puts client and server decides more than what is measured, so each has its
 * place: the servers one core; the client another, as Prometheus on another machine has, and in
 * further rounds the same. Some congestion controls pace what is sent; here none does.
 */
#include "agent/agent_metrics.h"
#include "base/clock.h"
#include "bench/page_samples.h"
#include "http/http_server.h"
#include "metrics/text_writer.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIANTS    8
#define ROUNDS      40
#define MAX_SERVERS 4

#define CONTROL "reno" /* does not pace */

enum place { APART, TOGETHER, N_PLACES };
static const char *const place_names[N_PLACES] = {"client on another core",
                                                  "client on the same core"};

static struct page_samples variants[VARIANTS];
static unsigned turn;

static void check(bool is_well, const char *what)
{
    if (is_well)
        return;
    perror(what);
    exit(1);
}

/* The core of the servers and another one, the same if there is no other. */
static struct {
    size_t server, client;
} cores;

static void find_cores(void)
{
    cpu_set_t set;
    check(sched_getaffinity(0, sizeof(set), &set) == 0, "affinity");
    while (!CPU_ISSET(cores.client, &set))
        cores.client++;
    for (size_t i = cores.client; i < CPU_SETSIZE; i++)
        cores.server = CPU_ISSET(i, &set) ? i : cores.server;
}

static void stay_on(size_t core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    check(sched_setaffinity(0, sizeof(set), &set) == 0, "affinity");
}

/* The server that does nothing but serve. */

static enum MHD_Result answer(void *state, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **seen)
{
    (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
    if (!*seen) {
        *seen = state;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, state);
}

static struct string_buffer write_variant(size_t i)
{
    struct samples samples = {0};
    const struct samples *part = &samples;
    struct string_buffer page = {0};
    page_samples_fill(&variants[i], &samples);
    check(text_format_write(TEXT_FORMAT_PROMETHEUS, &part, 1, &page) == 0, "page");
    samples_finish(&samples);
    return page;
}

/* The variants' pages differ in size by some percent: the one that is nearest to their mean. */
static struct string_buffer write_mean_page(void)
{
    struct string_buffer pages[VARIANTS];
    size_t sum = 0, best = 0;
    for (size_t i = 0; i < VARIANTS; i++)
        sum += (pages[i] = write_variant(i)).size;
    for (size_t i = 1; i < VARIANTS; i++) {
        if (llabs((long long)(pages[i].size * VARIANTS) - (long long)sum) <
            llabs((long long)(pages[best].size * VARIANTS) - (long long)sum))
            best = i;
    }
    for (size_t i = 0; i < VARIANTS; i++) {
        if (i != best)
            string_buffer_finish(&pages[i]);
    }
    return pages[best];
}

static void serve_static(int fd)
{
    struct string_buffer page = write_mean_page();
    struct MHD_Response *response = MHD_create_response_from_buffer(page.size, page.data,
                                                                    MHD_RESPMEM_PERSISTENT);
    check(MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO, 0, NULL, NULL, answer,
                           response, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_END),
          "static server");
}

/* The exporter's. */

static int collect(void *state, struct samples *out, struct error *err)
{
    (void)state;
    (void)err;
    page_samples_fill(&variants[turn++ % VARIANTS], out);
    return 0;
}

static void destroy(void *state)
{
    (void)state;
}

static void serve_exporter(int fd)
{
    static struct agent_metrics metrics;
    static struct http_route route = {"/metrics", HTTP_GET, HTTP_ASYNC, agent_metrics_handle,
                                      &metrics};
    static struct http_stats stats;
    const struct http_server_options options = {.routes = &route,
                                                .n_routes = 1,
                                                .max_connections = 64,
                                                .max_requests = 40,
                                                .stats = &stats};
    const struct collector collector = {"bench", NULL, collect, NULL, destroy};
    struct http_server *server;
    struct http_listen listener;
    struct error err = {""};
    check(runner_new(&metrics.runner) == 0 && page_pool_new(&metrics.pages) == 0, "runner");
    check(runner_add(metrics.runner, &collector) == 0, "collector");
    check(http_server_new(&options, &server, &err) == 0, err.message);
    check(http_listen_adopt(fd, &listener, &err) == 0 && http_server_add(server, &listener) == 0 &&
              http_server_start(server, &err) == 0,
          err.message);
}

struct server {
    const char *name;
    void (*serve)(int fd);
    const char *command; /* instead */
    pid_t pid;
    struct sockaddr_in address;
    struct times {
        double wall_ns[ROUNDS], cpu_ns[ROUNDS]; /* of one scrape, in each round */
    } times[N_PLACES];
    size_t bytes; /* of one scrape, on average */
};

static void start(struct server *server)
{
    socklen_t size = sizeof(server->address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    server->address = (struct sockaddr_in){.sin_family = AF_INET,
                                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    check(bind(fd, (struct sockaddr *)&server->address, size) == 0 && listen(fd, 64) == 0 &&
              getsockname(fd, (struct sockaddr *)&server->address, &size) == 0 &&
              setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, CONTROL, strlen(CONTROL)) == 0,
          "listen");
    server->pid = fork();
    check(server->pid >= 0, "fork");
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* none is left behind */
        signal(SIGPIPE, SIG_IGN);
        stay_on(cores.server);
        if (server->command) {
            check(dup2(fd, 3) == 3, "descriptor");
            execl("/bin/sh", "sh", "-c", server->command, (char *)NULL);
            check(false, server->command);
        }
        server->serve(fd);
        for (;;)
            pause();
    }
    close(fd);
}

/* The client: one whole answer; returns its size. */

static int connect_to(const struct server *server)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(connect(fd, (const struct sockaddr *)&server->address, sizeof(server->address)) == 0,
          "connect");
    return fd;
}

static size_t fetch(int fd)
{
    static char buffer[256 << 10];
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n";
    check(write(fd, request, sizeof(request) - 1) == sizeof(request) - 1, "request");
    size_t got = 0, whole = SIZE_MAX;
    while (got < whole) {
        ssize_t n = recv(fd, got < 4096 ? buffer + got : buffer,
                         got < 4096 ? sizeof(buffer) - 4096 : sizeof(buffer), 0);
        check(n > 0, "answer");
        got += (size_t)n;
        if (whole == SIZE_MAX && got < sizeof(buffer)) {
            const char *end = memmem(buffer, got, "\r\n\r\n", 4);
            const char *length = memmem(buffer, got, "Content-Length: ", 16);
            check(!end || length, "an answer without length");
            if (end)
                whole = (size_t)(end - buffer) + 4 + strtoul(length + 16, NULL, 10);
        }
    }
    return got;
}

/* Whatever the server makes of HTTP 1.0: an answer up to the connection's end. */
static size_t fetch_to_end(const struct server *server)
{
    static char buffer[256 << 10];
    static const char request[] = "GET /metrics HTTP/1.0\r\nHost: bench\r\n\r\n";
    int fd = connect_to(server);
    check(write(fd, request, sizeof(request) - 1) == sizeof(request) - 1, "request");
    size_t got = 0;
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) != 0; got += (size_t)n)
        check(n > 0, "answer");
    close(fd);
    return got;
}

static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    check(clock_getcpuclockid(pid, &clock) == 0, "clock");
    return clock_read_ns(clock);
}

static void load(struct server *server, enum place place, int round, uint64_t duration_ns)
{
    stay_on(place == APART ? cores.client : cores.server);
    int fd = server->command ? -1 : connect_to(server);
    for (int i = 0; i < (server->command ? 1 : 20); i++)
        (void)(server->command ? fetch_to_end(server) : fetch(fd));
    uint64_t n = 0, n_bytes = 0, cpu_ns = cpu_of(server->pid);
    uint64_t start_ns = clock_monotonic_ns(), now_ns = start_ns;
    for (; now_ns - start_ns < duration_ns; now_ns = clock_monotonic_ns(), n++)
        n_bytes += server->command ? fetch_to_end(server) : fetch(fd);
    server->bytes = n_bytes / n;
    server->times[place].wall_ns[round] = (double)(now_ns - start_ns) / (double)n;
    server->times[place].cpu_ns[round] = (double)(cpu_of(server->pid) - cpu_ns) / (double)n;
    if (fd >= 0)
        close(fd);
}

static void write_page(const char *path)
{
    struct string_buffer page = write_mean_page();
    FILE *file = fopen(path, "w");
    check(file && fwrite(page.data, 1, page.size, file) == page.size && fclose(file) == 0, path);
    string_buffer_finish(&page);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_table(struct server *servers, int n, enum place place)
{
    printf("\n%s\n%-18s %9s %11s %9s %15s %9s\n", place_names[place], "server", "bytes",
           "scrapes/s", "median", "CPU ms/scrape", "median");
    for (int i = 0; i < n; i++) {
        struct times *times = &servers[i].times[place];
        qsort(times->wall_ns, ROUNDS, sizeof(double), compare);
        qsort(times->cpu_ns, ROUNDS, sizeof(double), compare);
        printf("%-18s %9zu %11.0f %9.0f %15.3f %9.3f\n", servers[i].name, servers[i].bytes,
               1e9 / times->wall_ns[0], 1e9 / times->wall_ns[ROUNDS / 2], times->cpu_ns[0] / 1e6,
               times->cpu_ns[ROUNDS / 2] / 1e6);
    }
    const struct times *plain = &servers[0].times[place], *ours = &servers[1].times[place];
    printf("zmq_exporter's throughput to the static buffer's: best %.2f, median %.2f\n",
           plain->wall_ns[0] / ours->wall_ns[0],
           plain->wall_ns[ROUNDS / 2] / ours->wall_ns[ROUNDS / 2]);
    for (int i = 2; i < n; i++)
        printf("CPU of %s to zmq_exporter's: median %.0f times\n", servers[i].name,
               servers[i].times[place].cpu_ns[ROUNDS / 2] / ours->cpu_ns[ROUNDS / 2]);
}

/* Those of other makes in one place only: they are so much slower that it is all the same. */
static void measure(struct server *servers, int n, double seconds)
{
    enum place first = cores.client == cores.server ? TOGETHER : APART;
    uint64_t turn_ns = (uint64_t)(seconds * 1e9 / ROUNDS / (n + (first == APART ? 2 : 0)));
    for (int round = 0; round < ROUNDS; round++) {
        for (enum place place = first; place < N_PLACES; place++) {
            for (int i = 0; i < (place == first ? n : 2); i++)
                load(&servers[i], place, round, turn_ns);
        }
    }
    for (enum place place = first; place < N_PLACES; place++)
        print_table(servers, place == first ? n : 2, place);
}

int main(int argc, char **argv)
{
    size_t n_series = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 12;
    struct server servers[MAX_SERVERS] = {{.name = "static buffer", .serve = serve_static},
                                          {.name = "zmq_exporter", .serve = serve_exporter}};
    int n = 2;
    for (int i = 4; i + 1 < argc && n < MAX_SERVERS; i += 2)
        servers[n++] = (struct server){.name = argv[i], .command = argv[i + 1]};
    for (int i = 0; i < VARIANTS; i++) {
        page_samples_init(&variants[i], n_series);
        variants[i].round = (uint64_t)i * 31;
        page_samples_change(&variants[i]);
    }
    if (argc > 3)
        write_page(argv[3]);
    find_cores();
    for (int i = 0; i < n; i++)
        start(&servers[i]);
    printf("%zu series, one client, %d rounds in turn: best and median\n", n_series, ROUNDS);
    measure(servers, n, seconds);
    for (int i = 0; i < n; i++) {
        kill(servers[i].pid, SIGKILL);
        waitpid(servers[i].pid, NULL, 0);
    }
    return 0;
}
