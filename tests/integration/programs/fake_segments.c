/* SPDX-License-Identifier: MPL-2.0 */
/*
 * fake_segments - processes with as many groups of sockets as one likes, and none of their own.
 *
 * usage: fake_segments DIRECTORY PROCESSES GROUPS few|all|hostile
 *
 * Each process writes one segment with GROUPS groups, a lane each: few series of each, as of a
 * process in which little can be measured, or all. Hostile ones have all as well. Their
 * texts hold every byte but NUL, broken UTF-8, quotes, backslashes, newlines, and what would be a
 * line of its own if it were not escaped. Says "ready" and stays until standard input ends.
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

static void run(const char *directory, uint32_t first, uint32_t n, const char *kind)
{
    int is_hostile = strcmp(kind, "hostile") == 0;
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
            segment_word_set(&words[word], (uint64_t)(first + i) * word % 100000);
        /* These say that other words are not known. */
        segment_word_set(&words[SEGMENT_PROXIED], 0);
        segment_word_set(&words[SEGMENT_ATTACHED], 0);
    }
    if (segment_writer_publish(writer) < 0)
        exit(1);
    heartbeat_set_tomorrow(directory);
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
        run(argv[1], i * n_groups, n_groups, argv[4]);
        if (write(done[1], "+", 1) != 1)
            exit(1);
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
