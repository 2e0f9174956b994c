/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pipe_lab - a private context in which pipes are watched while known traffic moves through them.
 *
 * Everything is inproc, every call is non-blocking, and nothing is left behind: sockets are
 * closed, the context is terminated, errno, signal mask and cancellation are as they were. The
 * lab opens only if the descriptors it may need are free, since libzmq aborts where they are not.
 *
 * What is large in a calibration is static, for the program's thread may have a small stack: there
 * is one lab at a time.
 *
 * Thread:  one.   Blocks: up to LAB_PATIENCE_MS for the reaper, in practice for a millisecond.
 *          A process that was stopped meanwhile waits a little longer.
 * Errors:  functions return NULL or a reason in a few words.
 */
#ifndef TAP_PIPE_LAB_H
#define TAP_PIPE_LAB_H

#include "queues/pipe_bytes.h"
#include "queues/pipe_memory.h"
#include "tap/ground/guard.h"
#include "tap/ground/library.h"

#define LAB_PATIENCE_MS    500
#define LAB_WAIT_MS        5  /* at a time */
#define LAB_MAX_LATE_WAITS 40 /* that begin when patience has run out, in the life of a lab */
#define LAB_PIPE_BYTES     PIPE_BYTES
#define LAB_OBJECT_SIZE    4096 /* of a socket */

struct pipe_lab {
    const struct library *library;
    void *context;
    struct pipe_memory memory;
    int n_addresses;
    int n_tries;
    int n_late_waits;
    bool has_no_patience; /* it has waited once for what did not come */
    int old_errno;
    struct guard guard;
};

const char *pipe_lab_open(const struct library *library, struct pipe_lab *ret_lab);
void pipe_lab_close(struct pipe_lab *self);

/* A socket with linger 0, its marks as given, or NULL. */
void *pipe_lab_socket(struct pipe_lab *self, int type, int send_hwm, int receive_hwm);
void pipe_lab_close_socket(struct pipe_lab *self, void **socket_p);
bool pipe_lab_set(struct pipe_lab *self, void *socket, int option, int value);

/* Connects them over a new inproc address, `a` by zmq_connect; before the bind if so asked. */
bool pipe_lab_connect(struct pipe_lab *self, void *a, void *b, bool is_connect_first);

/* Returns how many messages of `size` bytes went through without waiting, at most `n`. */
int pipe_lab_send(struct pipe_lab *self, void *socket, int n, size_t size);
int pipe_lab_receive(struct pipe_lab *self, void *socket, int n);

/* Lets the socket process the commands that other threads and sockets sent it. */
void pipe_lab_process_commands(struct pipe_lab *self, void *socket);

/* Waits for such commands, until `deadline_ms` of pipe_lab_now_ms; false past it. */
bool pipe_lab_await(struct pipe_lab *self, void *socket, int64_t deadline_ms);
int64_t pipe_lab_now_ms(void);

/* Copies what can be read of `size` bytes; the rest, past the end of memory, is zero. */
void pipe_lab_read(struct pipe_lab *self, uintptr_t address, unsigned char *to, size_t size);

#endif
