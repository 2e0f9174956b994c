/* SPDX-License-Identifier: MPL-2.0 */
/*
 * escape - something is put right where a thread leaves a call in another way than by returning.
 *
 * That is when it is cancelled, or jumps out of it from a signal handler. Both in one function,
 * like pthread_cleanup_push(3):
 *
 *     struct escape escape;
 *     escape_begin(&escape, routine, argument);
 *     ...
 *     escape_end(&escape);
 *
 * The routine is not called where the call returns. errno is kept.
 */
#ifndef TAP_ESCAPE_H
#define TAP_ESCAPE_H

/* As struct _pthread_cleanup_buffer of the C library. */
struct escape {
    void (*routine)(void *argument);
    void *argument;
    int cancel_type;
    void *previous;
};

void escape_begin(struct escape *self, void (*routine)(void *), void *argument);
void escape_end(struct escape *self);

#endif
