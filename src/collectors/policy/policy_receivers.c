/* SPDX-License-Identifier: MPL-2.0 */
/* policy_receivers - which threads receive, and from which socket each of them did last. */
#include "base/cleanup.h"
#include "collectors/policy/policy_facts.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t received_ns(const struct policy_socket *socket)
{
    return policy_knows(socket, POLICY_LAST_RECEIVED_NS)
               ? policy_fact(socket, POLICY_LAST_RECEIVED_NS)
               : 0;
}

/* By thread, the latest first. What is not known is the greatest number, and comes last. */
static int compare(const void *a, const void *b)
{
    const struct policy_socket *left = *(struct policy_socket *const *)a;
    const struct policy_socket *right = *(struct policy_socket *const *)b;
    uint64_t one = policy_fact(left, POLICY_RECEIVER), other = policy_fact(right, POLICY_RECEIVER);
    if (one != other)
        return one < other ? -1 : 1;
    return (received_ns(left) < received_ns(right)) - (received_ns(left) > received_ns(right));
}

/* The sockets of one thread: the first received last. */
static void note_thread(struct policy_socket **sockets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sockets[i]->others_received_ns = i > 0   ? received_ns(sockets[0])
                                         : n > 1 ? received_ns(sockets[1])
                                                 : 0;
}

/* Those of which no thread is known: any other of the process. */
static void note_rest(struct policy_socket **sockets, size_t n, size_t n_known)
{
    uint64_t latest_ns = 0;
    for (size_t i = 0; i < n_known; i++)
        latest_ns = received_ns(sockets[i]) > latest_ns ? received_ns(sockets[i]) : latest_ns;
    note_thread(sockets + n_known, n - n_known);
    for (size_t i = n_known; i < n; i++) {
        if (sockets[i]->others_received_ns < latest_ns)
            sockets[i]->others_received_ns = latest_ns;
    }
}

static void note_process(struct policy_socket **sockets, size_t n)
{
    size_t first = 0, next;
    qsort(sockets, n, sizeof(*sockets), compare);
    for (; first < n && policy_knows(sockets[first], POLICY_RECEIVER); first = next) {
        uint64_t thread = policy_fact(sockets[first], POLICY_RECEIVER);
        for (next = first + 1; next < n && policy_fact(sockets[next], POLICY_RECEIVER) == thread;)
            next++;
        note_thread(&sockets[first], next - first);
    }
    note_rest(sockets, n, first);
}

int policy_receivers_find(struct policy_facts *facts)
{
    size_t n = facts->n_sockets;
    cleanup_free struct policy_socket **sockets = calloc(n + 1, sizeof(*sockets));
    if (!sockets)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        sockets[i] = facts->sockets[i];
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && sockets[next]->process == sockets[first]->process;)
            next++;
        note_process(&sockets[first], next - first);
    }
    return 0;
}
