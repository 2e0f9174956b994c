/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_collector_bench - CPU time of the segments' two ends.
 *
 *     writer  one round of a tap, by how many sockets it has and how many of them are busy
 *     scrape  reading every segment, adding up, and giving the samples of about 10,000 series;
 *             writing them as text is render_bench's
 *
 * Numbers change between rounds. The best of many rounds is shown: what else runs only adds.
 */
#include "base/clock.h"
#include "collectors/tap/tap_collector.h"
#include "segment/segment_writer.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_ROUNDS    300
#define N_PROCESSES 10
#define N_GROUPS    8 /* of a process */

static char directory[] = "/tmp/zmq_exporter_bench.XXXXXX";

struct tapped {
    struct segment_table *table;
    struct segment_writer *writer;
};

static uint64_t cpu_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void demand(bool is_true)
{
    if (!is_true)
        abort();
}

/* One of many processes that this one plays: nobody finds them, their heartbeat speaks. */
static struct tapped start(uint64_t number, uint32_t n_groups, uint32_t n_sockets)
{
    struct tapped self;
    char endpoint[64];
    demand(segment_table_new(512, &self.table) == 0);
    demand(segment_writer_new(self.table, directory, &self.writer) == 0);
    self.table->header->pid_namespace = 1;
    self.table->header->start_ticks = 1000000000000u + number;
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++)
        self.table->header->capabilities[i].state = SEGMENT_CAPABILITY_ON;
    for (uint32_t i = 0; i < n_sockets; i++) {
        uint32_t lane;
        (void)snprintf(endpoint, sizeof(endpoint), "tcp://10.%llu.0.%u:5556",
                       (unsigned long long)number, i % n_groups);
        demand(segment_table_take_lane(
                   self.table, segment_table_group(self.table, 6, endpoint, NULL), &lane) == 0);
        uint64_t *words = segment_table_words(self.table, lane);
        for (unsigned word = SEGMENT_FIRST_GAUGE; word < 188; word++)
            segment_word_set(&words[word], word);
    }
    return self;
}

static void stop(struct tapped *self)
{
    segment_writer_close(self->writer);
    segment_writer_destroy(&self->writer);
    segment_table_destroy(&self->table);
}

static void use(struct tapped *self, uint32_t n_busy)
{
    for (uint32_t i = 0; i < n_busy; i++) {
        uint64_t *words = segment_table_words(self->table, i);
        for (unsigned word = SEGMENT_FIRST_COUNTER; word < SEGMENT_FIRST_GAUGE; word++)
            segment_word_add(&words[word], 1 + word % 7);
    }
    /* Histograms move with every sample, of idle sockets too. */
    for (uint32_t i = 0; i < self->table->header->n_lanes; i++)
        segment_word_add(&segment_table_words(self->table, i)[SEGMENT_SEND_FILL_BASE], 1);
}

static void measure_writer(uint32_t n_sockets, uint32_t n_busy)
{
    struct tapped self = start(n_sockets * 10000 + n_busy, 8, n_sockets);
    uint64_t least = UINT64_MAX, total = 0;
    for (int i = 0; i < N_ROUNDS; i++) {
        use(&self, n_busy);
        uint64_t begin = cpu_ns();
        demand(segment_writer_publish(self.writer) == 0);
        uint64_t ns = cpu_ns() - begin;
        least = ns < least ? ns : least;
        total += i ? ns : 0;
    }
    double mean_us = (double)total / (N_ROUNDS - 1) / 1e3;
    printf("| %7u | %4u | %9.1f | %9.1f | %13.3f |\n", n_sockets, n_busy, (double)least / 1e3,
           mean_us, mean_us * 10 / 1e6 * 100);
    stop(&self);
}

static size_t count_series(const struct samples *samples)
{
    size_t n = 0;
    for (size_t i = 0; i < FAMILY_N; i++)
        n += sample_list_n(&samples->lists[i]) + samples->lists[i].n_further_lines;
    return n;
}

static void measure_scrape(void)
{
    struct tapped tapped[N_PROCESSES];
    struct collector collector;
    struct samples samples;
    const struct tap_options options = {.directory = directory};
    for (unsigned i = 0; i < N_PROCESSES; i++)
        tapped[i] = start(i, N_GROUPS, N_GROUPS * 2);
    demand(tap_collector_new(&options, &collector, NULL) == 0);
    samples_init(&samples);

    uint64_t least = UINT64_MAX;
    for (int i = 0; i < N_ROUNDS; i++) {
        for (unsigned k = 0; k < N_PROCESSES; k++) {
            use(&tapped[k], N_GROUPS * 2);
            demand(segment_writer_publish(tapped[k].writer) == 0);
        }
        samples_clear(&samples);
        uint64_t begin = cpu_ns();
        demand(collector.collect(collector.state, &samples, NULL) == 0);
        uint64_t ns = cpu_ns() - begin;
        least = ns < least ? ns : least;
    }
    size_t n = count_series(&samples);
    printf(
        "\n| processes | sockets | series | us a scrape | ns a series |\n|---|---|---|---|---|\n");
    printf("| %d | %d | %zu | %.0f | %.1f |\n", N_PROCESSES, N_PROCESSES * N_GROUPS * 2, n,
           (double)least / 1e3, (double)least / (double)n);
    samples_finish(&samples);
    collector.destroy(collector.state);
    for (unsigned i = 0; i < N_PROCESSES; i++)
        stop(&tapped[i]);
}

int main(void)
{
    char command[64];
    demand(mkdtemp(directory) != NULL);
    printf("| sockets | busy | least, us | mean, us | %% of a core at 10 Hz "
           "|\n|---|---|---|---|---|\n");
    measure_writer(1, 1);
    measure_writer(100, 0);
    measure_writer(100, 100);
    measure_writer(1000, 0);
    measure_writer(1000, 100);
    (void)snprintf(command, sizeof(command), "rm -f %s/*", directory);
    demand(system(command) == 0);
    measure_scrape();
    (void)snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) == 0 ? 0 : 1;
}
