/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/library_collector.h"

#include "base/clock.h"
#include "base/string_buffer.h"
#include "collectors/library/library_join.h"
#include "collectors/peek/peek_link.h"
#include "libraries/library_scan.h"
#include "metrics/labels.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A scrape waits no longer than this for /proc; the ticks do what is left over. */
#define SCAN_BUDGET_NS   (100 * CLOCK_NS_PER_MS)
#define SCAN_INTERVAL_NS CLOCK_NS_PER_SECOND

struct library_collector {
    int root_fd;
    struct library_scan *scan;
    struct library_join join;
    struct library_scan_totals totals;
    struct peek_link *reader; /* NULL: there is none */
    struct peek_record_library *records;
    size_t n_records;
    uint32_t n_left_out;
    uint64_t n_tellings; /* of the reader, as they were taken; 0: none */
    uint64_t scanned_ns;
    struct handover *handover;
    struct library_tables *tables;
    pthread_mutex_t lock; /* over rows and what they point to */
    bool has_rows;
    struct library_rows rows;
    struct string_buffer labels;
};

static const char *const severity_labels[ADVISORY_N_SEVERITIES] = {
    "severity=\"low\"", "severity=\"medium\"", "severity=\"high\"", "severity=\"critical\""};

static void fill_rows(struct library_collector *self)
{
    library_join_begin(&self->join, &self->tables->releases, &self->rows);
    if (self->n_tellings > 0)
        library_join_add_records(&self->join, self->records, self->n_records);
    else
        library_scan_each(self->scan, library_join_add_scanned, &self->join);
    library_join_end(&self->join, self->n_tellings > 0 ? NULL : self->scan, clock_monotonic_ns());
    self->has_rows = true;
}

/* What the reader told last. False: there is none, or it has told nothing yet. */
static int take_records(struct library_collector *self)
{
    const struct peek_model_libraries *told = &peek_link_lock(self->reader)->libraries;
    size_t n = told->head.n_libraries;
    struct error silent;
    int r = 0;
    if (peek_link_check(self->reader, &silent) < 0) {
        self->n_tellings = 0; /* what it told is old by now */
    } else if (told->n_tellings != self->n_tellings) {
        struct peek_record_library *records = malloc((n + 1) * sizeof(*records));
        r = records ? 0 : -ENOMEM;
        if (records && n > 0)
            memcpy(records, told->items, n * sizeof(*records));
        if (records) {
            free(self->records);
            self->records = records;
            self->n_records = n;
            self->n_left_out = told->head.n_left_out;
            self->n_tellings = told->n_tellings;
        }
        self->totals = (struct library_scan_totals){.n_processes = told->head.n_processes,
                                                    .n_unreadable = told->head.n_unreadable,
                                                    .n_pending = told->head.n_pending};
    }
    peek_link_unlock(self->reader);
    return r;
}

/* Where the reader has told nothing, as long as it has not begun or where it cannot, the exporter
 * sees what it may itself. */
static int scan(struct library_collector *self)
{
    int r = self->reader ? take_records(self) : 0;
    if (r < 0 || self->n_tellings > 0)
        return r;
    uint64_t now_ns = clock_monotonic_ns();
    if (self->scanned_ns && self->totals.n_pending == 0 &&
        now_ns - self->scanned_ns < SCAN_INTERVAL_NS)
        return 0;
    self->scanned_ns = now_ns;
    return library_scan_run(self->scan, now_ns, SCAN_BUDGET_NS, &self->totals);
}

static struct label_text copy_labels(const struct library_collector *self, struct samples *out)
{
    return samples_copy_labels(out, self->labels.data, self->labels.size);
}

static struct label_text row_labels(struct library_collector *self, struct samples *out,
                                    const struct library_row *row)
{
    string_buffer_clear(&self->labels);
    labels_append(&self->labels, "program", row->program);
    labels_append(&self->labels, "version", row->version);
    labels_append(&self->labels, "path", row->path);
    labels_append(&self->labels, "build_id", row->build_id);
    return copy_labels(self, out);
}

static void judge(const struct library_collector *self, const struct library_row *row,
                  struct library_verdict *ret_verdict)
{
    const struct library_subject subject = {row->newest, row->package, row->path, row->build_id};
    library_tables_judge(self->tables, &subject, ret_verdict);
}

/* Labels of one sample beyond those of its row; self->labels has them. */
static const char *copy_extra(const struct library_collector *self, struct samples *out)
{
    return self->labels.data
               ? samples_copy_labels(out, self->labels.data, self->labels.size + 1).text
               : NULL;
}

static void add_advisories(struct library_collector *self, struct samples *out,
                           struct label_text labels, const struct library_verdict *verdict)
{
    for (size_t i = 0; i < self->tables->advisories.n; i++) {
        const struct advisory *advisory = &self->tables->advisories.advisories[i];
        if (!(verdict->affected >> i & 1))
            continue;
        string_buffer_clear(&self->labels);
        labels_append(&self->labels, "id", advisory->id);
        labels_append(&self->labels, "severity", advisory_severity_name(advisory->severity));
        labels_append(&self->labels, "fixed_in", advisory->fixed);
        labels_append(&self->labels, "patched", verdict->patched >> i & 1 ? "yes" : "no");
        samples_add_u64(out, FAMILY_LIBRARY_VULNERABILITY_INFO, labels, copy_extra(self, out), 1);
    }
}

static void add_verdict(struct library_collector *self, struct samples *out,
                        const struct library_row *row, struct label_text labels)
{
    struct library_verdict verdict;
    judge(self, row, &verdict);
    for (unsigned i = 0; i < ADVISORY_N_SEVERITIES; i++) {
        if (i == ADVISORY_LOW && !verdict.n[i])
            continue; /* none so far was */
        samples_add_u64(out, FAMILY_LIBRARY_KNOWN_VULNERABILITIES, labels, severity_labels[i],
                        verdict.n[i]);
        if (verdict.is_package_known || verdict.n_patched[i])
            samples_add_u64(out, FAMILY_LIBRARY_PATCHED_VULNERABILITIES, labels, severity_labels[i],
                            verdict.n_patched[i]);
    }
    add_advisories(self, out, labels, &verdict);
}

static void add_package(struct library_collector *self, struct samples *out,
                        struct label_text labels, const struct library_package *package)
{
    if (package->manager == PACKAGE_NONE || package->manager == PACKAGE_UNREAD)
        return;
    string_buffer_clear(&self->labels);
    labels_append(&self->labels, "manager", package_manager_name(package->manager));
    labels_append(&self->labels, "package", package->name);
    labels_append(&self->labels, "package_version", package->version);
    samples_add_u64(out, FAMILY_LIBRARY_PACKAGE_INFO, labels, copy_extra(self, out), 1);
}

static void add_row(struct library_collector *self, struct samples *out,
                    const struct library_row *row, int64_t now)
{
    struct label_text labels = row_labels(self, out, row);
    samples_add_u64(out, FAMILY_LIBRARY_INFO, labels, NULL, 1);
    samples_add_u64(out, FAMILY_LIBRARY_PROCESSES, labels, NULL, row->n_processes);
    samples_add_u64(out, FAMILY_LIBRARY_REPLACED_ON_DISK, labels, NULL, row->n_replaced);
    add_package(self, out, labels, row->package);
    if (!row->has_number)
        return;
    add_verdict(self, out, row, labels);
    samples_add_u64(out, FAMILY_LIBRARY_RELEASES_BEHIND, labels, NULL,
                    release_table_behind(&self->tables->releases, row->newest));
    const struct release *release = release_table_find(&self->tables->releases, row->newest);
    if (release && release->released <= now)
        samples_add_u64(out, FAMILY_LIBRARY_RELEASE_AGE, labels, NULL,
                        (uint64_t)(now - release->released));
}

static void add_table(struct library_collector *self, struct samples *out)
{
    struct library_row latest;
    library_row_from_version(&latest, release_table_latest(&self->tables->releases)->version);
    string_buffer_clear(&self->labels);
    labels_append(&self->labels, "version", latest.version);
    samples_add_u64(out, FAMILY_LIBRARY_LATEST_INFO, copy_labels(self, out), NULL, 1);
    samples_add_u64(out, FAMILY_LIBRARY_RELEASE_TABLE_TIMESTAMP, LABEL_TEXT_NONE, NULL,
                    (uint64_t)self->tables->releases.checked);
    samples_add_u64(out, FAMILY_LIBRARY_ADVISORY_TABLE_TIMESTAMP, LABEL_TEXT_NONE, NULL,
                    (uint64_t)self->tables->advisories.checked);
    samples_add_u64(out, FAMILY_LIBRARY_PACKAGE_TABLE_TIMESTAMP, LABEL_TEXT_NONE, NULL,
                    (uint64_t)self->tables->packages.checked);
}

static void take_tables(struct library_collector *self)
{
    struct library_tables *tables = self->handover ? handover_take(self->handover) : NULL;
    if (!tables)
        return;
    library_tables_destroy(&self->tables);
    self->tables = tables;
}

/* The lock is held. */
static int collect_locked(struct library_collector *self, struct samples *out, struct error *err)
{
    take_tables(self);
    add_table(self, out);
    int r = scan(self);
    if (r < 0)
        return error_set(err, r, "cannot list processes: %s", strerror(-r));

    fill_rows(self);
    int64_t now = (int64_t)(clock_realtime_ns() / CLOCK_NS_PER_SECOND);
    for (size_t i = 0; i < self->rows.n; i++)
        add_row(self, out, &self->rows.rows[i], now);
    untapped_rows_write(&self->join.untapped, &self->labels, out);

    samples_add_u64(out, FAMILY_LIBRARY_SCANNED_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->totals.n_processes);
    samples_add_u64(out, FAMILY_LIBRARY_UNREADABLE_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->totals.n_unreadable);
    samples_add_u64(out, FAMILY_LIBRARY_PENDING_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->totals.n_pending);
    samples_add_u64(out, FAMILY_LIBRARY_FOLDED_PROCESSES, LABEL_TEXT_NONE, NULL,
                    self->rows.n_folded + self->n_left_out);
    return self->labels.has_failed ? -ENOMEM : 0;
}

static int collect(void *state, struct samples *out, struct error *err)
{
    struct library_collector *self = state;
    pthread_mutex_lock(&self->lock);
    int r = collect_locked(self, out, err);
    pthread_mutex_unlock(&self->lock);
    return r;
}

bool library_collector_is_pending(const struct collector *collector)
{
    struct library_collector *self = collector->state;
    pthread_mutex_lock(&self->lock);
    bool is_pending = self->totals.n_pending > 0 && self->n_tellings == 0;
    pthread_mutex_unlock(&self->lock);
    return is_pending;
}

bool library_collector_each(const struct collector *collector,
                            void (*visit)(const struct library_finding *finding, void *data),
                            void *data)
{
    struct library_collector *self = collector->state;
    pthread_mutex_lock(&self->lock);
    bool has_rows = self->has_rows;
    for (size_t i = 0; has_rows && i < self->rows.n; i++) {
        const struct library_row *row = &self->rows.rows[i];
        struct library_finding finding = {.program = row->program,
                                          .path = row->path,
                                          .version = row->version,
                                          .package = row->package,
                                          .n_processes = row->n_processes,
                                          .n_replaced = row->n_replaced,
                                          .is_disk_known = true,
                                          .is_judged = row->has_number,
                                          .advisories = &self->tables->advisories};
        if (row->has_number)
            judge(self, row, &finding.verdict);
        visit(&finding, data);
    }
    pthread_mutex_unlock(&self->lock);
    return has_rows;
}

/* Finishes what a scrape had no time for; otherwise processes are looked at when someone asks. */
static void tick(void *state)
{
    struct library_collector *self = state;
    pthread_mutex_lock(&self->lock);
    if (self->scanned_ns && self->totals.n_pending && self->n_tellings == 0) {
        (void)scan(self);
        fill_rows(self); /* what they pointed to may be gone */
    }
    pthread_mutex_unlock(&self->lock);
}

static void destroy(void *state)
{
    struct library_collector *self = state;
    library_scan_destroy(&self->scan);
    library_join_finish(&self->join);
    free(self->records);
    library_tables_destroy(&self->tables);
    string_buffer_finish(&self->labels);
    pthread_mutex_destroy(&self->lock);
    if (self->root_fd >= 0)
        close(self->root_fd);
    free(self);
}

int library_collector_new(const struct library_options *options, struct collector *ret_collector,
                          struct error *err)
{
    const char *procfs = options->procfs ? options->procfs : "/proc";
    struct library_collector *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "out of memory");
    pthread_mutex_init(&self->lock, NULL);
    self->handover = options->tables;
    self->reader = options->reader;
    self->root_fd = open(procfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
    library_join_init(&self->join, self->root_fd, options->segments);
    self->join.untapped.tell = options->tell;
    int r = self->root_fd < 0
                ? error_set(err, -errno, "%s: %s; mount procfs there", procfs, strerror(errno))
                : library_tables_load(NULL, &self->tables, err);
    if (r == 0 && library_scan_new(self->root_fd, &self->scan) < 0)
        r = error_set(err, -ENOMEM, "out of memory");
    if (r < 0) {
        destroy(self);
        return r;
    }
    *ret_collector = (struct collector){
        .name = "library", .state = self, .collect = collect, .tick = tick, .destroy = destroy};
    return 0;
}
