/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/route_layout.h"

#include "tap/learned/pipe_lab.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define N_WORDS  (LAB_OBJECT_SIZE / sizeof(uintptr_t))
#define N_PEERS  2
#define N_ROUNDS 6
#define HWM      50 /* more than is sent */

/* A socket and what its words were while it had nothing to send, or a peer's message. */
struct observation {
    bool is_possible[N_WORDS];
    uintptr_t pipes[N_PEERS][N_WORDS]; /* first seen while that peer's message was under way */
};

static void copy_socket(struct pipe_lab *lab, const void *socket,
                        uintptr_t ret_words[static N_WORDS])
{
    pipe_lab_read(lab, (uintptr_t)socket, (unsigned char *)ret_words, LAB_OBJECT_SIZE);
}

static bool is_pipe_of(const uintptr_t *words, uint32_t vector, uintptr_t value)
{
    const uintptr_t *begin = (const uintptr_t *)words[vector / sizeof(uintptr_t)];
    const uintptr_t *end = (const uintptr_t *)words[vector / sizeof(uintptr_t) + 1];
    for (; begin < end; begin++) {
        if (*begin == value)
            return true;
    }
    return false;
}

static void require_no_pipe(struct pipe_lab *lab, const void *socket, struct observation *seen)
{
    static uintptr_t words[N_WORDS];
    copy_socket(lab, socket, words);
    for (size_t i = 0; i < N_WORDS; i++)
        seen->is_possible[i] = seen->is_possible[i] && words[i] == 0;
}

/* The peer's pipe: one of the socket's, always the same, and not the other peer's. */
static void require_pipe(struct pipe_lab *lab, const void *socket, uint32_t vector, int peer,
                         struct observation *seen)
{
    static uintptr_t words[N_WORDS];
    copy_socket(lab, socket, words);
    for (size_t i = 0; i < N_WORDS; i++) {
        uintptr_t *known = &seen->pipes[peer][i];
        if (*known == 0)
            *known = words[i];
        seen->is_possible[i] = seen->is_possible[i] && words[i] == *known &&
                               is_pipe_of(words, vector, words[i]) &&
                               words[i] != seen->pipes[1 - peer][i];
    }
}

static bool send_frame(struct pipe_lab *lab, void *socket, const char *bytes, int flags)
{
    return lab->library->send(socket, bytes, strlen(bytes), ZMQ_DONTWAIT | flags) >= 0;
}

static const char *const ids[N_PEERS] = {"one", "other"};

static bool observe_rounds(struct pipe_lab *lab, void *router, uint32_t vector,
                           struct observation *seen)
{
    pipe_lab_process_commands(lab, router);
    for (int i = 0; i < N_ROUNDS; i++) {
        int peer = i % 3 == 1; /* 0 1 0 0 1 0 */
        require_no_pipe(lab, router, seen);
        if (!send_frame(lab, router, ids[peer], ZMQ_SNDMORE))
            return false;
        require_pipe(lab, router, vector, peer, seen);
        if (!send_frame(lab, router, "content", 0))
            return false;
    }
    require_no_pipe(lab, router, seen);
    return true;
}

static bool observe_router(struct pipe_lab *lab, uint32_t vector, struct observation *seen)
{
    void *peers[N_PEERS] = {NULL};
    void *router = pipe_lab_socket(lab, ZMQ_ROUTER, HWM, HWM);
    bool is_ready = router && pipe_lab_set(lab, router, ZMQ_ROUTER_MANDATORY, 1);
    for (int i = 0; i < N_PEERS && is_ready; i++) {
        peers[i] = pipe_lab_socket(lab, ZMQ_DEALER, HWM, HWM);
        is_ready = peers[i] &&
                   lab->library->setsockopt(peers[i], ZMQ_ROUTING_ID, ids[i], strlen(ids[i])) ==
                       0 &&
                   pipe_lab_connect(lab, peers[i], router, false);
    }
    is_ready = is_ready && observe_rounds(lab, router, vector, seen);
    for (int i = 0; i < N_PEERS; i++)
        pipe_lab_close_socket(lab, &peers[i]);
    pipe_lab_close_socket(lab, &router);
    return is_ready;
}

static bool find_single(const struct observation *seen, uint32_t *ret_offset)
{
    size_t n_found = 0;
    for (size_t i = 0; i < N_WORDS; i++) {
        if (!seen->is_possible[i])
            continue;
        n_found++;
        *ret_offset = (uint32_t)(i * sizeof(uintptr_t));
    }
    return n_found == 1;
}

/* The same place in a REP, from the request to the reply. */
static bool prove_on_rep(struct pipe_lab *lab, uint32_t vector, uint32_t offset)
{
    static uintptr_t idle[N_WORDS], busy[N_WORDS], done[N_WORDS];
    void *req = pipe_lab_socket(lab, ZMQ_REQ, HWM, HWM);
    void *rep = pipe_lab_socket(lab, ZMQ_REP, HWM, HWM);
    bool is_done = req && rep && pipe_lab_connect(lab, req, rep, false) &&
                   send_frame(lab, req, "question", 0);
    if (is_done)
        copy_socket(lab, rep, idle);
    is_done = is_done && pipe_lab_receive(lab, rep, 1) == 1;
    if (is_done)
        copy_socket(lab, rep, busy);
    is_done = is_done && send_frame(lab, rep, "answer", 0);
    if (is_done)
        copy_socket(lab, rep, done);
    pipe_lab_close_socket(lab, &req);
    bool is_proved = is_done && idle[offset / sizeof(uintptr_t)] == 0 &&
                     is_pipe_of(busy, vector, busy[offset / sizeof(uintptr_t)]) &&
                     done[offset / sizeof(uintptr_t)] == 0;
    pipe_lab_close_socket(lab, &rep);
    return is_proved;
}

/*
 * Messages
 */
static bool make_message(const struct library *library, size_t size, int filling,
                         unsigned char ret_bytes[static sizeof(struct tap_message)])
{
    struct tap_message message;
    memset(&message, filling, sizeof(message));
    if (library->msg_init_size(&message, size) != 0)
        return false;
    memset(library->msg_data(&message), filling, size);
    memcpy(ret_bytes, &message, sizeof(message));
    library->msg_close(&message);
    return true;
}

/* After libzmq has dropped a small message its bytes are still where they were. */
static bool is_content_kept(struct pipe_lab *lab)
{
    static const char id[] = "of nobody";
    const struct library *library = lab->library;
    struct tap_message message;
    void *router = pipe_lab_socket(lab, ZMQ_ROUTER, HWM, HWM);
    bool is_kept = router && library->msg_init_size(&message, sizeof(id)) == 0;
    if (is_kept) {
        memcpy(library->msg_data(&message), id, sizeof(id));
        is_kept = library->msg_send(&message, router, ZMQ_DONTWAIT | ZMQ_SNDMORE) ==
                      (int)sizeof(id) &&
                  memcmp(library->msg_data(&message), id, sizeof(id)) == 0;
        library->msg_close(&message);
    }
    pipe_lab_close_socket(lab, &router);
    return is_kept;
}

/* A byte that is one number in messages of a few bytes and another in long ones. What no message
 * sets is `filling`, which changes. */
static void find_message_kind(const struct library *library, struct route_layout *layout)
{
    static const size_t small_sizes[] = {0, 1, 20}, large_sizes[] = {200, 5000, 70000};
    unsigned char small[3][sizeof(struct tap_message)], large[3][sizeof(struct tap_message)];
    size_t n_found = 0;
    for (int i = 0; i < 3; i++) {
        if (!make_message(library, small_sizes[i], 0x11 * (i + 1), small[i]) ||
            !make_message(library, large_sizes[i], 0x10 * (i + 1), large[i]))
            return;
    }
    for (uint32_t at = 0; at < sizeof(struct tap_message); at++) {
        bool is_same = small[0][at] == small[1][at] && small[1][at] == small[2][at] &&
                       large[0][at] == large[1][at] && large[1][at] == large[2][at];
        if (!is_same || small[0][at] == large[0][at] || small[0][at] == 0 || large[0][at] == 0)
            continue;
        n_found++;
        layout->message_kind = at;
        layout->small_kind = small[0][at];
    }
    if (n_found != 1)
        layout->small_kind = 0; /* no message is: see above */
}

static const char *calibrate_routes(struct pipe_lab *lab, uint32_t vector,
                                    struct route_layout *layout)
{
    static struct observation seen[2];
    uint32_t offsets[2];
    for (int i = 0; i < 2; i++) {
        seen[i] = (struct observation){{0}};
        memset(seen[i].is_possible, true, sizeof(seen[i].is_possible));
        if (!observe_router(lab, vector, &seen[i]))
            return "a ROUTER went another way";
        if (!find_single(&seen[i], &offsets[i]))
            return "no single place for the current pipe";
    }
    if (offsets[0] != offsets[1] || !prove_on_rep(lab, vector, offsets[0]))
        return "the current pipe is not proved";
    layout->current_out = offsets[0];
    return NULL;
}

void route_layout_calibrate(const struct library *library, const struct pipe_layout *pipes,
                            struct route_layout *ret_layout)
{
    struct pipe_lab lab;
    *ret_layout = (struct route_layout){0};
    const char *reason = pipes->is_known ? pipe_lab_open(library, &lab) : pipes->reason;
    if (!reason) {
        reason = calibrate_routes(&lab, pipes->pipes, ret_layout);
        if (is_content_kept(&lab))
            find_message_kind(library, ret_layout);
        pipe_lab_close(&lab);
    }
    ret_layout->is_known = reason == NULL;
    if (reason)
        snprintf(ret_layout->reason, sizeof(ret_layout->reason), "%s", reason);
}
