/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_fixture.h"

#include "base/clock.h"
#include "metrics/text_writer.h"
#include "support/heartbeat.h"
#include "support/temporary_directory.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_S 30

int tap_fixture_set_up(void **state)
{
    struct tap_fixture *self = calloc(1, sizeof(*self));
    *state = self;
    temporary_directory_make(self->directory);
    assert_int_equal(setenv("ZMQ_EXPORTER_PROGRAM", "feed", 1), 0);
    tap_fixture_restart(self, NULL);
    return 0;
}

static void end_collector(struct tap_fixture *self)
{
    if (self->details.destroy)
        self->details.destroy(self->details.state);
    if (self->collector.destroy)
        self->collector.destroy(self->collector.state);
    self->collector = self->details = (struct collector){0};
}

int tap_fixture_tear_down(void **state)
{
    struct tap_fixture *self = *state;
    end_collector(self);
    temporary_directory_remove(self->directory);
    free(self->page);
    free(self);
    return 0;
}

void tap_fixture_restart(struct tap_fixture *self, const struct tap_options *given)
{
    struct tap_options options = given ? *given : (struct tap_options){0};
    if (!options.directory)
        options.directory = self->directory;
    options.has_created = self->format == TEXT_FORMAT_OPENMETRICS_CREATED;
    end_collector(self);
    assert_int_equal(tap_collector_new(&options, &self->collector, &self->err), 0);
}

const char *tap_fixture_scrape(struct tap_fixture *self)
{
    struct samples samples, details;
    struct string_buffer page = {0};
    const struct samples *const parts[] = {&samples, &details};
    samples_init(&samples);
    samples_init(&details);
    self->result = self->collector.collect(self->collector.state, &samples, &self->err);
    assert_false(samples.has_failed);
    if (self->has_details && !self->details.collect)
        tap_collector_details(&self->collector, false, &self->details);
    if (self->has_details)
        assert_int_equal(self->details.collect(self->details.state, &details, NULL), 0);
    assert_int_equal(text_format_write(self->format, parts, 2, &page), 0);
    samples_finish(&samples);
    samples_finish(&details);
    free(self->page);
    self->page = page.data;
    return self->page;
}

void tap_fixture_tick(struct tap_fixture *self)
{
    self->collector.tick(self->collector.state);
}

static double find_value(const char *page, const char *series)
{
    size_t n = strlen(series);
    for (const char *line = page; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, series, n) == 0 && line[n] == ' ')
            return strtod(line + n + 1, NULL);
    }
    return (double)NAN;
}

double tap_fixture_value(struct tap_fixture *self, const char *series)
{
    return find_value(tap_fixture_scrape(self), series);
}

void tap_fixture_wait(struct tap_fixture *self, const char *series, double value)
{
    double found = (double)NAN;
    time_t end = time(NULL) + DEADLINE_S;
    do {
        tap_fixture_tick(self);
        found = tap_fixture_value(self, series);
        if (found == value || (isnan(found) && isnan(value)))
            return;
        poll(NULL, 0, 10);
    } while (time(NULL) < end);
    print_message("# %s is %g, not %g, on\n%s\n", series, found, value, self->page);
    fail();
}

unsigned tap_fixture_files(const struct tap_fixture *self, const char *suffix)
{
    unsigned n = 0;
    DIR *directory = opendir(self->directory);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory));) {
        size_t size = strlen(entry->d_name), wanted = strlen(suffix);
        n += size >= wanted && strcmp(entry->d_name + size - wanted, suffix) == 0;
    }
    closedir(directory);
    return n;
}

void tap_puppet_be_silent(const struct tap_fixture *self, pid_t pid, uint64_t ns)
{
    heartbeat_set(self->directory, pid, clock_monotonic_ns() - ns);
}

static void play(const struct tap_fixture *self, tap_fill fill, int ready_fd)
{
    struct segment_table *table;
    struct segment_writer *writer;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (segment_table_new(256, &table) < 0 ||
        segment_writer_new(table, self->directory, &writer) < 0)
        _exit(1);
    fill(table);
    if (segment_writer_publish(writer) < 0)
        _exit(2);
    heartbeat_set_tomorrow(self->directory);
    if (write(ready_fd, "", 1) != 1)
        _exit(2);
    for (;;)
        pause();
}

pid_t tap_puppet_start(const struct tap_fixture *self, tap_fill fill)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        play(self, fill, ends[1]);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return pid;
}

void tap_puppet_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

uint64_t *tap_open_socket(struct segment_table *table, uint32_t type, const char *endpoint)
{
    uint32_t lane, group = segment_table_group(table, type, endpoint, NULL);
    return segment_table_take_lane(table, group, &lane) == 0 ? segment_table_words(table, lane)
                                                             : NULL;
}

void tap_set_capability(struct segment_table *table, enum segment_capability_id id,
                        enum segment_capability_state state)
{
    table->header->capabilities[id].state = state;
}
