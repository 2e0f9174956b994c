/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_join.h"

#include "base/clock.h"
#include "base/procfs.h"
#include "libraries/library_maps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const struct library_package no_package;

static_assert(__builtin_strcmp(UNTAPPED_DEFAULT_DIRECTORY, SEGMENT_DIRECTORY_DEFAULT) == 0,
              "directory");

struct library_waiting {
    pid_t pid;
    uint64_t start_ticks, since_ns;
};

/* Of one process; the same for both who see it. */
struct copies {
    struct library_row *rows;        /* version not filled in */
    const char **versions;           /* that the file tells, or empty; NULL: none does */
    const struct untapped *untapped; /* NULL: not known */
    size_t n;
};

void library_join_init(struct library_join *self, int root_fd, const char *segments)
{
    *self = (struct library_join){.root_fd = root_fd};
    library_segments_init(&self->segments, segments);
}

static void forget_told(struct library_join *self)
{
    for (size_t i = 0; i < self->n_told; i++)
        free(self->told[i]);
    self->n_told = 0;
}

void library_join_finish(struct library_join *self)
{
    forget_told(self);
    free(self->told);
    free(self->waiting);
    library_segments_finish(&self->segments);
}

void library_join_begin(struct library_join *self, const struct release_table *releases,
                        struct library_rows *rows)
{
    forget_told(self);
    self->releases = releases;
    self->rows = rows;
    rows->n = rows->n_folded = 0;
    untapped_rows_clear(&self->untapped);
    library_segments_list(&self->segments);
}

/* NULL: nothing, or there is no memory. */
static const struct library_told *find_told(struct library_join *self, pid_t pid,
                                            uint64_t start_ticks)
{
    uid_t owner;
    if (!library_segments_has(&self->segments, pid, start_ticks) ||
        procfs_owner(self->root_fd, pid, &owner) < 0)
        return NULL;
    if (self->n_told == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        struct library_told **told = reallocarray(self->told, capacity, sizeof(*told));
        if (!told)
            return NULL;
        self->told = told;
        self->capacity = capacity;
    }
    struct library_told *told = malloc(sizeof(*told));
    if (!told || !library_segments_find(&self->segments, pid, start_ticks, owner, told)) {
        free(told);
        return NULL;
    }
    return self->told[self->n_told++] = told;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The loader knows a library by the name it was asked for, libzmq.so.5, the kernel by the file's,
 * libzmq.so.5.2.4. */
static bool is_mapped_as(const char *loaded, const char *mapped)
{
    const char *name = base_name(loaded);
    return strncmp(base_name(mapped), name, strlen(name)) == 0;
}

static size_t find_copy(const struct copies *copies, const bool *is_taken, const char *loaded,
                        bool is_only)
{
    size_t i = 0;
    while (i < copies->n && (is_taken[i] || !((is_only && copies->n == 1) ||
                                              is_mapped_as(loaded, copies->rows[i].path))))
        i++;
    return i;
}

static void add_told(struct library_join *self, const struct library_told *told,
                     const struct copies *copies, bool *is_taken)
{
    for (size_t i = 0; i < told->n_libraries; i++) {
        struct library_row row = {.path = told->libraries[i].path,
                                  .build_id = "",
                                  .package = &no_package,
                                  .n_processes = 1};
        size_t found = find_copy(copies, is_taken, row.path, told->n_libraries == 1);
        if (found < copies->n) {
            row = copies->rows[found];
            is_taken[found] = true;
        }
        row.program = told->program;
        library_row_from_version(&row, told->libraries[i].version);
        library_rows_add(self->rows, &row);
    }
}

/* What was seen of it may be old by now. */
static void add_untapped(struct library_join *self, pid_t pid, uint64_t start_ticks,
                         const struct copies *copies)
{
    uint64_t found_ticks;
    const char *directory = self->segments.directory;
    if (!copies->untapped || copies->untapped->reason == UNTAPPED_NONE || !directory ||
        library_segments_has_pid(&self->segments, pid) ||
        procfs_start_time(self->root_fd, pid, &found_ticks) < 0 || found_ticks != start_ticks)
        return;
    const struct untapped_process process = {
        .program = copies->rows[0].program,
        .pid = pid,
        .start_ticks = start_ticks,
        .reason = untapped_reason_in(copies->untapped, directory),
    };
    untapped_rows_add(&self->untapped, &process);
}

static void add_process(struct library_join *self, pid_t pid, uint64_t start_ticks,
                        const struct copies *copies)
{
    bool is_taken[2 * LIBRARY_MAPS_MAX] = {false};
    const struct library_told *told = find_told(self, pid, start_ticks);
    if (told)
        add_told(self, told, copies, is_taken);
    else
        add_untapped(self, pid, start_ticks, copies);
    for (size_t i = 0; i < copies->n; i++) {
        struct library_row *row = &copies->rows[i];
        struct release_version version;
        if (is_taken[i])
            continue;
        if (told)
            row->program = told->program;
        if (copies->versions && release_version_parse(copies->versions[i], &version))
            library_row_from_version(row, version);
        else
            library_row_from_file(row, self->releases);
        library_rows_add(self->rows, row);
    }
}

void library_join_add_scanned(const struct library_process *process, void *self)
{
    struct library_row rows[LIBRARY_MAPS_MAX];
    struct copies copies = {.rows = rows, .untapped = &process->untapped};
    for (const struct library_found *found = process->found; found && copies.n < LIBRARY_MAPS_MAX;
         found = found->next)
        rows[copies.n++] = (struct library_row){.program = process->program,
                                                .path = found->path,
                                                .build_id = found->build_id,
                                                .package = &found->package,
                                                .n_processes = 1,
                                                .n_replaced = found->is_replaced};
    add_process(self, process->pid, process->start_ticks, &copies);
}

static int compare_records(const void *a, const void *b)
{
    const struct peek_record_library *const *left = a, *const *right = b;
    if ((*left)->pid != (*right)->pid)
        return (*left)->pid < (*right)->pid ? -1 : 1;
    return (*left)->start_ticks < (*right)->start_ticks
               ? -1
               : (*left)->start_ticks > (*right)->start_ticks;
}

void library_join_add_records(struct library_join *self, const struct peek_record_library *records,
                              size_t n)
{
    struct library_row rows[2 * LIBRARY_MAPS_MAX];
    const char *versions[2 * LIBRARY_MAPS_MAX];
    const struct peek_record_library **sorted = calloc(n + 1, sizeof(*sorted));
    for (size_t i = 0; sorted && i < n; i++)
        sorted[i] = &records[i];
    if (sorted && n > 0)
        qsort(sorted, n, sizeof(*sorted), compare_records);
    for (size_t i = 0; sorted && i < n;) {
        const struct peek_record_library *first = sorted[i];
        struct copies copies = {.rows = rows, .versions = versions};
        for (; i < n && compare_records(&sorted[i], &first) == 0; i++) {
            if (copies.n == 2 * LIBRARY_MAPS_MAX)
                continue; /* a process has no more that are looked at */
            if (sorted[i]->untapped.reason != UNTAPPED_NONE)
                copies.untapped = &sorted[i]->untapped;
            versions[copies.n] = sorted[i]->version;
            rows[copies.n++] = (struct library_row){.program = sorted[i]->program,
                                                    .path = sorted[i]->path,
                                                    .build_id = sorted[i]->build_id,
                                                    .package = &sorted[i]->package,
                                                    .n_processes = 1,
                                                    .n_replaced = sorted[i]->is_replaced};
        }
        add_process(self, (pid_t)first->pid, first->start_ticks, &copies);
    }
    free(sorted);
}

/*
 * Processes of which only their taps tell: that have libzmq linked in, or that may not be looked
 * at. A tap is quicker than who looks at the maps, which have the better path; so a library that
 * has the name of one is waited for.
 */
static uint64_t waits_since(const struct library_join *self, pid_t pid, uint64_t start_ticks,
                            uint64_t now_ns)
{
    for (size_t i = 0; i < self->n_waiting; i++) {
        if (self->waiting[i].pid == pid && self->waiting[i].start_ticks == start_ticks)
            return self->waiting[i].since_ns;
    }
    return now_ns;
}

static bool has_library_file(const struct library_told *told)
{
    for (size_t i = 0; i < told->n_libraries; i++) {
        const char *path = told->libraries[i].path;
        if (library_maps_is_libzmq(path, strlen(path)))
            return true;
    }
    return false;
}

static bool is_due(const struct library_scan *scan, const struct library_waiting *waiting,
                   const struct library_told *told, uint64_t now_ns)
{
    return !has_library_file(told) || (scan && library_scan_is_refused(scan, waiting->pid)) ||
           now_ns - waiting->since_ns >= LIBRARY_JOIN_PATIENCE_S * CLOCK_NS_PER_SECOND;
}

void library_join_end(struct library_join *self, const struct library_scan *scan, uint64_t now_ns)
{
    const struct copies none = {.n = 0};
    uint64_t found_ticks;
    struct library_waiting item, *waiting = calloc(self->segments.n + 1, sizeof(*waiting));
    size_t n = 0;
    while (waiting &&
           library_segments_next_unasked(&self->segments, &item.pid, &item.start_ticks)) {
        if (procfs_start_time(self->root_fd, item.pid, &found_ticks) < 0 ||
            found_ticks != item.start_ticks)
            continue;
        const struct library_told *told = find_told(self, item.pid, item.start_ticks);
        if (!told)
            continue;
        item.since_ns = waits_since(self, item.pid, item.start_ticks, now_ns);
        waiting[n++] = item;
        if (is_due(scan, &item, told, now_ns))
            add_told(self, told, &none, NULL);
    }
    free(self->waiting);
    self->waiting = waiting;
    self->n_waiting = n;
}
