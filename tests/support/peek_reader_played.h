/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_reader_played - the reader in a process of its own, over a host and a clock that are played.
 *
 * The host has three processes: one without ZeroMQ, PID, which is seen, and one that is excluded.
 * In each pass the reader is about to open a file of process 7, and of process 8, which failed.
 */
#ifndef TESTS_SUPPORT_PEEK_READER_PLAYED_H
#define TESTS_SUPPORT_PEEK_READER_PLAYED_H

#include "peek/peek_host.h"
#include "peek/peek_record.h"

#define PID   42
#define TICKS 1000
#define MANY  150 /* sockets, more than are kept before they are written */

/* What the reader's process does, seen by the test. */
struct shared {
    _Atomic uint64_t now_ns, rest_ns;
    int sandbox, n_released, n_wanted, n_passed, n_finished;
    pid_t excluded_pid;
    bool has_excluded, has_failed, may_open;
    uint64_t last_pid, next_list_ns, n_insides_changes, wanted[PEEK_WANTED_IN_RECORD];
    bool is_gone, is_replaced; /* of the process, in the next pass */
    uint32_t n_connections, n_left_out;
};

extern struct shared *shared;
extern struct peek_process process;
extern struct peek_socket sockets[MANY];
extern int sandbox_result, libraries_result, host_result;

int set_up(void **state);
int tear_down(void **state);

/* Starts a reader, which waits for its setup; or one that is set up. */
void run(bool is_launched, unsigned interval_ms);
void start(void);

/* What the exporter says: any bytes, and records. */
void say_record(const struct peek_record *record);
void say(enum peek_record_kind kind, const char *program);
void want(uint32_t n);
void hang_up(void);

/* The time until the next pass is over. */
void end_interval(void);

/* What the reader says next. */
struct peek_record hear(enum peek_record_kind kind);
void hear_looking(uint32_t pid, uint64_t start_ticks);
struct peek_record_process hear_process(bool is_first);

/* From what follows the process's sockets to the pass's end. */
struct peek_record_pass hear_rest(bool is_first);

int end_of_reader(void);

#endif
