/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_process - the sockets of one process, looked at pass by pass.
 *
 * The first look finds libzmq's classes, contexts and layout. A pass then takes the sockets from
 * the contexts' own lists, never from memory of its own, and validates each: class, context, tag,
 * owner, before and after its queues are read. What cannot be proved is no sample.
 *
 * Thread: one at a time. Blocks: no; as long as a process's file is slow, see peek_reader.
 */
#ifndef PEEK_PEEK_PROCESS_H
#define PEEK_PEEK_PROCESS_H

#include "peek/peek_inside.h"
#include "peek/peek_layout.h"
#include "peek/peek_options.h"
#include "peek/peek_pipes.h"
#include "peek/peek_record.h"
#include "queues/followed.h"

#define PEEK_MAX_COPIES 8u                    /* of libzmq in one process */
#define PEEK_TIME_NS    UINT64_C(250000000)   /* of CPU, for one process in one pass */
#define PEEK_RETRY_NS   UINT64_C(10000000000) /* after a look that failed */

/* A list that was torn lacks sockets that are there: what is not listed is remembered for a while,
 * so that its messages are not counted once more when it is back. */
#define PEEK_MAX_ABSENT 5u

struct peek_socket {
    uintptr_t address, vtable, context;
    struct peek_layout *layout;
    uint32_t owner, i_context;
    uint64_t serial;
    int type;
    int n_io_threads;
    bool is_closed;
    bool is_valid;     /* in this pass */
    uint32_t n_absent; /* passes in a row in which it was not listed */
    uint64_t n_written_told, n_read_told;
    uint32_t send_hwm, receive_hwm;
    struct pipe_memo memo;
    struct followed followed;
    struct pipe_sample sample;
    struct peek_options options;
    uintptr_t text; /* of the endpoint, as it was read last */
    uint64_t text_length;
    unsigned char text_inner[16];            /* of the string object */
    unsigned char string[PEEK_STRING_BYTES]; /* the object, as it is in this pass */
    char endpoint[PEEK_RECORD_ENDPOINT];
};

struct peek_process {
    pid_t pid;
    uint64_t start_ticks;
    enum peek_reason reason; /* NONE: it is seen */
    bool is_gone;
    bool is_replaced;    /* it is gone, since the process runs another program */
    bool is_without_tap; /* none of its threads is a tap's */
    unsigned n_tap_looks;
    bool has_looked;
    bool is_incomplete; /* threads that ran showed no stack: there may be more contexts */
    uint32_t n_incomplete;
    uint64_t next_look_ns;
    uint64_t quiet_until_ns; /* no look till then, as the last one took too long */
    struct peek_target target;
    struct peek_layout layouts[PEEK_MAX_COPIES];
    size_t n_layouts;
    struct peek_inside *insides; /* files that have libzmq in them, of PEEK_MAX_COPIES */
    size_t n_insides;
    uint32_t n_insides_changes;
    struct peek_context contexts[PEEK_MAX_CONTEXTS];
    int n_io_threads[PEEK_MAX_CONTEXTS];
    size_t n_contexts;
    uint64_t n_tasks; /* at the last look; another number: contexts may have come or gone */
    uint32_t n_passes;
    struct pipe_reader *reader;
    struct queue_ages *ages;     /* NULL: there is no memory for it */
    struct peek_socket *sockets; /* by address */
    size_t n_sockets;
    struct peek_pipes pipes;
    uint32_t n_left_out, n_invalid;
    uint64_t n_serials;
};

int peek_process_new(pid_t pid, uint64_t start_ticks, struct peek_process **ret_process);
void peek_process_destroy(struct peek_process **self_p);

/* The parts of a pass: what the process runs; which sockets there are; these and their queues. */
void peek_process_look(struct peek_process *self, struct peek_class_files *files, int procfs_fd);
void peek_process_list(struct peek_process *self);
void peek_process_sample(struct peek_process *self);

/* One pass, with a look first where one is due. Sets `reason` and `is_gone`. */
void peek_process_pass(struct peek_process *self, struct peek_class_files *files, int procfs_fd);

#endif
