/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a subscriber missed the message just sent if its pipe is not eligible now and the
 * message matches one of its subscriptions. Pipes become eligible again only while libzmq
 * processes commands, which it does before it writes a message and not after, so after the call the
 * pipes are as they were for the message. Most of the time all are eligible, and that is found with
 * three loads.
 */
#include "tap/learned/pipe_trial.h"
#include "tap/learned/publish_layout.h"

#include <string.h>

#define CHUNK      64 /* pipes that are searched for in one walk: bits of a word */
#define MAX_PIPES  (1u << 20)
#define MAX_HEIGHT 64 /* of a balanced tree of that many pipes */

struct chunk {
    uintptr_t pipes[CHUNK];
    uint32_t n;
    uint64_t matched;
};

static inline bool read_pointer(const struct publish_view *view, uintptr_t address, uintptr_t *ret)
{
    return view->read(view->data, address, ret, sizeof(*ret));
}

/* A balanced tree, ordered by address (std::set). */
static inline bool is_in_set(const struct publish_view *view, uintptr_t set, uintptr_t pipe)
{
    const struct publish_layout *layout = view->layout;
    uintptr_t node, its_pipe;
    if (!read_pointer(view, set + layout->set_root, &node))
        return false;
    for (int i = 0; node != 0 && i < MAX_HEIGHT; i++) {
        if (!read_pointer(view, node + layout->set_pipe, &its_pipe))
            return false;
        if (its_pipe == pipe)
            return true;
        uint32_t side = pipe < its_pipe ? layout->set_left : layout->set_right;
        if (!read_pointer(view, node + side, &node))
            return false;
    }
    return false;
}

static inline void match_node(const struct publish_view *view, uintptr_t node, struct chunk *chunk)
{
    uintptr_t set;
    if (!read_pointer(view, node, &set) || set == 0)
        return;
    for (uint32_t i = 0; i < chunk->n; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (!(chunk->matched & bit) && is_in_set(view, set, chunk->pipes[i]))
            chunk->matched |= bit;
    }
}

/* The child for `byte`, or 0. */
static inline uintptr_t child_of(const struct publish_view *view, uintptr_t node,
                                 unsigned char byte)
{
    const struct publish_layout *layout = view->layout;
    unsigned char min;
    unsigned short count;
    uintptr_t next;
    if (!view->read(view->data, node + layout->min, &min, sizeof(min)) ||
        !view->read(view->data, node + layout->count, &count, sizeof(count)) || byte < min ||
        byte - min >= count || !read_pointer(view, node + layout->next, &next))
        return 0;
    if (count == 1)
        return next;
    uintptr_t child = 0;
    read_pointer(view, next + (uintptr_t)(byte - min) * sizeof(child), &child);
    return child;
}

static inline void match_topic(const struct publish_view *view,
                               const struct publish_question *question, struct chunk *chunk)
{
    const unsigned char *topic = question->topic;
    uintptr_t node = (uintptr_t)question->socket + view->layout->subscriptions;
    uint64_t all = chunk->n == CHUNK ? UINT64_MAX : (UINT64_C(1) << chunk->n) - 1;
    match_node(view, node, chunk);
    for (size_t i = 0; i < question->size && chunk->matched != all; i++) {
        node = child_of(view, node, topic[i]);
        if (node == 0)
            return;
        match_node(view, node, chunk);
    }
}

/* A pipe that is closing does not count as full: its peer expects no more messages. */
static inline bool is_active(const struct publish_view *view, uintptr_t pipe)
{
    uint32_t state;
    return view->read(view->data, pipe + view->pipe_layout->state, &state, sizeof(state)) &&
           state == PIPE_STATE_ACTIVE;
}

static inline uint32_t count_chunk(const struct publish_view *view,
                                   const struct publish_question *question, struct chunk *chunk)
{
    chunk->matched = 0;
    match_topic(view, question, chunk);
    uint32_t n_matched = 0;
    for (uint64_t left = chunk->matched; left != 0; left &= left - 1)
        n_matched++;
    return question->is_inverted ? chunk->n - n_matched : n_matched;
}

static inline uint32_t count_missed(const struct publish_view *view,
                                    const struct publish_question *question)
{
    uintptr_t socket = (uintptr_t)question->socket, vector[2];
    size_t n_eligible;
    if (!view->read(view->data, socket + view->layout->pipes, vector, sizeof(vector)) ||
        !view->read(view->data, socket + view->layout->n_eligible, &n_eligible, sizeof(n_eligible)))
        return 0;
    size_t n_pipes = (vector[1] - vector[0]) / sizeof(uintptr_t);
    if (n_eligible >= n_pipes || n_pipes > MAX_PIPES)
        return 0;

    struct chunk chunk; /* not cleared: it is large */
    uint32_t n_missed = 0;
    chunk.n = 0;
    for (size_t i = n_eligible; i < n_pipes; i++) {
        uintptr_t pipe;
        bool is_asked = read_pointer(view, vector[0] + i * sizeof(pipe), &pipe) &&
                        (question->only_pipe == 0 || question->only_pipe == pipe) &&
                        is_active(view, pipe);
        if (is_asked)
            chunk.pipes[chunk.n++] = pipe;
        if (chunk.n == CHUNK) {
            n_missed += count_chunk(view, question, &chunk);
            chunk.n = 0;
        }
    }
    return chunk.n == 0 ? n_missed : n_missed + count_chunk(view, question, &chunk);
}

uint32_t publish_missed(const struct publish_view *view, const struct publish_question *question)
{
    return count_missed(view, question);
}

static inline bool read_directly(void *unused, uintptr_t address, void *to, size_t size)
{
    (void)unused;
    memcpy(to, (const void *)address, size);
    return true;
}

/* The same in one piece, so that a read is a load. */
__attribute__((flatten)) uint32_t publish_missed_directly(const struct pipe_layout *layout,
                                                          const struct publish_question *question)
{
    const struct publish_view view = {&layout->publish, layout, read_directly, NULL};
    return count_missed(&view, question);
}
