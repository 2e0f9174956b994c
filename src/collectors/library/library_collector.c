/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_collector.h"

#include "base/clock.h"
#include "base/string_buffer.h"
#include "collectors/library/library_rows.h"
#include "collectors/library/library_scan.h"
#include "metrics/labels.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scrape waits no longer than this for /proc; the ticks do what is left over. */
#define SCAN_BUDGET_NS   (100 * CLOCK_NS_PER_MS)
#define SCAN_INTERVAL_NS CLOCK_NS_PER_SECOND

struct library_collector {
    int root_fd;
    struct library_scan *scan;
    struct library_scan_totals totals;
    uint64_t scanned_ns;
    struct library_rows rows;
    struct string_buffer labels;
};

static void add_process(const struct library_process *process, void *data)
{
    struct library_rows *rows = data;
    for (const struct library_found *found = process->found; found; found = found->next) {
        struct library_row row = {.service = process->service,
                                  .path = found->path,
                                  .build_id = found->build_id,
                                  .n_processes = 1,
                                  .n_replaced = found->is_replaced};
        if (found->is_told)
            library_row_from_version(&row, found->version);
        else
            library_row_from_file(&row);
        library_rows_add(rows, &row);
    }
}

static int scan(struct library_collector *self)
{
    uint64_t now_ns = clock_monotonic_ns();
    if (self->scanned_ns && self->totals.n_pending == 0 &&
        now_ns - self->scanned_ns < SCAN_INTERVAL_NS)
        return 0;
    self->scanned_ns = now_ns;
    return library_scan_run(self->scan, now_ns, SCAN_BUDGET_NS, &self->totals);
}

static struct label_text row_labels(struct library_collector *self, struct samples *out,
                                    const struct library_row *row)
{
    string_buffer_clear(&self->labels);
    labels_append(&self->labels, "service", row->service);
    labels_append(&self->labels, "version", row->version);
    labels_append(&self->labels, "path", row->path);
    labels_append(&self->labels, "build_id", row->build_id);
    return samples_copy_labels(out, self->labels.data, self->labels.size);
}

static void add_row(struct library_collector *self, struct samples *out,
                    const struct library_row *row, int64_t now)
{
    struct label_text labels = row_labels(self, out, row);
    samples_add_u64(out, FAMILY_LIBRARY_INFO, labels, NULL, 1);
    samples_add_u64(out, FAMILY_LIBRARY_PROCESSES, labels, NULL, row->n_processes);
    samples_add_u64(out, FAMILY_LIBRARY_REPLACED_ON_DISK, labels, NULL, row->n_replaced);
    if (!row->has_number)
        return;
    samples_add_u64(out, FAMILY_LIBRARY_RELEASES_BEHIND, labels, NULL,
                    release_table_behind(row->newest));
    const struct release *release = release_table_find(row->newest);
    if (release && release->released <= now)
        samples_add_u64(out, FAMILY_LIBRARY_RELEASE_AGE, labels, NULL,
                        (uint64_t)(now - release->released));
}

static void add_table(struct library_collector *self, struct samples *out)
{
    struct library_row latest;
    library_row_from_version(&latest, release_table_latest()->version);
    string_buffer_clear(&self->labels);
    labels_append(&self->labels, "version", latest.version);
    samples_add_u64(out, FAMILY_LIBRARY_LATEST_INFO,
                    samples_copy_labels(out, self->labels.data, self->labels.size), NULL, 1);
    samples_add_u64(out, FAMILY_LIBRARY_RELEASE_TABLE_TIMESTAMP, LABEL_TEXT_NONE, NULL,
                    (uint64_t)release_table_checked());
}

static int collect(void *state, struct samples *out, struct error *err)
{
    struct library_collector *self = state;
    add_table(self, out);
    int r = scan(self);
    if (r < 0)
        return error_set(err, r, "cannot list processes: %s", strerror(-r));

    self->rows.n = self->rows.n_folded = 0;
    library_scan_each(self->scan, add_process, &self->rows);
    int64_t now = (int64_t)(clock_realtime_ns() / CLOCK_NS_PER_SECOND);
    for (size_t i = 0; i < self->rows.n; i++)
        add_row(self, out, &self->rows.rows[i], now);

    samples_add_u64(out, FAMILY_LIBRARY_SCANNED_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->totals.n_processes);
    samples_add_u64(out, FAMILY_LIBRARY_UNREADABLE_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->totals.n_unreadable);
    samples_add_u64(out, FAMILY_LIBRARY_PENDING_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->totals.n_pending);
    samples_add_u64(out, FAMILY_LIBRARY_FOLDED_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->rows.n_folded);
    return self->labels.has_failed ? -ENOMEM : 0;
}

/* Finishes what a scrape had no time for; otherwise processes are looked at when someone asks. */
static void tick(void *state)
{
    struct library_collector *self = state;
    if (self->scanned_ns && self->totals.n_pending)
        (void)scan(self);
}

static void destroy(void *state)
{
    struct library_collector *self = state;
    library_scan_destroy(&self->scan);
    string_buffer_finish(&self->labels);
    close(self->root_fd);
    free(self);
}

int library_collector_new(const char *procfs, const char *segments, struct collector *ret_collector,
                          struct error *err)
{
    int fd = open(procfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, -errno, "%s: %s; mount procfs there", procfs, strerror(errno));
    struct library_collector *self = calloc(1, sizeof(*self));
    if (!self || library_scan_new(fd, segments, &self->scan) < 0) {
        free(self);
        close(fd);
        return error_set(err, -ENOMEM, "out of memory");
    }
    self->root_fd = fd;
    *ret_collector = (struct collector){
        .name = "library", .state = self, .collect = collect, .tick = tick, .destroy = destroy};
    return 0;
}
