/* SPDX-License-Identifier: MPL-2.0 */
/*
 * credentials - what a pipe's accounts count that is no message of the program.
 *
 * Where a ZAP handler answers with a user id, libzmq puts that id into the socket's in queue before
 * the connection's first message. It counts as written, and never as read (stream_engine.cpp:
 * write_credential; pipe.cpp: read; 4.2.5 to 4.3.5), so from then on written - read is one more
 * than what waits, and libzmq takes one message less for its high water mark.
 *
 * How many there are is known when the queue has been seen with nothing in it and the accounts at
 * rest, or when its first chunk is still there, of 256 frames: whether the first of them is a
 * credential, or the second after the peer's routing id, can be seen there also after it was taken.
 * Until then, as of a queue that was seen first after more than that had been read and that has
 * held messages since, it is taken for none.
 *
 * Thread and errors: as pipe_reader.
 */
#ifndef QUEUES_CREDENTIALS_H
#define QUEUES_CREDENTIALS_H

#include "queues/pipe_pair.h"

#define CREDENTIALS_QUEUE_BYTES (PIPE_POINTER + 6u * PIPE_POINTER)
#define CREDENTIALS_FRONT_BYTES 128u /* of two messages */

/* What is known of one pipe's in queue; all zero: nothing. */
struct credentials {
    uintptr_t queue;
    uint64_t n;
    uint64_t n_written, n_read; /* when it was empty in the look before */
    bool was_empty;
    bool is_front_known; /* whether the first message is one */
};

/* Where the queue's first messages lie, if they are to be read: `queue` has CREDENTIALS_QUEUE_BYTES
 * of a queue that counts messages. 0: not. */
uintptr_t credentials_front(const struct credentials *self, const struct pipe_pair *pair,
                            const unsigned char *queue);

/* One look; `queue` is NULL where the accounts say that all was read, and then there are none;
 * `front` is NULL, or the first two places of the first chunk. Sets the pair's `n_credentials` and
 * `is_in_empty`. */
void credentials_note(struct credentials *self, struct pipe_pair *pair, const unsigned char *queue,
                      const unsigned char *front);

#endif
