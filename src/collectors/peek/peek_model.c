/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_model.h"

#include "collectors/tap/tap_types.h"
#include "segment/segment_fill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH  (UINT64_C(1) << 40) /* more is not a count, nor a pass's */
#define MAX_AGE_NS (UINT64_C(1) << 62)

static void free_process(struct peek_model_process *process)
{
    if (!process)
        return;
    free(process->groups);
    free(process->sockets);
    free(process->incoming);
    free(process);
}

void peek_model_finish(struct peek_model *self)
{
    for (size_t i = 0; i < self->n_processes; i++)
        free_process(self->processes[i]);
    free(self->processes);
    free(self->libraries.items);
    free(self->libraries.incoming);
    peek_told_finish(&self->told);
    *self = (struct peek_model){.processes = NULL};
}

void peek_model_clean(struct peek_model *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_processes; i++) {
        if (self->processes[i]->is_gone)
            free_process(self->processes[i]);
        else
            self->processes[n++] = self->processes[i];
    }
    self->n_processes = n;
}

void peek_model_restart(struct peek_model *self)
{
    self->current = NULL;
    self->are_libraries_due = false;
    self->looking_pid = 0;
    self->has_pass = false;
    peek_told_restart(&self->told);
    for (size_t i = 0; i < self->n_processes; i++) {
        struct peek_model_process *process = self->processes[i];
        process->is_fresh = true;
        process->is_known = false;
        process->n_sockets = process->n_incoming = 0;
        process->passed_ns = 0;
    }
}

struct peek_model_process *peek_model_find(const struct peek_model *self, uint32_t pid,
                                           uint64_t start_ticks)
{
    for (size_t i = 0; i < self->n_processes; i++) {
        struct peek_model_process *process = self->processes[i];
        if (!process->is_gone && process->pid == pid && process->start_ticks == start_ticks)
            return process;
    }
    return NULL;
}

static struct peek_model_process *find(const struct peek_model *self,
                                       const struct peek_record_process *told)
{
    return peek_model_find(self, told->pid, told->start_ticks);
}

static struct peek_model_process *add_process(struct peek_model *self,
                                              const struct peek_record_process *told)
{
    if (self->n_processes == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        struct peek_model_process **processes = reallocarray(self->processes, capacity,
                                                             sizeof(*processes));
        if (!processes)
            return NULL;
        self->processes = processes;
        self->capacity = capacity;
    }
    struct peek_model_process *process = calloc(1, sizeof(*process));
    if (!process)
        return NULL;
    process->pid = told->pid;
    process->start_ticks = told->start_ticks;
    process->id = ++self->n_ids;
    memcpy(process->program, told->program, sizeof(process->program));
    self->processes[self->n_processes++] = process;
    return process;
}

/*
 * Groups
 */
static struct peek_model_group *add_group(struct peek_model_process *process)
{
    if (process->n_groups == process->groups_capacity) {
        size_t capacity = process->groups_capacity ? 2 * process->groups_capacity : 8;
        struct peek_model_group *groups = reallocarray(process->groups, capacity, sizeof(*groups));
        if (!groups)
            return NULL;
        process->groups = groups;
        process->groups_capacity = capacity;
    }
    struct peek_model_group *group = &process->groups[process->n_groups++];
    memset(group, 0, sizeof(*group));
    tap_account_clear(&group->account);
    return group;
}

static struct peek_model_group *find_group(struct peek_model_process *process,
                                           const struct segment_group *name)
{
    for (size_t i = 0; i < process->n_groups; i++) {
        const struct segment_group *group = &process->groups[i].name;
        if (group->type == name->type && group->is_other == name->is_other &&
            strcmp(group->endpoint, name->endpoint) == 0)
            return &process->groups[i];
    }
    return NULL;
}

static struct peek_model_group *group_of(struct peek_model_process *process,
                                         const struct peek_record_socket *socket)
{
    struct segment_group name = {.type = socket->type};
    static_assert(sizeof(name.endpoint) > PEEK_RECORD_ENDPOINT, "room for an endpoint");
    memcpy(name.endpoint, socket->endpoint, PEEK_RECORD_ENDPOINT);
    struct peek_model_group *group = find_group(process, &name);
    if (!group && process->n_groups >= PEEK_MODEL_MAX_GROUPS) {
        name = (struct segment_group){.type = socket->type, .is_other = 1};
        memcpy(name.endpoint, "(other)", sizeof("(other)"));
        group = find_group(process, &name);
    }
    if (!group) {
        group = add_group(process);
        if (group)
            group->name = name;
    }
    return group;
}

/*
 * A pass over a process's sockets, when all of them are here
 */
static int compare_serials(const void *a, const void *b)
{
    const struct peek_model_socket *one = a, *other = b;
    return one->now.serial < other->now.serial ? -1 : one->now.serial > other->now.serial;
}

const struct peek_model_socket *peek_model_find_socket(const struct peek_model_process *process,
                                                       uint64_t serial)
{
    const struct peek_model_socket wanted = {.now.serial = serial};
    return process->n_sockets == 0 ? NULL
                                   : bsearch(&wanted, process->sockets, process->n_sockets,
                                             sizeof(wanted), compare_serials);
}

static uint64_t moved(uint64_t more)
{
    return more < MAX_DEPTH ? more : 0;
}

/* A lane that holds what is new of the socket, as a tap would have written it. */
static void add_to_group(struct peek_model_group *group, const struct peek_model_socket *socket,
                         uint64_t elapsed_ns)
{
    struct segment_lane lane;
    const struct peek_record_socket *now = &socket->now;
    uint64_t *words = lane.words;
    peek_model_fill_lane(&lane, now);
    words[SEGMENT_SENT_MESSAGES] = moved(now->n_written_more);
    words[SEGMENT_RECEIVED_MESSAGES] = moved(now->n_read_more);
    if (now->is_valid && !now->is_closed) {
        segment_fill_count(&words[SEGMENT_SEND_FILL_BASE], now->send_fullest);
        segment_fill_count(&words[SEGMENT_RECEIVE_FILL_BASE], now->receive_fullest);
        if (now->n_send_full > 0)
            words[SEGMENT_SEND_AT_HWM_NS] = elapsed_ns;
    }
    if (now->is_closed) {
        group->n_lingering++;
        group->lingering_messages += now->is_valid ? now->send_queue : 0;
    }
    tap_account_add_lane(&group->account, &lane);
}

/* The reader before may have seen more, or less, than this one. */
static void keep_greater(struct peek_model_process *process)
{
    for (size_t i = 0; i < process->n_groups; i++) {
        struct peek_model_group *group = &process->groups[i];
        for (size_t j = 0; j < TAP_N_COUNTERS; j++) {
            if (group->account.counters[j] < group->former[j])
                group->account.counters[j] = group->former[j];
        }
    }
    process->is_fresh = false;
}

static void begin_counts(struct peek_model_process *process)
{
    for (size_t i = 0; i < process->n_groups; i++) {
        struct peek_model_group *group = &process->groups[i];
        tap_account_clear_gauges(&group->account);
        group->n_lingering = 0;
        group->lingering_messages = 0;
        if (!process->is_fresh)
            continue;
        memcpy(group->former, group->account.counters, sizeof(group->former));
        memset(group->account.counters, 0, sizeof(group->account.counters));
    }
}

static int end_process(struct peek_model_process *process, uint64_t now_ns)
{
    uint64_t elapsed_ns = process->passed_ns ? now_ns - process->passed_ns : 0;
    if (elapsed_ns > PEEK_MODEL_MAX_GAP_NS)
        elapsed_ns = 0;
    begin_counts(process);
    if (process->n_incoming)
        qsort(process->incoming, process->n_incoming, sizeof(*process->incoming), compare_serials);
    int r = 0;
    for (size_t i = 0; i < process->n_incoming; i++) {
        struct peek_model_socket *socket = &process->incoming[i];
        struct peek_model_group *group = group_of(process, &socket->now);
        if (!group) {
            r = -ENOMEM;
            continue;
        }
        socket->group = (uint32_t)(group - process->groups);
        add_to_group(group, socket, elapsed_ns);
    }
    if (process->is_fresh)
        keep_greater(process);
    free(process->sockets);
    process->sockets = process->incoming;
    process->n_sockets = process->n_incoming;
    process->incoming = NULL;
    process->n_incoming = 0;
    process->passed_ns = now_ns;
    return r;
}

/*
 * Records
 */
static int take_process(struct peek_model *self, const struct peek_record_process *told,
                        uint64_t now_ns)
{
    if (told->pid == 0 || told->pid > INT32_MAX || told->reason >= PEEK_N_REASONS ||
        told->n_sockets > PEEK_MAX_SOCKETS || told->is_without_tap > 1 || !*told->program ||
        !memchr(told->program, '\0', sizeof(told->program)))
        return PEEK_MODEL_E_BAD;
    struct peek_model_process *process = find(self, told);
    if (!process && self->n_processes >= 2 * (size_t)PEEK_MAX_PROCESSES)
        return 0; /* those that are gone are forgotten soon */
    if (!process)
        process = add_process(self, told);
    if (!process)
        return -ENOMEM;
    process->reason = told->reason;
    process->told = *told;
    process->is_known = true;
    self->n_invalid += told->n_invalid;
    if (told->reason != PEEK_REASON_NONE) {
        process->passed_ns = 0;
        return 0;
    }
    free(process->incoming);
    process->n_incoming = 0;
    process->incoming = malloc((told->n_sockets + 1) * sizeof(*process->incoming));
    if (!process->incoming)
        return -ENOMEM;
    if (told->n_sockets == 0)
        return end_process(process, now_ns);
    self->current = process;
    return 0;
}

static bool is_gauge(uint64_t value)
{
    return value == PEEK_RECORD_UNKNOWN || value < MAX_DEPTH;
}

static bool is_age(uint64_t value)
{
    return value == PEEK_RECORD_UNKNOWN || value < MAX_AGE_NS;
}

static bool is_choice(uint64_t value, uint64_t greatest)
{
    return value == PEEK_RECORD_UNKNOWN || value <= greatest;
}

static bool are_options(const struct peek_options *options)
{
    return is_choice(options->mechanism, 3) && is_choice(options->is_server, 1) &&
           is_choice(options->conflate, 1) && is_choice(options->immediate, 1);
}

static bool is_socket(const struct peek_record_socket *socket)
{
    return socket->serial != 0 && socket->type < SEGMENT_N_TYPES && socket->is_closed <= 1 &&
           socket->is_valid <= 1 && is_gauge(socket->send_queue) &&
           is_gauge(socket->receive_queue) && is_gauge(socket->send_fullest) &&
           is_gauge(socket->receive_fullest) && is_age(socket->send_age_ns) &&
           is_age(socket->receive_age_ns) && socket->send_hwm <= UINT32_MAX &&
           socket->receive_hwm <= UINT32_MAX && are_options(&socket->options) &&
           is_gauge(socket->context) && socket->n_inproc <= socket->n_pipes &&
           memchr(socket->endpoint, '\0', sizeof(socket->endpoint));
}

static int take_socket(struct peek_model *self, const struct peek_record_socket *socket,
                       uint64_t now_ns)
{
    struct peek_model_process *process = self->current;
    if (!process || !is_socket(socket))
        return PEEK_MODEL_E_BAD;
    struct peek_model_socket *to = &process->incoming[process->n_incoming++];
    *to = (struct peek_model_socket){.now = *socket};
    if (process->n_incoming < process->told.n_sockets)
        return 0;
    self->current = NULL;
    return end_process(process, now_ns);
}

static int take_gone(struct peek_model *self, const struct peek_record_process *told)
{
    struct peek_model_process *process = find(self, told);
    if (process)
        process->is_gone = true;
    return 0;
}

/* What a new reader has not told in its first pass is gone. */
static int take_pass(struct peek_model *self, const struct peek_record_pass *pass)
{
    for (size_t i = 0; i < self->n_processes; i++) {
        if (!self->processes[i]->is_known)
            self->processes[i]->is_gone = true;
    }
    self->pass = *pass;
    self->has_pass = true;
    self->looking_pid = 0;
    self->n_passes++;
    peek_told_end_pass(&self->told, pass);
    return 0;
}

/*
 * Libraries
 */
static void end_libraries(struct peek_model *self)
{
    struct peek_model_libraries *libraries = &self->libraries;
    if (libraries->n_incoming < libraries->incoming_head.n_libraries)
        return;
    free(libraries->items);
    libraries->items = libraries->incoming;
    libraries->head = libraries->incoming_head;
    libraries->incoming = NULL;
    libraries->n_tellings++;
    self->are_libraries_due = false;
}

static int take_libraries(struct peek_model *self, const struct peek_record_libraries *head)
{
    if (head->n_libraries > PEEK_MAX_LIBRARIES)
        return PEEK_MODEL_E_BAD;
    struct peek_model_libraries *libraries = &self->libraries;
    free(libraries->incoming);
    libraries->incoming = calloc(head->n_libraries + 1, sizeof(*libraries->incoming));
    if (!libraries->incoming)
        return -ENOMEM;
    libraries->incoming_head = *head;
    libraries->n_incoming = 0;
    self->are_libraries_due = true;
    end_libraries(self);
    return 0;
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool is_package(const struct library_package *package)
{
    return package->manager >= PACKAGE_NONE && package->manager < PACKAGE_N &&
           is_text(package->name, sizeof(package->name)) &&
           is_text(package->version, sizeof(package->version)) &&
           is_text(package->source, sizeof(package->source)) &&
           is_text(package->source_version, sizeof(package->source_version));
}

static bool is_library(const struct peek_record_library *library)
{
    return library->pid != 0 && library->pid <= INT32_MAX && library->is_replaced <= 1 &&
           library->is_inside <= 1 && (unsigned)library->untapped.reason < UNTAPPED_N_REASONS &&
           is_package(&library->package) && *library->program &&
           is_text(library->program, sizeof(library->program)) &&
           is_text(library->build_id, sizeof(library->build_id)) &&
           is_text(library->version, sizeof(library->version)) &&
           is_text(library->path, sizeof(library->path));
}

static int take_library(struct peek_model *self, const struct peek_record_library *library)
{
    struct peek_model_libraries *libraries = &self->libraries;
    if (!is_library(library))
        return PEEK_MODEL_E_BAD;
    libraries->incoming[libraries->n_incoming++] = *library;
    end_libraries(self);
    return 0;
}

int peek_model_take(struct peek_model *self, const struct peek_record *record, uint64_t now_ns)
{
    bool is_socket_due = self->current != NULL, is_library_due = self->are_libraries_due;
    if (record->magic != PEEK_RECORD_MAGIC ||
        is_socket_due != (record->kind == PEEK_RECORD_SOCKET) ||
        is_library_due != (record->kind == PEEK_RECORD_LIBRARY))
        return PEEK_MODEL_E_BAD;
    switch (record->kind) {
    case PEEK_RECORD_LOOKING:
        self->looking_pid = record->process.pid;
        self->looking_start = record->process.start_ticks;
        return 0;
    case PEEK_RECORD_PROCESS:
        return take_process(self, &record->process, now_ns);
    case PEEK_RECORD_SOCKET:
        return take_socket(self, &record->socket, now_ns);
    case PEEK_RECORD_GONE:
        return take_gone(self, &record->process);
    case PEEK_RECORD_PASS:
        return take_pass(self, &record->pass);
    case PEEK_RECORD_CONNECTIONS:
        return peek_told_take_connections(&self->told, &record->connections);
    case PEEK_RECORD_OWNER:
        return peek_told_take_owner(&self->told, &record->owner);
    case PEEK_RECORD_LIBRARIES:
        return take_libraries(self, &record->libraries);
    case PEEK_RECORD_LIBRARY:
        return take_library(self, &record->library);
    default:
        return PEEK_MODEL_E_BAD;
    }
}
