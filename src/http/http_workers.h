/* SPDX-License-Identifier: MPL-2.0 */
/*
 * http_workers - threads for handlers that block; as many as are needed, up to a limit.
 *
 * A thread that had nothing to do for a while ends, so that a burst of slow probes leaves no
 * crowd behind. One always stays.
 *
 * Thread: any. Errors: -EAGAIN all threads are busy (the caller answers 503), -errno no thread.
 */
#ifndef HTTP_HTTP_WORKERS_H
#define HTTP_HTTP_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

struct http_workers;

/* Embedded in what is to be done. */
struct http_job {
    struct http_job *next;
    void (*run)(struct http_job *job);
};

int http_workers_new(unsigned max_threads, struct http_workers **ret_workers);

/* Runs the job on a thread of its own, soon. */
int http_workers_submit(struct http_workers *self, struct http_job *job);

/* Waits for the jobs that run. */
void http_workers_destroy(struct http_workers **self_p);

#endif
