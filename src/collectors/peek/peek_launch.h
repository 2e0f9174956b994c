/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_launch - readers for an exporter that may not read other processes itself.
 *
 * The launcher (peek/peek_launcher.h) is `zmq_exporter peek-launcher`, the same program in a
 * process of its own. It is started with the rights that the exporter has at that time, so before
 * these are given up. One that has ended is not started again: it would have the rights that are
 * left.
 *
 * Thread: new and destroy by the one that lives as long as the process, the others by one.
 */
#ifndef COLLECTORS_PEEK_PEEK_LAUNCH_H
#define COLLECTORS_PEEK_PEEK_LAUNCH_H

struct peek_launch;

int peek_launch_new(struct peek_launch **ret_launch);

/* Ends it, and its reader. */
void peek_launch_destroy(struct peek_launch **self_p);

/* A reader at the other end of `*ret_fd`, in place of the one before, which is killed. Errors:
 * -EPIPE, -ECONNRESET: the launcher has ended. */
int peek_launch_start(struct peek_launch *self, int *ret_fd);

/* Kills the reader. */
void peek_launch_end(struct peek_launch *self);

#endif
