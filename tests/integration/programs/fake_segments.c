/* SPDX-License-Identifier: MPL-2.0 */
/*
 * fake_segments - processes with as many groups of sockets as one likes, and none of their own.
 *
 * usage: fake_segments DIRECTORY PROCESSES GROUPS few|all|hostile|busy:PERCENT
 *
 * Each process writes one segment with GROUPS groups, a lane each: few series of each, as of a
 * process in which little can be measured, or all. Hostile ones have all as well. Their
 * texts hold every byte but NUL, broken UTF-8, quotes, backslashes, newlines, and what would be a
 * line of its own if it were not escaped. Busy ones are as those of a healthy host: of PERCENT of
 * the groups queues and counters change ten times a second. Says "ready" and stays until standard
 * input ends.
 */
#include "segment/segment_writer.h"
#include "support/heartbeat.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define N_TYPES 12u /* PAIR … STREAM */

static void fill_text(char *text, size_t size, uint32_t seed)
{
    static const char *const tricks[] = {"\"} 1\nzmq_evil 1\n",
                                         "\\",
                                         "\\n\\\"",
                                         "\xff\xfe",
                                         "\xc3",
                                         "a{b=\"c\"}",
                                         "\n",
                                         "\xed\xa0\x80",
                                         "\r\t\x7f",
                                         "\xf0\x9f\x98\x80",
                                         "# EOF\n"};
    size_t n_tricks = sizeof(tricks) / sizeof(*tricks);
    size_t length = (size_t)snprintf(text, size, "%u%s", seed, tricks[seed % n_tricks]);
    size_t wanted = seed % 3 == 0 ? size - 1 : length + 8;
    for (; length + 1 < size && length < wanted; length++)
        text[length] = (char)(1 + (seed * 7 + length * 31) % 255);
    text[length] = '\0';
}

static uint32_t make_group(struct segment_table *table, uint32_t index, int is_hostile)
{
    char endpoint[sizeof(table->groups->endpoint)], name[sizeof(table->groups->name)] = "";
    if (is_hostile) {
        fill_text(endpoint, sizeof(endpoint), index);
        if (index % 2)
            fill_text(name, sizeof(name), index * 3);
    } else {
        (void)snprintf(endpoint, sizeof(endpoint), "tcp://10.%u.%u.%u:5555", index >> 16,
                       index >> 8 & 255, index & 255);
    }
    return segment_table_group(table, index % N_TYPES, endpoint, name);
}

/* As a socket that is well: one peer, a queue that is nearly empty. */
static void fill_busy(uint64_t *words, uint32_t index)
{
    uint64_t now_ns = clock_realtime_ns();
    const struct {
        uint32_t word;
        uint64_t value;
    } gauges[] = {{SEGMENT_SERIAL, index + 1},
                  {SEGMENT_OPENED_NS, now_ns},
                  {SEGMENT_LAST_RECEIVED_NS, now_ns},
                  {SEGMENT_PEERS, 1},
                  {SEGMENT_SEND_HWM, 1000},
                  {SEGMENT_RECEIVE_HWM, 1000},
                  {SEGMENT_SEND_QUEUE, 0},
                  {SEGMENT_RECEIVE_QUEUE, 0},
                  {SEGMENT_SEND_FULLEST, 0},
                  {SEGMENT_RECEIVE_FULLEST, 0},
                  {SEGMENT_SEND_AGE_NS, 0},
                  {SEGMENT_RECEIVE_AGE_NS, 0}};
    for (size_t i = 0; i < sizeof(gauges) / sizeof(*gauges); i++)
        segment_word_set(&words[gauges[i].word], gauges[i].value);
}

/* One round of a socket that works. */
static void work(uint64_t *words, uint32_t round)
{
    uint64_t depth = (round * 37 + words[SEGMENT_SERIAL]) % 600;
    segment_word_set(&words[SEGMENT_SEND_QUEUE], depth);
    segment_word_set(&words[SEGMENT_SEND_FULLEST], depth * 1000000);
    segment_word_set(&words[SEGMENT_RECEIVE_QUEUE], depth / 2);
    segment_word_set(&words[SEGMENT_RECEIVE_FULLEST], depth * 500000);
    segment_word_set(&words[SEGMENT_SENT_MESSAGES], words[SEGMENT_SENT_MESSAGES] + depth);
    segment_word_set(&words[SEGMENT_RECEIVED_MESSAGES], words[SEGMENT_RECEIVED_MESSAGES] + depth);
}

struct process {
    struct segment_table *table;
    struct segment_writer *writer;
};

static void work_on(const struct process *self, uint32_t n)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    for (uint32_t round = 0;; round++) {
        for (uint32_t lane = 0; lane < n; lane++)
            work(segment_table_words(self->table, lane), round);
        if (segment_writer_publish(self->writer) < 0)
            exit(1);
        nanosleep(&pause, NULL);
    }
}

static struct process run(const char *directory, uint32_t first, uint32_t n, const char *kind)
{
    int is_hostile = strcmp(kind, "hostile") == 0, is_busy = strncmp(kind, "busy:", 5) == 0;
    struct segment_table *table;
    struct segment_writer *writer;
    if (segment_table_new(SEGMENT_MAX_GROUPS, &table) < 0 ||
        segment_writer_new(table, directory, &writer) < 0)
        exit(1);
    if (is_hostile)
        fill_text(table->header->program, sizeof(table->header->program), first);
    for (unsigned i = 0; strcmp(kind, "few") != 0 && i < SEGMENT_N_CAPABILITIES; i++)
        table->header->capabilities[i].state = SEGMENT_CAPABILITY_ON;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t lane;
        if (segment_table_take_lane(table, make_group(table, first + i, is_hostile), &lane) < 0)
            exit(1);
        uint64_t *words = segment_table_words(table, lane);
        for (unsigned word = 8; word < SEGMENT_LANE_WORDS_MAX; word++)
            segment_word_set(&words[word],
                             is_busy ? words[word] : (uint64_t)(first + i) * word % 100000);
        /* These say that other words are not known. */
        segment_word_set(&words[SEGMENT_PROXIED], 0);
        segment_word_set(&words[SEGMENT_ATTACHED], 0);
        if (is_busy)
            fill_busy(words, first + i);
    }
    if (segment_writer_publish(writer) < 0)
        exit(1);
    heartbeat_set_tomorrow(directory);
    return (struct process){table, writer};
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    uint32_t n_processes = (uint32_t)strtoul(argv[2], NULL, 10);
    uint32_t n_groups = (uint32_t)strtoul(argv[3], NULL, 10);
    int done[2];
    if (pipe(done) < 0)
        return 1;

    for (uint32_t i = 0; i < n_processes; i++) {
        if (fork() != 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct process process = run(argv[1], i * n_groups, n_groups, argv[4]);
        if (write(done[1], "+", 1) != 1)
            exit(1);
        if (strncmp(argv[4], "busy:", 5) == 0)
            work_on(&process, n_groups * (uint32_t)strtoul(argv[4] + 5, NULL, 10) / 100);
        for (;;)
            pause();
    }
    for (uint32_t i = 0; i < n_processes; i++) {
        char mark;
        if (read(done[0], &mark, 1) != 1)
            return 1;
    }
    printf("ready\n");
    fflush(stdout);
    char rest[64];
    while (read(STDIN_FILENO, rest, sizeof(rest)) > 0)
        continue;
    return 0;
}
