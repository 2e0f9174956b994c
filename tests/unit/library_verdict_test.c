/* SPDX-License-Identifier: MPL-2.0 */
/* The page of a host of many libraries: what upstream says of each, and what its package says. */
#include "base/clock.h"
#include "collectors/library/library_collector.h"
#include "libraries/library_scan.h"
#include "metrics/text_writer.h"

#include "support/fake_host.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <unistd.h>

#define LIB     "/usr/lib/x86_64-linux-gnu/libzmq.so.5.2."
#define LIB_DEB LIB "4"

struct fixture {
    char host[64];
    struct collector collector;
    struct string_buffer page;
    struct handover tables;
};

static int setup(void **state)
{
    struct fixture *self = calloc(1, sizeof(*self));
    temporary_directory_make(self->host);
    const struct library_options options = {.procfs = self->host, .tables = &self->tables};
    assert_int_equal(library_collector_new(&options, &self->collector, NULL), 0);
    *state = self;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *self = *state;
    struct library_tables *left = handover_take(&self->tables);
    library_tables_destroy(&left);
    self->collector.destroy(self->collector.state);
    string_buffer_finish(&self->page);
    temporary_directory_remove(self->host);
    free(self);
    return 0;
}

static void collect(struct fixture *self)
{
    struct samples samples;
    struct error err;
    samples_init(&samples);
    assert_int_equal(self->collector.collect(self->collector.state, &samples, &err), 0);
    const struct samples *part = &samples;
    string_buffer_clear(&self->page);
    assert_int_equal(text_format_write(TEXT_FORMAT_PROMETHEUS, &part, 1, &self->page), 0);
    samples_finish(&samples);
}

/* The value of the line of this family with that program and, if not NULL, that other label;
 * -1: there is none. */
static int value_of(const struct fixture *self, const char *family, const char *program,
                    const char *label)
{
    char start[160];
    (void)snprintf(start, sizeof(start), "\n%s{program=\"%s\"", family, program);
    for (const char *at = self->page.data; (at = strstr(at, start)); at++) {
        char line[2048];
        size_t n = strcspn(at + 1, "\n");
        assert_true(n < sizeof(line));
        memcpy(line, at + 1, n);
        line[n] = '\0';
        if (!label || strstr(line, label))
            return atoi(strrchr(line, ' ') + 1);
    }
    return -1;
}

static int known(const struct fixture *self, const char *program, const char *severity)
{
    return value_of(self, "zmq_library_known_vulnerabilities", program, severity);
}

static int patched(const struct fixture *self, const char *program, const char *severity)
{
    return value_of(self, "zmq_library_patched_vulnerabilities", program, severity);
}

#define CRITICAL "severity=\"critical\""

static void add(struct fixture *self, int pid, const char *path, const char *package)
{
    fake_host_process(self->host, pid, path);
    fake_host_file(self->host, pid, path, "");
    if (package)
        fake_host_dpkg(self->host, pid, "libzmq5", package, path);
}

static void collect__distributions_and_upstream__get_different_verdicts(void **state)
{
    struct fixture *self = *state;
    add(self, 12, LIB_DEB, "4.3.4-6");
    add(self, 10, LIB "1", "4.3.1-4+deb10u2");
    add(self, 1, "/usr/local/lib/libzmq.so.5.2.1", NULL);
    collect(self);

    assert_int_equal(known(self, "feed12", CRITICAL), 0);
    assert_int_equal(patched(self, "feed12", CRITICAL), 0);
    assert_int_equal(value_of(self, "zmq_library_package_info", "feed12",
                              "manager=\"dpkg\",package=\"libzmq5\",package_version=\"4.3.4-6\""),
                     1);
    assert_int_equal(known(self, "feed10", CRITICAL), 3);
    assert_int_equal(patched(self, "feed10", CRITICAL), 1);
    assert_int_equal(value_of(self, "zmq_library_vulnerability_info", "feed10",
                              "id=\"CVE-2019-13132\",severity=\"critical\",fixed_in="
                              "\"4.0.9,4.1.7,4.3.2\",patched=\"yes\""),
                     1);
    assert_int_equal(value_of(self, "zmq_library_vulnerability_info", "feed10",
                              "id=\"CVE-2021-20236\",severity=\"critical\",fixed_in="
                              "\"4.0.10,4.1.8,4.3.3\",patched=\"no\""),
                     1);
    assert_int_equal(known(self, "feed1", CRITICAL), 3);
    assert_int_equal(patched(self, "feed1", CRITICAL), -1); /* nobody says anything */
    assert_int_equal(value_of(self, "zmq_library_package_info", "feed1", NULL), -1);
    assert_int_equal(
        value_of(self, "zmq_library_vulnerability_info", "feed1", "id=\"CVE-2019-13132\""), 1);
}

/* A file that several releases have, one that was replaced, one put over a package's, a wheel's,
 * and roots with another manager or none. */
static void collect__odd_libraries__get_no_verdict_that_is_not_theirs(void **state)
{
    struct fixture *self = *state;
    add(self, 16, "/usr/lib/libzmq.so.5.0.0", "4.1.4-7ubuntu0.1+esm2");
    fake_host_process(self->host, 20, LIB "1 (deleted)");
    fake_host_file(self->host, 20, LIB "1", "");
    fake_host_dpkg(self->host, 20, "libzmq5", "4.3.1-4+deb10u2", LIB "1");
    add(self, 21, LIB "0", "4.3.1-4+deb10u2");
    add(self, 22, "/venv/pyzmq.libs/libzmq-915a3a1e.so.5.2.1", NULL);
    add(self, 23, "/usr/lib/libzmq.so.5.2.5", NULL);
    fake_host_file(self->host, 23, "/lib/apk/db/installed",
                   "P:libzmq\nV:4.3.5-r2\no:zeromq\nF:usr/lib\nR:libzmq.so.5.2.5\n\n");
    collect(self);

    assert_int_equal(value_of(self, "zmq_library_info", "feed16", "version=\"4.1.4\""), 1);
    assert_int_equal(patched(self, "feed16", CRITICAL), 1);
    assert_int_equal(value_of(self, "zmq_library_replaced_on_disk", "feed20", NULL), 1);
    assert_int_equal(known(self, "feed20", CRITICAL), 3);
    assert_int_equal(patched(self, "feed20", CRITICAL), -1);
    assert_int_equal(known(self, "feed21", CRITICAL), 3);
    assert_int_equal(patched(self, "feed21", CRITICAL), -1);
    assert_int_equal(known(self, "feed22", CRITICAL), 3);
    assert_int_equal(patched(self, "feed22", CRITICAL), -1);
    assert_int_equal(known(self, "feed23", CRITICAL), 0);
    assert_int_equal(value_of(self, "zmq_library_package_info", "feed23",
                              "manager=\"apk\",package=\"libzmq\",package_version=\"4.3.5-r2\""),
                     1);
}

/* A root made by a stranger: links that lead out of it, files that never end. */
static void collect__hostile_databases__are_not_followed(void **state)
{
    struct fixture *self = *state;
    char command[700];
    add(self, 30, LIB "1", NULL);
    add(self, 31, LIB "1", NULL);
    add(self, 32, LIB "1", "4.3.1-4+deb10u2");
    (void)snprintf(command, sizeof(command),
                   "cd %s && mkdir -p 30/root/var/lib && ln -s ../../../../32/root/var/lib/dpkg "
                   "30/root/var/lib/dpkg && mkdir -p 31/root/var/lib/dpkg/info && "
                   "mkfifo 31/root/var/lib/dpkg/status 31/root/var/lib/dpkg/info/libzmq5.list",
                   self->host);
    assert_int_equal(system(command), 0);
    collect(self);
    assert_int_equal(value_of(self, "zmq_library_package_info", "feed30", NULL), -1);
    assert_int_equal(value_of(self, "zmq_library_package_info", "feed31", NULL), -1);
    assert_int_equal(value_of(self, "zmq_library_package_info", "feed32", NULL), 1);
}

static void collect__new_tables__are_in_force_with_the_next_scrape(void **state)
{
    struct fixture *self = *state;
    struct library_tables *tables;
    add(self, 12, LIB_DEB, "4.3.4-6");
    collect(self);
    assert_int_equal(known(self, "feed12", "severity=\"high\""), 0);
    assert_int_equal(library_tables_load(NULL, &tables, NULL), 0);
    tables->advisories.advisories[0].affected[0].before = (struct release_version){9, 0, 0};
    tables->advisories.checked = 1000000;
    assert_null(handover_give(&self->tables, tables));
    collect(self);
    assert_int_equal(known(self, "feed12", "severity=\"medium\""), 1);
    assert_non_null(
        strstr(self->page.data, "\nzmq_library_advisory_table_timestamp_seconds 1000000\n"));
}

static void run__many_processes_of_one_library__read_its_database_once(void **state)
{
    struct fixture *self = *state;
    struct library_scan *scan;
    struct library_scan_totals totals;
    int fd = open(self->host, O_PATH | O_DIRECTORY | O_CLOEXEC);
    add(self, 12, LIB_DEB, "4.3.4-6");
    for (int pid = 100; pid < 140; pid++) {
        char link[128];
        fake_host_process(self->host, pid, LIB_DEB);
        (void)snprintf(link, sizeof(link), "%s/%d/root", self->host, pid);
        assert_int_equal(symlink("../12/root", link), 0);
    }
    assert_int_equal(library_scan_new(fd, &scan), 0);
    for (uint64_t now = 1; now < 10; now++)
        assert_int_equal(
            library_scan_run(scan, now * CLOCK_NS_PER_SECOND, 60 * CLOCK_NS_PER_SECOND, &totals),
            0);
    assert_int_equal(library_scan_n_databases_read(scan), 1);
    fake_host_dpkg(self->host, 12, "libzmq5", "4.3.4-7", LIB_DEB); /* an update */
    for (uint64_t now = 100; now < 200; now += 60)
        assert_int_equal(
            library_scan_run(scan, now * CLOCK_NS_PER_SECOND, 60 * CLOCK_NS_PER_SECOND, &totals),
            0);
    assert_int_equal(library_scan_n_databases_read(scan), 2);
    library_scan_destroy(&scan);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(collect__distributions_and_upstream__get_different_verdicts),
        TEST(collect__odd_libraries__get_no_verdict_that_is_not_theirs),
        TEST(collect__hostile_databases__are_not_followed),
        TEST(collect__new_tables__are_in_force_with_the_next_scrape),
        TEST(run__many_processes_of_one_library__read_its_database_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
