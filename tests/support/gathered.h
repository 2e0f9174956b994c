/* SPDX-License-Identifier: MPL-2.0 */
/* gathered - what policy_facts_gather() makes of sockets that the tap and the reader are played to
 * tell of: for one test, linked with --wrap of the functions below. */
#ifndef TESTS_SUPPORT_GATHERED_H
#define TESTS_SUPPORT_GATHERED_H

#include "collectors/peek/peek_sockets.h"
#include "collectors/policy/policy_facts.h"
#include "collectors/tap/tap_descriptors.h"
#include "collectors/tap/tap_sockets.h"

#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define N_WORDS SEGMENT_LANE_WORDS_MAX

/* A socket that is told of, with all that is borrowed for it. */
struct told {
    struct segment_group group;
    const struct segment_header *process;
    uint64_t words[N_WORDS];
    bool is_peeked;
};

static struct played {
    struct segment_header processes[4];
    struct told sockets[80];
    size_t n, n_more;            /* and so many more processes */
    int tap_result, peek_result; /* of the two sources, at their end */
    uint64_t used, limit;        /* descriptors */
    int descriptors_result;
    pid_t descriptors_pids[8];
    unsigned n_descriptors;
} played;

static struct policy_facts facts;

int __wrap_tap_sockets_each(const char *directory, int (*visit)(const struct tap_socket *, void *),
                            void *data);
int __wrap_peek_sockets_each(struct peek_link *link,
                             int (*visit)(const struct tap_socket *, void *), void *data);
int __wrap_tap_descriptors_read(int procfs_fd, pid_t pid, uint64_t *ret_open, uint64_t *ret_max);

static inline uint64_t own_namespace(void)
{
    struct stat status;
    assert_int_equal(stat("/proc/self/ns/pid", &status), 0);
    return status.st_ino;
}

static inline int tell(bool is_peeked, int (*visit)(const struct tap_socket *, void *), void *data)
{
    for (size_t i = 0; i < played.n; i++) {
        struct told *told = &played.sockets[i];
        const struct tap_socket socket = {.process = told->process,
                                          .group = &told->group,
                                          .type = tap_type_name(told->group.type),
                                          .words = told->words,
                                          .is_peeked = told->is_peeked,
                                          .is_contained = told->process->pid_namespace !=
                                                          own_namespace()};
        int r = told->is_peeked == is_peeked ? visit(&socket, data) : 0;
        if (r != 0)
            return r;
    }
    for (size_t i = 0; !is_peeked && i < played.n_more; i++) {
        const struct told *told = &played.sockets[0];
        played.processes[0].pid++;
        const struct tap_socket socket = {
            .process = told->process, .group = &told->group, .type = "PUSH", .words = told->words};
        assert_int_equal(visit(&socket, data), 0);
    }
    return 0;
}

int __wrap_tap_sockets_each(const char *directory, int (*visit)(const struct tap_socket *, void *),
                            void *data)
{
    assert_string_equal(directory, "/segments");
    int r = tell(false, visit, data);
    return r ? r : played.tap_result;
}

int __wrap_peek_sockets_each(struct peek_link *link,
                             int (*visit)(const struct tap_socket *, void *), void *data)
{
    assert_ptr_equal(link, &played);
    int r = tell(true, visit, data);
    return r ? r : played.peek_result;
}

int __wrap_tap_descriptors_read(int procfs_fd, pid_t pid, uint64_t *ret_open, uint64_t *ret_max)
{
    assert_true(fcntl(procfs_fd, F_GETFL) & O_PATH);
    assert_true(fcntl(procfs_fd, F_GETFD) & FD_CLOEXEC);
    assert_true(played.n_descriptors < 8);
    played.descriptors_pids[played.n_descriptors++] = pid;
    if (played.descriptors_result != 0)
        return played.descriptors_result;
    *ret_open = played.used;
    *ret_max = played.limit;
    return 0;
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&played, 0, sizeof(played));
    for (size_t i = 0; i < 4; i++) {
        struct segment_header *process = &played.processes[i];
        process->pid = 100 + i;
        process->pid_namespace = own_namespace();
        (void)snprintf(process->program, sizeof(process->program), "program%zu", i);
    }
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    policy_facts_finish(&facts);
    return 0;
}

/* One of process `i`, of which nothing is known yet. */
static inline struct told *add(size_t i, uint32_t type, const char *endpoint)
{
    struct told *told = &played.sockets[played.n++];
    assert_true(played.n <= sizeof(played.sockets) / sizeof(*played.sockets));
    told->process = &played.processes[i];
    told->group.type = type;
    (void)snprintf(told->group.endpoint, sizeof(told->group.endpoint), "%s", endpoint);
    for (size_t word = 0; word < N_WORDS; word++)
        told->words[word] = SEGMENT_UNKNOWN;
    told->words[SEGMENT_PROXIED] = told->words[SEGMENT_ATTACHED] = 0;
    return told;
}

static inline struct told *add_peeked(size_t i, uint32_t type, const char *endpoint)
{
    struct told *told = add(i, type, endpoint);
    told->is_peeked = true;
    return told;
}

static inline int try_gather(void)
{
    policy_facts_finish(&facts);
    return policy_facts_gather("/segments", (struct peek_link *)&played, &facts);
}

static inline void gather(void)
{
    assert_int_equal(try_gather(), 0);
}

static inline const struct policy_socket *find(const char *type, const char *endpoint)
{
    for (size_t i = 0; i < facts.n_sockets; i++) {
        const struct policy_socket *socket = facts.sockets[i];
        if (strcmp(socket->type, type) == 0 && strcmp(socket->endpoint, endpoint) == 0)
            return socket;
    }
    fail_msg("no %s at %s", type, endpoint);
    return NULL;
}

static inline void know(size_t process, unsigned capability, enum segment_capability_state state)
{
    played.processes[process].capabilities[capability].state = state;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
