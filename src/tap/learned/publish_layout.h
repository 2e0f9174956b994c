/* SPDX-License-Identifier: MPL-2.0 */
/*
 * publish_layout - where a PUB or XPUB stores its subscribers and their subscriptions.
 *
 * The socket's distributor has a vector of pipes: those in front are eligible, those behind were
 * full when a message was to be written to them, and get none until they have read. Its
 * subscriptions are a tree of bytes: each node has the set of pipes that subscribed to the bytes
 * on the way to it (libzmq: dist.hpp, xpub.hpp, generic_mtrie.hpp, 4.2.5 to 4.3.5).
 *
 * Both are changed by the socket's own thread only, so they may be read in it without a lock,
 * inside one of its own calls.
 */
#ifndef TAP_PUBLISH_LAYOUT_H
#define TAP_PUBLISH_LAYOUT_H

#include "queues/pipe_layout.h"

#include <stddef.h>

struct pipe_lab;

/* Reads `size` bytes of libzmq's memory; false if they are not there. */
typedef bool (*publish_read_fn)(void *data, uintptr_t address, void *to, size_t size);

struct publish_view {
    const struct publish_layout *layout;
    const struct pipe_layout *pipe_layout;
    publish_read_fn read;
    void *data;
};

/* What one socket has done with a message: the first frame's bytes, which are the topic. */
struct publish_question {
    const void *socket;
    const void *topic;
    size_t size;
    bool is_inverted;    /* ZMQ_INVERT_MATCHING */
    uintptr_t only_pipe; /* the one pipe that the message was for, or 0 */
};

/* How many subscribers the message was for that did not get it, because their queue was full. */
uint32_t publish_missed(const struct publish_view *view, const struct publish_question *question);

/* The same in the thread that uses the socket, inside one of its own calls: no read can fail. */
uint32_t publish_missed_directly(const struct pipe_layout *layout,
                                 const struct publish_question *question);

/* Finds the layout in an open lab, and proves it. */
void publish_layout_calibrate(struct pipe_lab *lab, const struct pipe_layout *pipe_layout,
                              struct publish_layout *ret_layout);

#endif
