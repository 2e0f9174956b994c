/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: the segments are read by themselves (collectors/tap/tap_sockets.h), not through the tap
 * collector, whose groups are sums: a check asks how one socket is set up. So policy shares no
 * state with another thread, and `audit` works where no exporter runs.
 */
#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "collectors/peek/host_sockets.h"
#include "collectors/policy/policy_facts.h"
#include "collectors/tap/tap_descriptors.h"
#include "collectors/tap/tap_sockets.h"
#include "collectors/tap/tap_types.h"
#include "collectors/tap/tap_unseen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ZAP_ENDPOINT  "inproc://zeromq.zap.01"
#define LINK_ENDS_MAX 64u /* of one address that are compared with each other */
#define KEY_SIZE      300u

static const struct {
    uint16_t word, capability;
} rows[POLICY_N_FACTS] = {
#define X(name, word, capability) {word, capability},
    POLICY_FACTS(X)
#undef X
};

struct gathering {
    struct policy_facts *facts;
    int procfs_fd;
    uint64_t pid_namespace, now_ns;
};

static bool is_measured(const struct tap_socket *socket, unsigned capability, unsigned traits)
{
    if (capability == POLICY_ALWAYS)
        return true;
    if (capability == POLICY_DROPS && (traits & TAP_TYPE_PUBLISHES))
        capability = SEGMENT_CAPABILITY_PUBLISH_DROPS;
    else if (capability == POLICY_DROPS && (traits & TAP_TYPE_ROUTES))
        capability = SEGMENT_CAPABILITY_ROUTER_DROPS;
    else if (capability == POLICY_DROPS)
        return false;
    uint32_t state = socket->process->capabilities[capability].state;
    return state == SEGMENT_CAPABILITY_ON || state == SEGMENT_CAPABILITY_BOUND;
}

/* Of a program without a tap. What calls it made, and what came of them, is not seen. */
static bool is_told_by_reader(size_t fact)
{
    return fact == POLICY_PEERS || fact == POLICY_SEND_HWM || fact == POLICY_RECEIVE_HWM ||
           fact == POLICY_LINGER || fact == POLICY_SNDTIMEO || fact == POLICY_RCVTIMEO ||
           fact == POLICY_MAXMSGSIZE || fact == POLICY_HEARTBEAT_IVL || fact == POLICY_CONFLATE ||
           fact == POLICY_MECHANISM || fact == POLICY_TCP_KEEPALIVE ||
           fact == POLICY_HANDSHAKE_IVL || fact == POLICY_CURVE_SERVER ||
           fact == POLICY_SENT_MESSAGES || fact == POLICY_RECEIVED_MESSAGES;
}

static void take_facts(const struct tap_socket *socket, struct policy_socket *ret_socket)
{
    const struct tap_unseen unseen = {
        .type = socket->group->type,
        .is_proxied = socket->words[SEGMENT_PROXIED] != 0,
        .is_attached = socket->words[SEGMENT_ATTACHED] != 0,
        .is_queue_depth_known = is_measured(socket, SEGMENT_CAPABILITY_QUEUE_DEPTH, 0)};
    for (size_t i = 0; i < POLICY_N_FACTS; i++) {
        bool is_known = (!socket->is_peeked || is_told_by_reader(i)) &&
                        is_measured(socket, rows[i].capability, ret_socket->traits) &&
                        (rows[i].capability == POLICY_ALWAYS ||
                         !tap_unseen_hides(&unseen, rows[i].word));
        ret_socket->facts[i] = is_known ? socket->words[rows[i].word] : SEGMENT_UNKNOWN;
    }
}

/* Over a limit of nothing is nothing known. */
static bool is_nearer(const struct policy_usage *self, uint64_t used, uint64_t limit)
{
    return limit && (!self->is_known ||
                     (double)used / (double)limit > (double)self->used / (double)self->limit);
}

static void take_contexts(const struct segment_header *header, struct policy_process *process)
{
    struct policy_usage *usage = &process->context_sockets;
    for (size_t i = 0; i < header->n_contexts; i++) {
        const struct segment_context *context = &header->contexts[i];
        if (context->is_open && is_nearer(usage, context->n_sockets, context->max_sockets))
            *usage = (struct policy_usage){context->n_sockets, context->max_sockets, true};
    }
}

static void take_libraries(const struct segment_header *header, struct policy_process *process)
{
    for (size_t i = 0; i < header->n_libraries; i++) {
        const struct segment_library *told = &header->libraries[i];
        struct policy_library *library = &process->libraries[process->n_libraries++];
        *library = (struct policy_library){told->version_major, told->version_minor,
                                           told->version_patch, ""};
        (void)snprintf(library->path, sizeof(library->path), "%.*s", (int)sizeof(told->path) - 1,
                       told->path);
    }
}

static void take_errors(const struct segment_header *header, struct policy_process *process)
{
    uint32_t state = header->capabilities[SEGMENT_CAPABILITY_MISUSE].state;
    process->are_api_errors_known = state == SEGMENT_CAPABILITY_ON ||
                                    state == SEGMENT_CAPABILITY_BOUND;
    memcpy(process->api_errors, header->api_errors, sizeof(process->api_errors));
}

/* Whether the last one that was added is it. */
static bool is_last(const struct policy_facts *facts, const struct tap_socket *socket)
{
    if (facts->n_processes == 0)
        return false;
    const struct policy_process *last = &facts->processes[facts->n_processes - 1];
    return last->pid == socket->process->pid && last->is_untapped == socket->is_peeked &&
           strcmp(last->program, socket->process->program) == 0;
}

/* False: there are too many. */
static bool add_process(struct gathering *self, const struct tap_socket *socket)
{
    const struct segment_header *header = socket->process;
    struct policy_facts *facts = self->facts;
    if (is_last(facts, socket))
        return true;
    if (facts->n_processes == facts->processes_capacity)
        return false;
    struct policy_process *process = &facts->processes[facts->n_processes++];
    *process = (struct policy_process){.pid = header->pid, .is_untapped = socket->is_peeked};
    (void)snprintf(process->program, sizeof(process->program), "%s", header->program);
    process->is_reachable = self->procfs_fd >= 0 &&
                            (socket->is_peeked || header->pid_namespace == self->pid_namespace);
    take_contexts(header, process);
    take_libraries(header, process);
    take_errors(header, process);
    if (process->is_reachable)
        process->descriptors.is_known = tap_descriptors_read(self->procfs_fd, (pid_t)header->pid,
                                                             &process->descriptors.used,
                                                             &process->descriptors.limit) == 0;
    return true;
}

static int add_socket(struct policy_facts *facts, struct policy_socket *socket)
{
    if (!array_make_room(&facts->sockets, &facts->sockets_capacity, facts->n_sockets,
                         sizeof(*facts->sockets)))
        return -ENOMEM;
    facts->sockets[facts->n_sockets++] = socket;
    return 0;
}

/* Of a socket without a tap one address is known, and a handler may have another one besides. */
static bool may_be_handler(const struct policy_socket *socket)
{
    static const char *const types[] = {"REP", "ROUTER", "SERVER"}; /* zap_client.cpp, 4.2.5 on */
    bool is_answering = false;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        is_answering |= strcmp(socket->type, types[i]) == 0;
    return is_answering && socket->process->is_untapped && socket->context < SEGMENT_MAX_CONTEXTS;
}

static void note_answering(struct policy_process *process, const struct policy_socket *socket)
{
    if (!may_be_handler(socket))
        return;
    uint64_t bit = UINT64_C(1) << socket->context;
    process->several_answer |= process->one_answers & bit;
    process->one_answers |= bit;
}

static int visit(const struct tap_socket *socket, void *data)
{
    struct gathering *self = data;
    if (!add_process(self, socket))
        return 0;
    struct policy_process *process = &self->facts->processes[self->facts->n_processes - 1];
    uint64_t context = socket->words[SEGMENT_CONTEXT];
    if (strcmp(socket->group->endpoint, ZAP_ENDPOINT) == 0 && context < SEGMENT_MAX_CONTEXTS) {
        /* The library asks it by a socket of its own; it is no link of the program's. */
        process->zap_contexts |= UINT64_C(1) << context;
        return 0;
    }
    struct policy_socket *kept = calloc(1, sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    kept->process = process;
    kept->type = socket->type;
    kept->traits = tap_type_traits(socket->group->type);
    kept->peer_hwm = SEGMENT_UNKNOWN;
    kept->now_ns = self->now_ns;
    kept->serial = socket->words[SEGMENT_SERIAL];
    (void)snprintf(kept->endpoint, sizeof(kept->endpoint), "%.*s", (int)sizeof(kept->endpoint) - 1,
                   socket->group->endpoint);
    kept->place = policy_place_of(kept->endpoint);
    take_facts(socket, kept);
    kept->context = context;
    note_answering(process, kept);
    int r = add_socket(self->facts, kept);
    if (r < 0)
        free(kept);
    return r;
}

static enum policy_zap zap_of(const struct policy_socket *socket)
{
    const struct policy_process *process = socket->process;
    if (socket->context >= SEGMENT_MAX_CONTEXTS)
        return process->is_untapped ? POLICY_ZAP_UNKNOWN : POLICY_ZAP_NONE;
    uint64_t bit = UINT64_C(1) << socket->context;
    if (process->zap_contexts & bit)
        return POLICY_ZAP_HANDLER;
    bool may_another = may_be_handler(socket) ? (process->several_answer & bit) != 0
                                              : (process->one_answers & bit) != 0;
    return may_another ? POLICY_ZAP_UNKNOWN : POLICY_ZAP_NONE;
}

static void find_zap_handlers(struct policy_facts *facts)
{
    for (size_t i = 0; i < facts->n_sockets; i++)
        facts->sockets[i]->zap = zap_of(facts->sockets[i]);
}

/*
 * Links on this host: one end is bound, the other connected, to the same port or path.
 */
struct end {
    char key[KEY_SIZE];
    struct policy_socket *socket;
};

static bool link_key(const struct policy_socket *socket, char ret_key[static KEY_SIZE])
{
    const char *colon = strrchr(socket->endpoint, ':'); /* that of "tcp://" at least */
    if (socket->place.transport == POLICY_IPC)
        return snprintf(ret_key, KEY_SIZE, "%s", socket->endpoint) < (int)KEY_SIZE;
    bool is_here = socket->place.transport == POLICY_TCP && socket->place.reach != POLICY_BEYOND;
    return is_here && strcmp(colon, ":*") != 0 && strcmp(colon, ":0") != 0 &&
           snprintf(ret_key, KEY_SIZE, "tcp%s", colon) < (int)KEY_SIZE;
}

static int compare_ends(const void *a, const void *b)
{
    return strcmp(((const struct end *)a)->key, ((const struct end *)b)->key);
}

static bool is_link(const struct policy_socket *sender, const struct policy_socket *receiver)
{
    return (sender->traits & TAP_TYPE_SENDS) && (receiver->traits & TAP_TYPE_RECEIVES) &&
           policy_knows(sender, POLICY_BINDS) && policy_knows(receiver, POLICY_BINDS) &&
           (policy_fact(sender, POLICY_BINDS) > 0) != (policy_fact(receiver, POLICY_BINDS) > 0) &&
           policy_knows(receiver, POLICY_RECEIVE_HWM);
}

/* Of several receivers the one with the lowest mark; 0 is without limit. */
static void link_run(struct end *ends, size_t n)
{
    n = n < LINK_ENDS_MAX ? n : LINK_ENDS_MAX;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            struct policy_socket *sender = ends[i].socket;
            if (!is_link(sender, ends[j].socket))
                continue;
            uint64_t hwm = policy_fact(ends[j].socket, POLICY_RECEIVE_HWM);
            if (sender->peer_hwm == SEGMENT_UNKNOWN || sender->peer_hwm == 0 ||
                (hwm && hwm < sender->peer_hwm))
                sender->peer_hwm = hwm;
        }
    }
}

static int find_links(struct policy_facts *facts)
{
    cleanup_free struct end *ends = calloc(facts->n_sockets + 1, sizeof(*ends));
    size_t n = 0;
    if (!ends)
        return -ENOMEM;
    for (size_t i = 0; i < facts->n_sockets; i++) {
        ends[n].socket = facts->sockets[i];
        n += link_key(facts->sockets[i], ends[n].key);
    }
    qsort(ends, n, sizeof(*ends), compare_ends);
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first; next < n && strcmp(ends[first].key, ends[next].key) == 0;)
            next++;
        link_run(&ends[first], next - first);
    }
    return 0;
}

static int compare_sockets(const void *a, const void *b)
{
    const struct policy_socket *left = *(struct policy_socket *const *)a;
    const struct policy_socket *right = *(struct policy_socket *const *)b;
    int r = strcmp(left->process->program, right->process->program);
    if (r == 0)
        r = strcmp(left->type, right->type);
    if (r == 0)
        r = strcmp(left->endpoint, right->endpoint);
    if (r == 0)
        r = (left->process->pid > right->process->pid) - (left->process->pid < right->process->pid);
    return r;
}

#define PROCESSES_MAX 4096u

int policy_facts_gather(const char *directory, struct peek_link *peek,
                        struct policy_facts *ret_facts)
{
    struct policy_facts facts = {.processes = calloc(PROCESSES_MAX, sizeof(*facts.processes)),
                                 .processes_capacity = PROCESSES_MAX};
    cleanup_fd int procfs_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct gathering gathering = {
        .facts = &facts, .procfs_fd = procfs_fd, .now_ns = clock_realtime_ns()};
    struct stat status;
    if (stat("/proc/self/ns/pid", &status) == 0)
        gathering.pid_namespace = status.st_ino;
    int r = facts.processes
                ? host_sockets_each(directory, peek, visit, &gathering, &facts.directory_result)
                : -ENOMEM;
    if (r == 0) {
        find_zap_handlers(&facts);
        r = find_links(&facts);
    }
    if (r == 0) {
        r = policy_receivers_find(&facts);
    }
    if (r < 0) {
        policy_facts_finish(&facts);
        return r;
    }
    if (facts.n_sockets)
        qsort(facts.sockets, facts.n_sockets, sizeof(*facts.sockets), compare_sockets);
    *ret_facts = facts;
    return 0;
}

void policy_facts_finish(struct policy_facts *self)
{
    for (size_t i = 0; i < self->n_sockets; i++)
        free(self->sockets[i]);
    free(self->sockets);
    free(self->processes);
    *self = (struct policy_facts){0};
}
