/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/publish_stage.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

uintptr_t publish_stage_read_pointer(const struct publish_stage *stage, uintptr_t address)
{
    uintptr_t value = 0;
    pipe_memory_read_one(&stage->lab->memory, address, &value, sizeof(value));
    return value;
}

void publish_stage_take_snapshot(struct publish_stage *stage, enum publish_snapshot number)
{
    pipe_lab_process_commands(stage->lab, stage->publisher);
    pipe_lab_read(stage->lab, (uintptr_t)stage->publisher, stage->snapshots[number],
                  LAB_OBJECT_SIZE);
}

/* The publisher's end of the only pipe that the subscriber has. */
static uintptr_t find_pipe(const struct publish_stage *stage, const void *subscriber)
{
    uintptr_t vector = publish_stage_read_pointer(stage, (uintptr_t)subscriber +
                                                             stage->pipe_layout->pipes);
    uintptr_t own = vector ? publish_stage_read_pointer(stage, vector) : 0;
    return own ? publish_stage_read_pointer(stage, own + stage->pipe_layout->peer) : 0;
}

static bool add_subscriber(struct publish_stage *stage, int i)
{
    stage->subscribers[i] = pipe_lab_socket(stage->lab, ZMQ_SUB, 1, 1);
    if (!stage->subscribers[i] ||
        stage->lab->library->connect(stage->subscribers[i], stage->address) != 0)
        return false;
    pipe_lab_process_commands(stage->lab, stage->publisher);
    stage->pipes[i] = find_pipe(stage, stage->subscribers[i]);
    return stage->pipes[i] != 0;
}

bool publish_stage_open(struct publish_stage *stage, int type, int n)
{
    stage->publisher = pipe_lab_socket(stage->lab, type, 1, 1);
    snprintf(stage->address, sizeof(stage->address), "inproc://stage-%d-%d", type, stage->number);
    if (!stage->publisher || stage->lab->library->bind(stage->publisher, stage->address) != 0)
        return false;
    for (int i = 0; i < n; i++) {
        if (!add_subscriber(stage, i))
            return false;
    }
    return true;
}

void publish_stage_close(struct publish_stage *stage)
{
    pipe_lab_close_socket(stage->lab, &stage->publisher);
    for (int i = 0; i < PUBLISH_N_SUBSCRIBERS; i++)
        pipe_lab_close_socket(stage->lab, &stage->subscribers[i]);
}

bool publish_stage_subscribe(struct publish_stage *stage, int i, const char *topic)
{
    /* It learns that there is room for one more subscription on its way. */
    pipe_lab_process_commands(stage->lab, stage->subscribers[i]);
    int rc = stage->lab->library->setsockopt(stage->subscribers[i], ZMQ_SUBSCRIBE, topic,
                                             strlen(topic));
    pipe_lab_process_commands(stage->lab, stage->publisher);
    return rc == 0;
}

/* The next subscriber by the address of its pipe, after `last`. */
static int find_next(const struct publish_stage *stage, int n, uintptr_t last)
{
    int found = -1;
    for (int i = 0; i < n; i++) {
        if (stage->pipes[i] > last && (found < 0 || stage->pipes[i] < stage->pipes[found]))
            found = i;
    }
    return found;
}

bool publish_stage_subscribe_in_order(struct publish_stage *stage, int n, const char *topic)
{
    int i;
    for (uintptr_t last = 0; (i = find_next(stage, n, last)) >= 0; last = stage->pipes[i]) {
        if (!publish_stage_subscribe(stage, i, topic))
            return false;
    }
    return true;
}

bool publish_stage_publish(const struct publish_stage *stage, const char *topic, int flags)
{
    size_t size = strlen(topic);
    return stage->lab->library->send(stage->publisher, topic, size, flags | ZMQ_DONTWAIT) ==
           (int)size;
}

bool publish_stage_run(struct publish_stage *stage)
{
    if (!publish_stage_open(stage, ZMQ_PUB, 3))
        return false;
    publish_stage_take_snapshot(stage, SNAPSHOT_EMPTY);
    bool is_told = publish_stage_subscribe(stage, 0, "K");
    publish_stage_take_snapshot(stage, SNAPSHOT_K);
    is_told = is_told && publish_stage_subscribe(stage, 1, "M");
    publish_stage_take_snapshot(stage, SNAPSHOT_KM);
    is_told = is_told && publish_stage_subscribe(stage, 2, "I");
    publish_stage_take_snapshot(stage, SNAPSHOT_IKM);
    for (int i = 0; i < 3; i++) /* two fit: inproc adds both ends' marks */
        is_told = is_told && publish_stage_publish(stage, "K", 0);
    publish_stage_take_snapshot(stage, SNAPSHOT_FULL);
    is_told = is_told && publish_stage_publish(stage, "M", ZMQ_SNDMORE) && add_subscriber(stage, 3);
    publish_stage_take_snapshot(stage, SNAPSHOT_WITHIN);
    is_told = is_told && publish_stage_publish(stage, "M", 0);
    publish_stage_take_snapshot(stage, SNAPSHOT_AFTER);
    is_told = is_told && pipe_lab_receive(stage->lab, stage->subscribers[0], 2) == 2;
    publish_stage_take_snapshot(stage, SNAPSHOT_READ);
    is_told = is_told && publish_stage_subscribe_in_order(stage, 3, "");
    publish_stage_take_snapshot(stage, SNAPSHOT_ALL);
    return is_told;
}
