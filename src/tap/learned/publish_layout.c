/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a PUB with three subscribers is copied after each step: they subscribe, one of them gets
 * full, a fourth connects in the middle of a message, and the full one reads again. What each field
 * must hold after each step is known, and one offset in the socket must hold that sequence. Proof:
 * the function that later serves the program is asked about an XPUB with other subscribers and
 * subscriptions, for which the answers are known. Beyond the socket's end lies whatever the heap
 * has there, so an offset is searched near what is known already, and where two offsets hold the
 * sequence it is run again.
 */
#include "tap/learned/publish_layout.h"
#include "tap/learned/pipe_trial.h"
#include "tap/learned/publish_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define NODE_BYTES 48   /* more than a node has */
#define NEAR       256u /* from the distributor to what stands beside it, at most */
#define FAR        768u /* from the vector that all sockets have to the distributor, at most */
#define SET_BYTES  64
#define N_STEPS    5 /* of the sequence in which queues get full */
#define MAX_TRIES  3

/*
 * The distributor
 */
static size_t size_at(const unsigned char *bytes, uint32_t offset)
{
    size_t value;
    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static const enum publish_snapshot steps[N_STEPS] = {SNAPSHOT_IKM, SNAPSHOT_FULL, SNAPSHOT_WITHIN,
                                                     SNAPSHOT_AFTER, SNAPSHOT_READ};

static bool has_sequence(const struct publish_stage *stage, uint32_t offset,
                         const size_t sequence[N_STEPS])
{
    for (int i = 0; i < N_STEPS; i++) {
        if (size_at(stage->snapshots[steps[i]], offset) != sequence[i])
            return false;
    }
    return true;
}

static uint32_t find_eligible(const struct publish_stage *stage, uint32_t vector)
{
    static const size_t sequence[N_STEPS] = {3, 2, 3, 3, 4};
    uint32_t found = PIPE_NOT_FOUND;
    for (uint32_t i = vector; i < vector + NEAR && i < LAB_OBJECT_SIZE - NEAR; i += PIPE_POINTER) {
        if (!has_sequence(stage, i, sequence))
            continue;
        if (found != PIPE_NOT_FOUND)
            return PIPE_NOT_FOUND;
        found = i;
    }
    return found;
}

/* The vector, other than the one that all sockets have, whose last element is the full pipe. */
static uint32_t find_vector(const struct publish_stage *stage)
{
    uint32_t found = PIPE_NOT_FOUND, first = stage->pipe_layout->pipes;
    const unsigned char *object = stage->snapshots[SNAPSHOT_ALL];
    for (uint32_t i = first; i < first + FAR && i < LAB_OBJECT_SIZE - FAR; i += PIPE_POINTER) {
        uintptr_t begin = pipe_pointer_at(object, i);
        if (i == first || begin == 0 ||
            pipe_pointer_at(object, i + PIPE_POINTER) != begin + 4 * PIPE_POINTER)
            continue;
        uintptr_t pipes[4] = {0};
        int n = 0;
        pipe_memory_read_one(&stage->lab->memory, begin, pipes, sizeof(pipes));
        for (int j = 0; j < 16; j++)
            n += pipes[j / 4] == stage->pipes[j % 4];
        if (n != 4)
            continue;
        if (found != PIPE_NOT_FOUND)
            return PIPE_NOT_FOUND;
        found = i;
    }
    return found;
}

/* The counts of active and of matching pipes stand before that of eligible ones. */
static bool find_distributor(const struct publish_stage *stage, struct publish_layout *layout)
{
    layout->pipes = find_vector(stage);
    layout->n_eligible = find_eligible(stage, layout->pipes);
    return layout->pipes != PIPE_NOT_FOUND && layout->n_eligible != PIPE_NOT_FOUND &&
           layout->n_eligible >= 2 * PIPE_POINTER &&
           has_sequence(stage, layout->n_eligible - PIPE_POINTER, (size_t[]){3, 2, 2, 3, 4}) &&
           has_sequence(stage, layout->n_eligible - 2 * PIPE_POINTER, (size_t[]){0, 0, 1, 0, 0});
}

/*
 * The subscriptions
 */
static int compare_pointers(const void *a, const void *b)
{
    uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;
    return left < right ? -1 : left > right;
}

/* The first place in `node` that points to something that holds `pipe` at `at`. Places beyond the
 * node's end can, too, so the first one it must be. */
static uint32_t find_child(const struct publish_stage *stage, uintptr_t node, uint32_t at,
                           uintptr_t pipe)
{
    for (uint32_t i = 0; i < SET_BYTES; i += PIPE_POINTER) {
        uintptr_t child = publish_stage_read_pointer(stage, node + i);
        if (child != 0 && publish_stage_read_pointer(stage, child + at) == pipe)
            return i;
    }
    return PIPE_NOT_FOUND;
}

/* A set of three is a root with two children, ordered by address. */
static bool find_set(const struct publish_stage *stage, uintptr_t set,
                     struct publish_layout *layout)
{
    uintptr_t pipes[3];
    memcpy(pipes, stage->pipes, sizeof(pipes));
    qsort(pipes, 3, sizeof(pipes[0]), compare_pointers);
    for (uint32_t at = 0; at < SET_BYTES; at += PIPE_POINTER) {
        uint32_t root = find_child(stage, set, at, pipes[1]);
        if (root == PIPE_NOT_FOUND)
            continue;
        uintptr_t node = publish_stage_read_pointer(stage, set + root);
        layout->set_root = root;
        layout->set_pipe = at;
        layout->set_left = find_child(stage, node, at, pipes[0]);
        layout->set_right = find_child(stage, node, at, pipes[2]);
        if (layout->set_left != PIPE_NOT_FOUND && layout->set_right != PIPE_NOT_FOUND)
            return true;
    }
    return false;
}

/* The word that was NULL until someone subscribed to everything, and is a set of them now. */
static bool find_root(const struct publish_stage *stage, struct publish_layout *layout)
{
    uint32_t n_found = 0;
    for (uint32_t i = layout->pipes - NEAR; i < layout->pipes; i += PIPE_POINTER) {
        uintptr_t set = pipe_pointer_at(stage->snapshots[SNAPSHOT_ALL], i);
        struct publish_layout found = *layout;
        if (set == 0 || pipe_pointer_at(stage->snapshots[SNAPSHOT_EMPTY], i) != 0 ||
            pipe_pointer_at(stage->snapshots[SNAPSHOT_READ], i) != 0 ||
            !find_set(stage, set, &found))
            continue;
        *layout = found;
        layout->subscriptions = i;
        n_found++;
    }
    return n_found == 1;
}

/* Whether `node` is that of the one pipe. */
static bool is_node_of(const struct publish_stage *stage, const struct publish_layout *layout,
                       uintptr_t node, uintptr_t pipe)
{
    uintptr_t set = node ? publish_stage_read_pointer(stage, node) : 0;
    uintptr_t root = set ? publish_stage_read_pointer(stage, set + layout->set_root) : 0;
    return root != 0 && publish_stage_read_pointer(stage, root + layout->set_pipe) == pipe &&
           publish_stage_read_pointer(stage, root + layout->set_left) == 0 &&
           publish_stage_read_pointer(stage, root + layout->set_right) == 0;
}

static bool is_next(const struct publish_stage *stage, const struct publish_layout *layout,
                    uint32_t at)
{
    uintptr_t child = pipe_pointer_at(stage->snapshots[SNAPSHOT_K], at);
    uintptr_t table = pipe_pointer_at(stage->snapshots[SNAPSHOT_IKM], at);
    return is_node_of(stage, layout, child, stage->pipes[0]) && table != 0 &&
           is_node_of(stage, layout, publish_stage_read_pointer(stage, table), stage->pipes[2]) &&
           publish_stage_read_pointer(stage, table + PIPE_POINTER) == 0 &&
           is_node_of(stage, layout, publish_stage_read_pointer(stage, table + 2 * PIPE_POINTER),
                      stage->pipes[0]) &&
           publish_stage_read_pointer(stage, table + 3 * PIPE_POINTER) == 0 &&
           is_node_of(stage, layout, publish_stage_read_pointer(stage, table + 4 * PIPE_POINTER),
                      stage->pipes[1]);
}

static bool is_min(const struct publish_stage *stage, uint32_t at)
{
    return stage->snapshots[SNAPSHOT_K][at] == 'K' && stage->snapshots[SNAPSHOT_KM][at] == 'K' &&
           stage->snapshots[SNAPSHOT_IKM][at] == 'I';
}

static bool is_count(const struct publish_stage *stage, uint32_t at)
{
    unsigned short counts[3];
    memcpy(&counts[0], &stage->snapshots[SNAPSHOT_K][at], sizeof(counts[0]));
    memcpy(&counts[1], &stage->snapshots[SNAPSHOT_KM][at], sizeof(counts[1]));
    memcpy(&counts[2], &stage->snapshots[SNAPSHOT_IKM][at], sizeof(counts[2]));
    return counts[0] == 1 && counts[1] == 3 && counts[2] == 5;
}

static bool find_node(const struct publish_stage *stage, struct publish_layout *layout)
{
    int n_next = 0, n_min = 0, n_count = 0;
    for (uint32_t i = PIPE_POINTER; i < NODE_BYTES; i++) {
        uint32_t at = layout->subscriptions + i;
        if (i % PIPE_POINTER == 0 && is_next(stage, layout, at)) {
            layout->next = i;
            n_next++;
        }
        if (i % sizeof(unsigned short) == 0 && is_count(stage, at)) {
            layout->count = i;
            n_count++;
        }
        if (is_min(stage, at)) {
            layout->min = i;
            n_min++;
        }
    }
    return n_next == 1 && n_min == 1 && n_count == 1;
}

static const char *find_layout(struct publish_stage *stage, struct publish_layout *layout)
{
    if (!publish_stage_run(stage))
        return "calibration: subscribers did not connect";
    if (!find_distributor(stage, layout))
        return "calibration: distributor not found";
    if (!find_root(stage, layout) || !find_node(stage, layout))
        return "calibration: subscriptions not understood";
    return NULL;
}

/*
 * The proof
 */
static bool read_safely(void *memory, uintptr_t address, void *to, size_t size)
{
    return pipe_memory_read_one(memory, address, to, size);
}

static bool has_missed(const struct publish_stage *stage, const struct publish_layout *layout,
                       const char *topic, uint32_t n_expected)
{
    struct publish_view view = {layout, stage->pipe_layout, read_safely, &stage->lab->memory};
    struct publish_question question = {
        .socket = stage->publisher, .topic = topic, .size = strlen(topic)};
    return publish_missed(&view, &question) == n_expected;
}

static bool prove_topics(struct publish_stage *stage, const struct publish_layout *layout)
{
    static const char *const subscriptions[] = {"AB", "ABXY", "A", "Z"};
    for (int i = 0; i < PUBLISH_N_SUBSCRIBERS; i++) {
        if (!publish_stage_subscribe(stage, i, subscriptions[i]))
            return false;
    }
    if (!publish_stage_subscribe(stage, 2, "ABX") || !has_missed(stage, layout, "ABXY", 0) ||
        !publish_stage_subscribe_in_order(stage, PUBLISH_N_SUBSCRIBERS, "Q"))
        return false;
    for (int i = 0; i < 3; i++) { /* two fit */
        if (!publish_stage_publish(stage, "ABXYZ", 0))
            return false;
    }
    return has_missed(stage, layout, "ABXYZ", 3) && has_missed(stage, layout, "Q", 3) &&
           has_missed(stage, layout, "ABX", 2) && has_missed(stage, layout, "AC", 1) &&
           has_missed(stage, layout, "Z", 0) && has_missed(stage, layout, "", 0) &&
           has_missed(stage, layout, "B", 0);
}

/* XPUB_MANUAL remembers the pipe whose subscription was received last. */
static uint32_t find_last_pipe(struct publish_stage *stage, uint32_t vector)
{
    uint32_t found = 0;
    if (!pipe_lab_set(stage->lab, stage->publisher, ZMQ_XPUB_MANUAL, 1))
        return 0;
    publish_stage_take_snapshot(stage, 0);
    for (int i = 0; i < 2; i++) {
        if (!publish_stage_subscribe(stage, i, "M") ||
            pipe_lab_receive(stage->lab, stage->publisher, 1) != 1)
            return 0;
        publish_stage_take_snapshot(stage, (enum publish_snapshot)(i + 1));
    }
    for (uint32_t i = vector; i < vector + NEAR; i += PIPE_POINTER) {
        if (pipe_pointer_at(stage->snapshots[0], i) != 0 ||
            pipe_pointer_at(stage->snapshots[1], i) != stage->pipes[0] ||
            pipe_pointer_at(stage->snapshots[2], i) != stage->pipes[1])
            continue;
        if (found != 0)
            return 0;
        found = i;
    }
    return found;
}

static const char *prove_layout(struct publish_stage *stage, struct publish_layout *layout)
{
    if (!publish_stage_open(stage, ZMQ_XPUB, PUBLISH_N_SUBSCRIBERS))
        return "calibration: subscribers did not connect";
    if (!prove_topics(stage, layout))
        return "calibration: subscriptions not understood";
    pipe_lab_receive(stage->lab, stage->publisher, 16); /* the subscriptions so far */
    layout->last_pipe = find_last_pipe(stage, layout->pipes);
    return NULL;
}

static const char *calibrate_once(struct publish_stage *stage, int number,
                                  struct publish_layout *ret_layout)
{
    struct publish_layout layout = {.is_known = true};
    stage->number = number;
    const char *reason = find_layout(stage, &layout);
    publish_stage_close(stage);
    if (!reason)
        reason = prove_layout(stage, &layout);
    publish_stage_close(stage);
    if (!reason)
        *ret_layout = layout;
    return reason;
}

void publish_layout_calibrate(struct pipe_lab *lab, const struct pipe_layout *pipe_layout,
                              struct publish_layout *ret_layout)
{
    const char *reason = "no memory";
    memset(ret_layout, 0, sizeof(*ret_layout));
    struct publish_stage *stage = calloc(1, sizeof(*stage));
    if (stage) {
        stage->lab = lab;
        stage->pipe_layout = pipe_layout;
        for (int i = 0; i < MAX_TRIES && reason; i++)
            reason = calibrate_once(stage, i, ret_layout);
        free(stage);
    }
    ret_layout->is_known = !reason;
    snprintf(ret_layout->reason, sizeof(ret_layout->reason), "%s", reason ? reason : "");
}
