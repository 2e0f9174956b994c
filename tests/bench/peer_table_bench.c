/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peer_table_bench - what a scrape asks of the table of peers, for `instructions` to count.
 *
 * usage: peer_table_bench CONNECTIONS, of a PULL in one process and as many PUSHes in another. The
 * worst connections of all of these sockets are looked up, as in one scrape.
 */
#include "collectors/peers/peer_table.h"

#include <stdio.h>
#include <stdlib.h>

#define HANDLE 0x7f0000001000u
#define STEP   0x900u /* from one socket to the next in a heap */

void measured(const struct peer_table *table, size_t n);

static struct peer peer_of(const struct peer_process *process, uint64_t handle, uint64_t inode)
{
    return (struct peer){.start_ticks = process->start_ticks,
                         .handle = handle,
                         .pid = process->pid,
                         .inode = inode,
                         .unsent_bytes = inode,
                         .unread_bytes = inode,
                         .retransmits = PEER_UNKNOWN,
                         .peer_unread_bytes = inode};
}

static const struct peer_process pull = {1000, 10}, push = {2000, 11};
static uint64_t sum;

__attribute__((noinline)) void measured(const struct peer_table *table, size_t n)
{
    sum += peer_table_worst(table, &pull, HANDLE).unread_bytes;
    for (size_t i = 0; i < n; i++)
        sum += peer_table_worst(table, &push, HANDLE + i * STEP).unsent_bytes;
}

int main(int n_words, char **words)
{
    size_t n = n_words > 1 ? strtoul(words[1], NULL, 10) : 100;
    struct peer_table table = {.n = 2 * n, .n_processes = 2};
    table.items = calloc(2 * n, sizeof(*table.items));
    table.processes = calloc(2, sizeof(*table.processes));
    if (!table.items || !table.processes)
        return 1;
    for (size_t i = 0; i < n; i++) {
        table.items[2 * i] = peer_of(&pull, HANDLE, 1 + i);
        table.items[2 * i + 1] = peer_of(&push, HANDLE + i * STEP, 1 + n + i);
    }
    table.processes[0] = push;
    table.processes[1] = pull;
    if (peer_table_complete(&table) < 0)
        return 1;
    measured(&table, n);
    printf("%llu\n", (unsigned long long)sum);
    peer_table_finish(&table);
    return 0;
}
