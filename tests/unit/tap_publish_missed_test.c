/* SPDX-License-Identifier: MPL-2.0 */
/* Who missed a message, in a publisher that is made here, against a plain count. */
#include "queues/pipe_bytes.h"
#include "tap/learned/publish_layout.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PIPES 200
#define MAX_TOPIC 6

struct pipe {
    uint64_t vtable;
    uint32_t state;
};

/* As in libzmq's generic_mtrie, and in its set of pipes; where the words lie is told by a layout.
 */
struct set_node {
    struct set_node *left, *right;
    const struct pipe *pipe;
};

struct set {
    uint64_t size;
    struct set_node *root;
};

struct node {
    struct set *pipes;
    unsigned char min;
    unsigned short count;
    void *next; /* a node, or a table of them where `count` is more than 1 */
};

struct socket {
    uint64_t vtable;
    const struct pipe **begin, **end;
    size_t n_eligible;
    struct node root;
};

static const struct pipe_layout layout = {
    .is_known = true,
    .state = offsetof(struct pipe, state),
    .publish = {.is_known = true,
                .pipes = offsetof(struct socket, begin),
                .n_eligible = offsetof(struct socket, n_eligible),
                .subscriptions = offsetof(struct socket, root),
                .min = offsetof(struct node, min),
                .count = offsetof(struct node, count),
                .next = offsetof(struct node, next),
                .set_root = offsetof(struct set, root),
                .set_left = offsetof(struct set_node, left),
                .set_right = offsetof(struct set_node, right),
                .set_pipe = offsetof(struct set_node, pipe)},
};

struct subscription {
    unsigned pipe;
    size_t size;
    unsigned char topic[MAX_TOPIC];
};

struct world {
    struct socket socket;
    struct pipe pipes[MAX_PIPES];
    const struct pipe *vector[MAX_PIPES];
    unsigned n_pipes, n_subscriptions;
    struct subscription subscriptions[4 * MAX_PIPES];
    void *blocks[1 << 16]; /* all that was allocated */
    unsigned n_blocks;
};

static unsigned seed = 7;

static unsigned any(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

static void *make(struct world *world, size_t size)
{
    void *block = calloc(1, size);
    assert_non_null(block);
    assert_true(world->n_blocks < sizeof(world->blocks) / sizeof(*world->blocks));
    world->blocks[world->n_blocks++] = block;
    return block;
}

static struct node *find_child(struct world *world, struct node *node, unsigned char byte)
{
    struct node *children[256] = {0}, **table = node->next;
    for (unsigned i = 0; i < node->count; i++)
        children[node->min + i] = node->count == 1 ? node->next : table[i];
    if (children[byte])
        return children[byte];
    children[byte] = make(world, sizeof(struct node));
    unsigned first = 0, last = 255;
    while (!children[first])
        first++;
    while (!children[last])
        last--;
    node->min = (unsigned char)first;
    node->count = (unsigned short)(last - first + 1);
    table = make(world, node->count * sizeof(*table));
    memcpy(table, children + first, node->count * sizeof(*table));
    node->next = node->count == 1 ? (void *)children[byte] : table;
    return children[byte];
}

static void subscribe(struct world *world, const struct subscription *subscription)
{
    struct node *node = &world->socket.root;
    for (size_t i = 0; i < subscription->size; i++)
        node = find_child(world, node, subscription->topic[i]);
    if (!node->pipes)
        node->pipes = make(world, sizeof(struct set));
    struct set_node **place = &node->pipes->root;
    const struct pipe *pipe = &world->pipes[subscription->pipe];
    while (*place && (*place)->pipe != pipe)
        place = (uintptr_t)pipe < (uintptr_t)(*place)->pipe ? &(*place)->left : &(*place)->right;
    if (!*place) {
        *place = make(world, sizeof(struct set_node));
        (*place)->pipe = pipe;
    }
    world->subscriptions[world->n_subscriptions++] = *subscription;
}

/* Topics of few bytes, so that many meet; the outermost bytes among them. */
static size_t any_topic(unsigned char *topic)
{
    static const unsigned char bytes[] = {0, 1, 'a', 'b', 254, 255};
    size_t size = any(MAX_TOPIC);
    for (size_t i = 0; i < size; i++)
        topic[i] = bytes[any(sizeof(bytes))];
    return size;
}

static struct world *world_of(unsigned n_pipes)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->n_pipes = n_pipes;
    for (unsigned i = 0; i < n_pipes; i++) {
        world->pipes[i].state = any(8) == 0 ? any(6) : PIPE_STATE_ACTIVE;
        world->vector[i] = &world->pipes[i];
    }
    for (unsigned i = n_pipes; i-- > 1;) { /* in no order */
        unsigned other = any(i + 1);
        const struct pipe *pipe = world->vector[i];
        world->vector[i] = world->vector[other];
        world->vector[other] = pipe;
    }
    world->socket.begin = world->vector;
    world->socket.end = world->vector + n_pipes;
    world->socket.n_eligible = n_pipes && any(3) ? any(n_pipes + 1) : 0;
    for (unsigned i = 0; n_pipes && i < any(3 * n_pipes); i++) {
        struct subscription subscription = {.pipe = any(n_pipes)};
        subscription.size = any_topic(subscription.topic);
        subscribe(world, &subscription);
    }
    return world;
}

static void world_end(struct world *world)
{
    for (unsigned i = 0; i < world->n_blocks; i++)
        free(world->blocks[i]);
    free(world);
}

static bool has_subscribed(const struct world *world, unsigned pipe,
                           const struct publish_question *question)
{
    for (unsigned i = 0; i < world->n_subscriptions; i++) {
        const struct subscription *it = &world->subscriptions[i];
        if (it->pipe == pipe && it->size <= question->size &&
            memcmp(it->topic, question->topic, it->size) == 0)
            return true;
    }
    return false;
}

static uint32_t expected(const struct world *world, const struct publish_question *question)
{
    uint32_t n = 0;
    for (size_t i = world->socket.n_eligible; i < world->n_pipes; i++) {
        const struct pipe *pipe = world->vector[i];
        bool is_for_it = has_subscribed(world, (unsigned)(pipe - world->pipes), question);
        bool is_asked = question->only_pipe == 0 || question->only_pipe == (uintptr_t)pipe;
        n += pipe->state == PIPE_STATE_ACTIVE && is_asked && is_for_it != question->is_inverted;
    }
    return n;
}

static bool read_any(void *data, uintptr_t address, void *to, size_t size)
{
    unsigned *left = data;
    if (*left == 0)
        return false;
    --*left;
    memcpy(to, (const void *)address, size);
    return true;
}

/* The pipe whose turn it is, the set's order and the chunks' edges: sizes around 64 and 128. */
static void missed__any_publisher__is_the_plain_count(void **state)
{
    (void)state;
    static const unsigned sizes[] = {0, 1, 2, 3, 10, 63, 64, 65, 127, 128, 129, 193};
    uint32_t n_missed = 0;
    for (unsigned round = 0; round < 240; round++) {
        struct world *world = world_of(sizes[round % (sizeof(sizes) / sizeof(*sizes))]);
        for (unsigned i = 0; i < 40; i++) {
            unsigned char topic[MAX_TOPIC];
            struct publish_question question = {.socket = &world->socket, .topic = topic};
            question.size = any_topic(topic);
            question.is_inverted = any(4) == 0;
            if (world->n_pipes && any(4) == 0)
                question.only_pipe = (uintptr_t)&world->pipes[any(world->n_pipes)];
            uint32_t n = expected(world, &question);
            assert_int_equal(publish_missed_directly(&layout, &question), n);
            unsigned enough = UINT32_MAX;
            struct publish_view view = {&layout.publish, &layout, read_any, &enough};
            assert_int_equal(publish_missed(&view, &question), n);
            n_missed += n;
        }
        world_end(world);
    }
    assert_true(n_missed > 10000);
}

static void missed__all_full_and_for_all__is_all(void **state)
{
    (void)state;
    for (unsigned n = 0; n <= MAX_PIPES; n++) {
        struct world *world = world_of(n);
        world->socket.n_eligible = 0;
        for (unsigned i = 0; i < n; i++) { /* in no order: the set is no list */
            world->pipes[i].state = PIPE_STATE_ACTIVE;
            subscribe(world,
                      &(struct subscription){.pipe = (unsigned)(world->vector[i] - world->pipes)});
        }
        struct publish_question question = {.socket = &world->socket, .topic = ""};
        assert_int_equal(publish_missed_directly(&layout, &question), n);
        question.is_inverted = true;
        assert_int_equal(publish_missed_directly(&layout, &question), 0);
        question.is_inverted = false;
        world->socket.n_eligible = n + 1; /* of another moment than the vector */
        assert_int_equal(publish_missed_directly(&layout, &question), 0);
        world_end(world);
    }
}

/* With the memory gone from some read on, there is nothing that was surely missed but not counted
 * twice, and no word is used that was not read. */
static void missed__memory_goes_in_between__is_no_more_than_there_was(void **state)
{
    (void)state;
    struct world *world = world_of(70);
    world->socket.n_eligible = 3;
    for (unsigned i = 0; i < 40; i++) {
        unsigned char topic[MAX_TOPIC];
        struct publish_question question = {.socket = &world->socket, .topic = topic};
        question.size = any_topic(topic);
        uint32_t n = expected(world, &question), found = 0;
        for (unsigned limit = 0; limit < 3000; limit += 1 + limit / 16) {
            unsigned left = limit;
            struct publish_view view = {&layout.publish, &layout, read_any, &left};
            found = publish_missed(&view, &question);
            assert_true(found <= n);
            assert_true(limit >= 2 || found == 0);
        }
    }
    world_end(world);
}

/* A vector that cannot be one, and a set that has a ring: neither is walked for ever. */
static void missed__damaged__ends(void **state)
{
    (void)state;
    struct world *world = world_of(3);
    struct publish_question question = {.socket = &world->socket, .topic = ""};
    struct set_node ring = {.pipe = (const struct pipe *)8}, other = {.pipe = ring.pipe};
    struct set set = {.root = &ring};
    ring.left = ring.right = &other;
    other.left = other.right = &ring;
    world->socket.root = (struct node){.pipes = &set};
    world->socket.n_eligible = 0;
    for (unsigned i = 0; i < 3; i++)
        world->pipes[i].state = PIPE_STATE_ACTIVE;
    assert_int_equal(publish_missed_directly(&layout, &question), 0);
    world->socket.end = world->socket.begin + (1u << 20) + 1;
    assert_int_equal(publish_missed_directly(&layout, &question), 0);
    world_end(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missed__any_publisher__is_the_plain_count),
        cmocka_unit_test(missed__all_full_and_for_all__is_all),
        cmocka_unit_test(missed__memory_goes_in_between__is_no_more_than_there_was),
        cmocka_unit_test(missed__damaged__ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
