/* SPDX-License-Identifier: MPL-2.0 */
/* What a scrape of the library collector costs on a host of 500 processes, nothing having changed
 * since the one before. */
#include "base/clock.h"
#include "collectors/library/library_collector.h"

#include "support/fake_host.h"
#include "support/temporary_directory.h"

#include <unistd.h>

#define PROCESSES 500
#define SCRAPES   200
#define LIBRARY   "/usr/lib/x86_64-linux-gnu/libzmq.so.5.2.4"

static void make_host(const char *host)
{
    fake_host_process(host, 1, LIBRARY);
    fake_host_file(host, 1, LIBRARY, "");
    fake_host_dpkg(host, 1, "libzmq5", "4.3.4-6", LIBRARY);
    for (int pid = 2; pid <= PROCESSES; pid++) {
        char link[128];
        fake_host_process(host, pid, LIBRARY);
        (void)snprintf(link, sizeof(link), "%s/%d/root", host, pid);
        assert_int_equal(symlink("../1/root", link), 0);
    }
}

/* Of this process: other work on the machine is not measured. */
static uint64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t scrape(struct collector *collector)
{
    struct samples samples;
    samples_init(&samples);
    uint64_t begin_ns = cpu_ns();
    assert_int_equal(collector->collect(collector->state, &samples, NULL), 0);
    uint64_t taken_ns = cpu_ns() - begin_ns;
    samples_finish(&samples);
    return taken_ns;
}

static void measure(void **state)
{
    (void)state;
    char host[64];
    struct collector collector;
    uint64_t first_ns, sum_ns = 0;
    temporary_directory_make(host);
    make_host(host);
    assert_int_equal(
        library_collector_new(&(struct library_options){.procfs = host}, &collector, NULL), 0);
    first_ns = scrape(&collector);
    for (int i = 0; i < SCRAPES; i++)
        sum_ns += scrape(&collector);
    printf("library: %d processes, first scrape %.2f ms of CPU, then %.3f ms\n", PROCESSES,
           (double)first_ns / 1e6, (double)sum_ns / SCRAPES / 1e6);
    collector.destroy(collector.state);
    temporary_directory_remove(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(measure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
