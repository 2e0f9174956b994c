/* SPDX-License-Identifier: MPL-2.0 */
#include "program.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_THREADS 32
#define N_QUIET     3 /* looks in turn: what one socket hears may be for another to hear */

unsigned program_random(struct program *self, unsigned n)
{
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (unsigned)(self->random >> 33) % n;
}

bool program_chance(struct program *self, unsigned n)
{
    return program_random(self, n) == 0;
}

/* Written at once: the last line before an abort tells most. */
void program_log(struct program *self, const char *format, ...)
{
    int error = errno;
    va_list arguments;
    va_start(arguments, format);
    fprintf(self->log, "%u ", self->n_done);
    vfprintf(self->log, format, arguments);
    fputc('\n', self->log);
    fflush(self->log);
    va_end(arguments);
    errno = error;
}

bool program_result(struct program *self, long rc, bool is_failed)
{
    int error = errno;
    if (is_failed)
        program_log(self, "  = %ld %s", rc, zmq_strerror(error));
    else
        program_log(self, "  = %ld", rc);
    errno = error;
    return is_failed;
}

uint64_t program_hash(const void *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return hash;
}

/*
 * libzmq's threads
 */
struct thread {
    long id;
    bool is_waiting;
    unsigned long n_runs;
};

static bool read_line(const char *id, const char *name, char *line, size_t size)
{
    char path[300];
    snprintf(path, sizeof path, "/proc/self/task/%s/%s", id, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool is_there = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return is_there;
}

static bool look_at(const char *id, const char *name, struct thread *thread)
{
    char line[600];
    if (!read_line(id, "stat", line, sizeof line) || !strstr(line, name))
        return false;
    const char *end = strrchr(line, ')');
    *thread = (struct thread){.id = atol(id), .is_waiting = end && end[1] && end[2] == 'S'};
    if (read_line(id, "schedstat", line, sizeof line))
        (void)sscanf(line, "%*u %*u %lu", &thread->n_runs);
    return true;
}

/* Those of this part's contexts, where the parts' threads have names of their own. */
static size_t look_at_all(const struct program *self, struct thread *threads)
{
    char name[16] = "ZMQbg";
    size_t n = 0;
    if (self->is_prefixed)
        snprintf(name, sizeof name, "(%u/ZMQbg", self->index);
    DIR *folder = opendir("/proc/self/task");
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && n < MAX_THREADS;) {
        if (entry->d_name[0] != '.' && look_at(entry->d_name, name, &threads[n]))
            n++;
    }
    closedir(folder);
    return n;
}

static bool is_all_waiting(const struct thread *threads, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!threads[i].is_waiting)
            return false;
    }
    return true;
}

static void hear(const struct program_socket *socket)
{
    int events;
    size_t size = sizeof events;
    (void)zmq_getsockopt(socket->handle, ZMQ_EVENTS, &events, &size);
}

static void hear_all(struct program *self)
{
    for (size_t k = 0; k < PROGRAM_MAX_SOCKETS; k++) {
        if (self->sockets[k].handle && !self->sockets[k].is_elsewhere)
            hear(&self->sockets[k]);
    }
}

void program_settle(struct program *self)
{
    struct thread before[MAX_THREADS], after[MAX_THREADS];
    const struct timespec moment = {.tv_nsec = 50000};
    int error = errno;
    size_t n = look_at_all(self, before);
    for (unsigned i = 0, n_quiet = 0; i < 20000 && n_quiet < N_QUIET; i++) {
        bool was_waiting = is_all_waiting(before, n);
        if (was_waiting)
            hear_all(self);
        size_t n_after = look_at_all(self, after);
        bool is_same = n == n_after && memcmp(before, after, n * sizeof *before) == 0;
        n_quiet = was_waiting && is_same ? n_quiet + 1 : 0;
        memcpy(before, after, sizeof before);
        n = n_after;
        /* What the kernel has on its way from one socket to another is in no thread's hands. */
        if (!is_all_waiting(before, n) || self->transports > 1)
            nanosleep(&moment, NULL);
    }
    errno = error;
}

void program_synchronise(struct program *self, const struct program_socket *socket)
{
    if (self->is_synchronous)
        hear(socket);
}

/*
 * What there is
 */
struct program_context *program_some_context(struct program *self)
{
    struct program_context *context = &self->contexts[program_random(self, PROGRAM_MAX_CONTEXTS)];
    return context->handle ? context : NULL;
}

struct program_socket *program_some_socket(struct program *self)
{
    unsigned first = program_random(self, PROGRAM_MAX_SOCKETS);
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        struct program_socket *socket = &self->sockets[(first + i) % PROGRAM_MAX_SOCKETS];
        if (socket->handle)
            return socket;
    }
    return NULL;
}

struct program_socket *program_free_socket(struct program *self)
{
    for (unsigned i = 0; i < PROGRAM_MAX_SOCKETS; i++) {
        if (!self->sockets[i].handle)
            return &self->sockets[i];
    }
    return NULL;
}

int program_group(struct program *self, int type, const char *endpoint)
{
    int i = 0;
    while (i < self->n_groups &&
           (self->groups[i].type != type || strcmp(self->groups[i].endpoint, endpoint) != 0))
        i++;
    if (i < self->n_groups)
        return i;
    if (self->n_groups == PROGRAM_MAX_GROUPS) {
        fprintf(stderr, "too many groups\n");
        exit(3);
    }
    self->n_groups++;
    self->groups[i] = (struct group){.type = type};
    snprintf(self->groups[i].endpoint, sizeof self->groups[i].endpoint, "%s", endpoint);
    self->groups[i].is_network = strncmp(endpoint, "inproc", 6) != 0 && endpoint[0] != '\0';
    return i;
}
