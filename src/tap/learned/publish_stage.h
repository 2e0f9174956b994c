/* SPDX-License-Identifier: MPL-2.0 */
/*
 * publish_stage - a publisher in the lab, its subscribers, and looks at it as they act.
 *
 * Thread and errors: as pipe_lab. What does not go as it must returns false.
 */
#ifndef TAP_PUBLISH_STAGE_H
#define TAP_PUBLISH_STAGE_H

#include "queues/pipe_accounts.h"
#include "tap/learned/pipe_lab.h"

#define PUBLISH_N_SUBSCRIBERS 4
#define PUBLISH_N_LOOKS       9

/* Looks at the publisher. */
enum publish_look {
    LOOK_EMPTY,
    LOOK_K,   /* the first subscribes to K */
    LOOK_KM,  /* the second to M */
    LOOK_IKM, /* the third to I */
    LOOK_FULL,
    LOOK_WITHIN, /* a message, in the middle of which the fourth connects */
    LOOK_AFTER,
    LOOK_READ,
    LOOK_ALL, /* the first three subscribe to everything */
};

struct publish_stage {
    struct pipe_lab *lab;
    const struct pipe_layout *pipe_layout;
    void *publisher;
    void *subscribers[PUBLISH_N_SUBSCRIBERS];
    uintptr_t pipes[PUBLISH_N_SUBSCRIBERS]; /* the publisher's ends */
    char address[40];
    int number; /* of the try */
    unsigned char looks[PUBLISH_N_LOOKS][LAB_OBJECT_SIZE];
};

uintptr_t publish_stage_read_pointer(const struct publish_stage *stage, uintptr_t address);

/* Lets the publisher take in what others told it, and copies it. */
void publish_stage_look(struct publish_stage *stage, enum publish_look number);

/* A publisher of `type` with `n` subscribers, whose queues hold two messages each. */
bool publish_stage_open(struct publish_stage *stage, int type, int n);
void publish_stage_close(struct publish_stage *stage);

bool publish_stage_subscribe(struct publish_stage *stage, int i, const char *topic);

/* The first `n` subscribe, in the order of their pipes' addresses. A balanced tree then has
 * another root than the node that was made first, which is what allocators leave pointers to. */
bool publish_stage_subscribe_in_order(struct publish_stage *stage, int n, const char *topic);
bool publish_stage_publish(const struct publish_stage *stage, const char *topic, int flags);

/* A PUB with three subscribers lives through all looks, in their order. */
bool publish_stage_tell_story(struct publish_stage *stage);

#endif
