/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_libraries.h"

#include "base/clock.h"

#include <string.h>

struct listing {
    void (*visit)(void *data, const struct peek_record_library *library); /* NULL: only count */
    void *data;
    size_t n;
};

int peek_libraries_init(struct peek_libraries *self, int procfs_fd,
                        bool (*may_open)(void *data, pid_t pid, uint64_t start_ticks), void *data)
{
    *self = (struct peek_libraries){.scan = NULL};
    int r = library_scan_new(procfs_fd, &self->scan);
    if (r == 0)
        library_scan_ask_before_opening(self->scan, may_open, data);
    return r;
}

void peek_libraries_finish(struct peek_libraries *self)
{
    library_scan_destroy(&self->scan);
}

static void copy_text(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

static void list(struct listing *listing, const struct peek_record_library *library)
{
    if (listing->n < PEEK_MAX_LIBRARIES && listing->visit)
        listing->visit(listing->data, library);
    listing->n++;
}

static void list_process(const struct library_process *process, void *data)
{
    for (const struct library_found *found = process->found; found; found = found->next) {
        struct peek_record_library library = {.pid = (uint32_t)process->pid,
                                              .start_ticks = process->start_ticks,
                                              .is_replaced = found->is_replaced,
                                              .untapped = process->untapped,
                                              .package = found->package};
        copy_text(library.program, sizeof(library.program), process->program);
        copy_text(library.build_id, sizeof(library.build_id), found->build_id);
        copy_text(library.path, sizeof(library.path), found->path);
        list(data, &library);
    }
}

static void list_insides(const struct peek_host_entry *entry, struct listing *listing)
{
    const struct peek_process *process = entry->process;
    for (size_t i = 0; i < process->n_insides; i++) {
        const struct peek_inside *inside = &process->insides[i];
        struct peek_record_library library = {.pid = (uint32_t)entry->pid,
                                              .start_ticks = entry->start_ticks,
                                              .is_replaced = inside->is_deleted,
                                              .is_inside = 1};
        copy_text(library.program, sizeof(library.program), entry->program);
        copy_text(library.build_id, sizeof(library.build_id), inside->build_id);
        copy_text(library.version, sizeof(library.version), inside->version);
        copy_text(library.path, sizeof(library.path), inside->path);
        list(listing, &library);
    }
}

static void list_all(const struct peek_libraries *self, const struct peek_host *host,
                     struct listing *listing)
{
    library_scan_each(self->scan, list_process, listing);
    for (size_t i = 0; i < host->n_entries; i++) {
        if (host->entries[i].process)
            list_insides(&host->entries[i], listing);
    }
}

/* As with the list of processes, it costs a small part of the time at most. */
static bool run(struct peek_libraries *self)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (now_ns < self->next_ns)
        return false;
    struct library_scan_totals totals;
    uint64_t begin_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    int r = library_scan_run(self->scan, now_ns, PEEK_LIBRARIES_BUDGET_NS, &totals);
    uint64_t cost_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
    uint64_t pause_ns = cost_ns * PEEK_LIST_SHARE;
    self->next_ns = now_ns + (pause_ns < PEEK_LIST_MAX_NS ? pause_ns : PEEK_LIST_MAX_NS);
    if (r < 0)
        return false;
    bool is_same = memcmp(&totals, &self->totals, sizeof(totals)) == 0;
    self->totals = totals;
    if (totals.n_pending > 0)
        self->next_ns = now_ns; /* the rest of them */
    return !is_same;
}

static uint64_t count_changes(const struct peek_libraries *self, const struct peek_host *host)
{
    return library_scan_n_changes(self->scan) + host->n_insides_changes;
}

bool peek_libraries_update(struct peek_libraries *self, const struct peek_host *host,
                           struct peek_record_libraries *ret_head)
{
    bool is_new = run(self);
    uint64_t n_changes = count_changes(self, host);
    if (self->is_told && !is_new && n_changes == self->n_changes)
        return false;
    struct listing listing = {.n = 0};
    list_all(self, host, &listing);
    uint32_t n = (uint32_t)listing.n;
    *ret_head = (struct peek_record_libraries){
        .n_libraries = n < PEEK_MAX_LIBRARIES ? n : PEEK_MAX_LIBRARIES,
        .n_processes = (uint32_t)self->totals.n_processes,
        .n_unreadable = (uint32_t)self->totals.n_unreadable,
        .n_pending = (uint32_t)self->totals.n_pending,
        .n_left_out = n > PEEK_MAX_LIBRARIES ? n - PEEK_MAX_LIBRARIES : 0};
    self->n_changes = n_changes;
    self->is_told = true;
    return true;
}

void peek_libraries_each(const struct peek_libraries *self, const struct peek_host *host,
                         void (*visit)(void *data, const struct peek_record_library *library),
                         void *data)
{
    struct listing listing = {.visit = visit, .data = data};
    list_all(self, host, &listing);
}
