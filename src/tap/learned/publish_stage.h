/* SPDX-License-Identifier: MPL-2.0 */
/*
 * publish_stage - a publisher in the lab, its subscribers, and copies of it between their steps.
 *
 * Thread and errors: as pipe_lab. A step that does not go as it must returns false.
 */
#ifndef TAP_PUBLISH_STAGE_H
#define TAP_PUBLISH_STAGE_H

#include "queues/pipe_accounts.h"
#include "tap/learned/pipe_lab.h"

#define PUBLISH_N_SUBSCRIBERS 4
#define PUBLISH_N_SNAPSHOTS   9

/* Copies of the publisher, each taken after a step. */
enum publish_snapshot {
    SNAPSHOT_EMPTY,
    SNAPSHOT_K,   /* the first subscribes to K */
    SNAPSHOT_KM,  /* the second to M */
    SNAPSHOT_IKM, /* the third to I */
    SNAPSHOT_FULL,
    SNAPSHOT_WITHIN, /* a message, in the middle of which the fourth connects */
    SNAPSHOT_AFTER,
    SNAPSHOT_READ,
    SNAPSHOT_ALL, /* the first three subscribe to everything */
};

struct publish_stage {
    struct pipe_lab *lab;
    const struct pipe_layout *pipe_layout;
    void *publisher;
    void *subscribers[PUBLISH_N_SUBSCRIBERS];
    uintptr_t pipes[PUBLISH_N_SUBSCRIBERS]; /* the publisher's ends */
    char address[40];
    int number; /* of the try */
    unsigned char snapshots[PUBLISH_N_SNAPSHOTS][LAB_OBJECT_SIZE];
};

uintptr_t publish_stage_read_pointer(const struct publish_stage *stage, uintptr_t address);

/* Lets the publisher process its commands, then copies it. */
void publish_stage_take_snapshot(struct publish_stage *stage, enum publish_snapshot number);

/* A publisher of `type` with `n` subscribers, whose queues hold two messages each. */
bool publish_stage_open(struct publish_stage *stage, int type, int n);
void publish_stage_close(struct publish_stage *stage);

bool publish_stage_subscribe(struct publish_stage *stage, int i, const char *topic);

/* The first `n` subscribe, in the order of their pipes' addresses. A balanced tree then has
 * another root than the node that was made first, which is what allocators leave pointers to. */
bool publish_stage_subscribe_in_order(struct publish_stage *stage, int n, const char *topic);
bool publish_stage_publish(const struct publish_stage *stage, const char *topic, int flags);

/* A PUB with three subscribers goes through all steps, in the order of the snapshots. */
bool publish_stage_run(struct publish_stage *stage);

#endif
