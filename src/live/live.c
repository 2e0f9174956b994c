/* SPDX-License-Identifier: MPL-2.0 */
#include "live/live.h"

#include "base/clock.h"
#include "base/ticker.h"
#include "live/live_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS (5 * CLOCK_NS_PER_SECOND)
#define RARE_NS     (5 * CLOCK_NS_PER_SECOND)

struct live {
    struct runner *runner;
    uint64_t epoch; /* tells this exporter's revisions from another's */
    struct ticker *ticker;

    pthread_mutex_t asking; /* held while the collectors work for the page; before `lock` */
    struct scrape *rare;    /* of collectors whose answer rarely changes; NULL: none */
    uint64_t rare_until_ns;

    pthread_mutex_t lock;
    struct live_rows rows;
};

/* What the page shows; the rest of a scrape would only change what is sent. */
static const enum family_id shown[] = {
    FAMILY_SOCKETS,
    FAMILY_SOCKET_PEERS,
    FAMILY_SOCKET_SENT_MESSAGES,
    FAMILY_SOCKET_RECEIVED_MESSAGES,
    FAMILY_SOCKET_SEND_QUEUE,
    FAMILY_SOCKET_RECEIVE_QUEUE,
    FAMILY_SOCKET_SEND_AGE,
    FAMILY_SOCKET_RECEIVE_AGE,
    FAMILY_SOCKET_SEND_HWM,
    FAMILY_SOCKET_RECEIVE_HWM,
    FAMILY_SOCKET_SEND_HWM_PROXIMITY,
    FAMILY_SOCKET_RECEIVE_HWM_PROXIMITY,
    FAMILY_SOCKET_DROPPED_MESSAGES,
    FAMILY_SOCKET_HANDSHAKE_FAILURES,
    FAMILY_SOCKET_DISCONNECTS,
    FAMILY_PROCESSES,
    FAMILY_TAP_SILENT_PROCESSES,
    FAMILY_TAP_MISSING_PROCESSES,
    FAMILY_UNSEEN_PROCESSES,
    FAMILY_TAP_CAPABILITY,
    FAMILY_POLICY_VIOLATIONS,
    FAMILY_PROBE_SUCCESS,
    FAMILY_PROBE_CONNECTED,
    FAMILY_PROBE_HANDSHAKE_DURATION,
    FAMILY_PROBE_FAILURES,
    FAMILY_PROBE_FAILURE_INFO,
    FAMILY_PROBE_DISCONNECTS,
    FAMILY_PROBE_PEER_INFO,
    FAMILY_PROBE_MISSED_MESSAGES,
    FAMILY_LIBRARY_PROCESSES,
    FAMILY_LIBRARY_REPLACED_ON_DISK,
    FAMILY_LIBRARY_RELEASES_BEHIND,
    FAMILY_LIBRARY_RELEASE_AGE,
    FAMILY_LIBRARY_SCANNED_PROCESSES,
    FAMILY_LIBRARY_UNREADABLE_PROCESSES,
    FAMILY_EXPORTER_PROCESSES,
};

static const enum family_id remembered[] = {
    FAMILY_SOCKET_SENT_MESSAGES,      FAMILY_SOCKET_RECEIVED_MESSAGES,
    FAMILY_SOCKET_SEND_QUEUE,         FAMILY_SOCKET_RECEIVE_QUEUE,
    FAMILY_SOCKET_SEND_HWM_PROXIMITY, FAMILY_SOCKET_RECEIVE_HWM_PROXIMITY,
    FAMILY_SOCKET_DROPPED_MESSAGES,
};

static uint64_t collector_bit(const struct runner *runner, const char *name)
{
    unsigned index;
    return runner_find(runner, name, &index) == 0 ? UINT64_C(1) << index : 0;
}

static int collect(struct live *self, uint64_t collectors, struct scrape **ret_scrape)
{
    return runner_collect(self->runner, collectors, clock_monotonic_ns() + PATIENCE_NS, ret_scrape);
}

/* A point that cannot be taken is missing. */
static void remember(void *state, uint64_t tick)
{
    struct live *self = state;
    bool families[FAMILY_N] = {false};
    struct scrape *scrape = NULL;
    struct label_sets sets = {0};
    size_t n_parts;
    for (size_t i = 0; i < sizeof(remembered) / sizeof(*remembered); i++)
        families[remembered[i]] = true;
    if (collect(self, collector_bit(self->runner, "tap"), &scrape) < 0)
        return;
    const struct samples *const *parts = scrape_parts(scrape, &n_parts);
    if (label_sets_gather(parts, n_parts, families, &sets) == 0) {
        pthread_mutex_lock(&self->lock);
        (void)live_rows_remember(&self->rows, &sets, tick, clock_monotonic_ns());
        pthread_mutex_unlock(&self->lock);
    }
    label_sets_finish(&sets);
    scrape_destroy(&scrape);
}

int live_new(struct runner *runner, struct live **ret_live)
{
    struct live *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->runner = runner;
    self->epoch = clock_realtime_ns();
    pthread_mutex_init(&self->asking, NULL);
    pthread_mutex_init(&self->lock, NULL);
    int r = ticker_new("live history", LIVE_HISTORY_INTERVAL_NS, remember, self, &self->ticker);
    if (r < 0)
        live_destroy(&self);
    else
        *ret_live = self;
    return r;
}

void live_destroy(struct live **self_p)
{
    struct live *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    ticker_destroy(&self->ticker);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->asking);
    scrape_destroy(&self->rare);
    live_rows_finish(&self->rows);
    free(self);
}

static uint64_t revision_of(const struct live *self, const char *text)
{
    char *end = NULL;
    uint64_t epoch = text ? strtoull(text, &end, 16) : 0;
    return end && *end == '-' && epoch == self->epoch ? strtoull(end + 1, NULL, 10) : 0;
}

static int append_sets(struct live *self, const char *since, const struct label_sets *sets,
                       struct string_buffer *json)
{
    struct live_row **rows = calloc(sets->n + 1, sizeof(struct live_row *));
    pthread_mutex_lock(&self->lock);
    int r = rows ? live_rows_look(&self->rows, sets, clock_monotonic_ns(), rows) : -ENOMEM;
    if (r == 0) {
        string_buffer_append_format(json, "\"revision\":\"%" PRIx64 "-%" PRIu64 "\",", self->epoch,
                                    self->rows.revision);
        live_rows_append_json(&self->rows, revision_of(self, since), sets, rows, json);
    }
    pthread_mutex_unlock(&self->lock);
    free(rows);
    return r;
}

static int append_scrapes(struct live *self, const char *since, struct scrape *const scrapes[2],
                          struct string_buffer *json)
{
    const struct samples *parts[2 * (RUNNER_MAX_COLLECTORS + 1)];
    bool families[FAMILY_N] = {false};
    struct label_sets sets;
    size_t n = 0;
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
        families[shown[i]] = true;
    for (size_t i = 0; i < 2; i++) {
        size_t n_parts;
        const struct samples *const *own = scrape_parts(scrapes[i], &n_parts);
        memcpy(&parts[n], own, n_parts * sizeof(*own));
        n += n_parts;
    }
    int r = label_sets_gather(parts, n, families, &sets);
    if (r == 0)
        r = append_sets(self, since, &sets, json);
    label_sets_finish(&sets);
    return r;
}

/* With `asking`. What policy and library gave is used again for a while: each looks at every
 * process, and copies its labels into its samples, which live as long as the scrape. */
static int ask(struct live *self, const char *since, struct string_buffer *json)
{
    uint64_t rare = collector_bit(self->runner, "library") | collector_bit(self->runner, "policy");
    uint64_t usual = runner_usual(self->runner) & ~rare & ~collector_bit(self->runner, "details");
    struct scrape *scrape = NULL;
    int r = 0;
    if (clock_monotonic_ns() >= self->rare_until_ns) {
        scrape_destroy(&self->rare);
        r = collect(self, rare, &self->rare);
        self->rare_until_ns = r == 0 ? clock_monotonic_ns() + RARE_NS : 0;
    }
    if (r == 0)
        r = collect(self, usual, &scrape);
    if (r == 0)
        r = append_scrapes(self, since, (struct scrape *const[]){scrape, self->rare}, json);
    scrape_destroy(&scrape);
    return r;
}

int live_append_changes(struct live *self, const char *since, struct string_buffer *json)
{
    pthread_mutex_lock(&self->asking);
    int r = ask(self, since, json);
    pthread_mutex_unlock(&self->asking);
    return r;
}

uint32_t live_find(struct live *self, const char *labels, size_t size)
{
    pthread_mutex_lock(&self->lock);
    uint32_t id = live_rows_find(&self->rows, LABEL_SECTION_SOCKETS, labels, size);
    pthread_mutex_unlock(&self->lock);
    return id;
}

void live_append_history(struct live *self, const uint32_t *ids, size_t n_ids, uint64_t since,
                         struct string_buffer *json)
{
    pthread_mutex_lock(&self->lock);
    string_buffer_append_format(json, "\"interval_seconds\":%u,\"tick\":%" PRIu64 ",\"rows\":[",
                                (unsigned)(LIVE_HISTORY_INTERVAL_NS / CLOCK_NS_PER_SECOND),
                                self->rows.tick);
    for (size_t i = 0; i < n_ids; i++) {
        size_t before = json->size;
        if (i && json->data && json->data[before - 1] != '[')
            string_buffer_append(json, ",", 1);
        size_t with_comma = json->size;
        live_rows_append_history(&self->rows, ids[i], since, json);
        if (json->size == with_comma)
            json->size = before;
    }
    string_buffer_append(json, "]", 1);
    pthread_mutex_unlock(&self->lock);
}
