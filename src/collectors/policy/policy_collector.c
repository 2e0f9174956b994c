/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/policy/policy_collector.h"
#include "collectors/policy/policy_settings_read.h"

#include "base/clock.h"
#include "metrics/labels.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The names of these labels, in one place. */
#define LABEL_PROGRAM  "program"
#define LABEL_ENDPOINT "address"

struct policy_collector {
    const char *directory;
    struct handover *handover;
    struct peek_link *peek;
    struct collector libraries;
    bool has_libraries;
    uint64_t (*now_ns)(void);
    pthread_mutex_t lock; /* over all below */
    struct policy_settings *settings;
    struct policy_findings findings;
    uint64_t made_ns; /* 0: never */
    int result;       /* of the last attempt */
    struct string_buffer labels;
};

static void take_settings(struct policy_collector *self)
{
    struct policy_settings *settings = self->handover ? handover_take(self->handover) : NULL;
    if (!settings)
        return;
    policy_settings_destroy(&self->settings);
    self->settings = settings;
    self->made_ns = 0;
}

/* What is no directory, or is closed to us, holds no sockets: that this is so is the tap
 * collector's word, and once is enough. */
static bool is_told_by_tap(int r)
{
    return r == -ENOENT || r == -ENOTDIR || r == -EACCES;
}

static int make(struct policy_collector *self)
{
    struct policy_facts facts = {0};
    struct policy_findings findings;
    int r = policy_facts_gather(self->directory, self->peek, &facts);
    if (r == 0 && !is_told_by_tap(facts.directory_result))
        r = facts.directory_result;
    if (r < 0) {
        policy_facts_finish(&facts);
        return r;
    }
    const struct policy_subjects subjects = {
        .facts = &facts, .libraries = self->has_libraries ? &self->libraries : NULL};
    r = policy_findings_make(&subjects, self->settings, &findings);
    policy_facts_finish(&facts);
    policy_findings_finish(&self->findings);
    self->findings = findings;
    return r;
}

/* The lock is held. */
static int refresh(struct policy_collector *self, uint64_t age_ns)
{
    uint64_t now_ns = self->now_ns();
    take_settings(self);
    if (self->made_ns && now_ns - self->made_ns < age_ns)
        return self->result;
    self->made_ns = now_ns;
    self->result = make(self);
    return self->result;
}

static struct label_text copy_labels(const struct policy_collector *self, struct samples *out)
{
    return samples_copy_labels(out, self->labels.data, self->labels.size);
}

static void add_finding(struct policy_collector *self, struct samples *out,
                        const struct policy_finding *finding)
{
    struct string_buffer *labels = &self->labels;
    string_buffer_clear(labels);
    labels_append(labels, "check", finding->check->name);
    labels_append(labels, "severity", advisory_severity_name(finding->severity));
    labels_append(labels, LABEL_PROGRAM, finding->program);
    if (*finding->type)
        labels_append(labels, "type", finding->type);
    if (*finding->endpoint)
        labels_append(labels, LABEL_ENDPOINT, finding->endpoint);
    samples_add_u64(out, FAMILY_POLICY_VIOLATIONS, copy_labels(self, out), NULL, finding->n);
}

static int collect_locked(struct policy_collector *self, struct samples *out, struct error *err)
{
    int r = refresh(self, POLICY_INTERVAL_S * CLOCK_NS_PER_SECOND);
    if (r < 0)
        return error_set(err, r, "cannot read segments in %s: %s", self->directory, strerror(-r));
    for (size_t i = 0; i < self->findings.n; i++)
        add_finding(self, out, &self->findings.items[i]);
    for (size_t i = 0; i < policy_n_checks; i++) {
        if (!self->settings->is_enabled || !self->settings->is_check_enabled[i])
            continue;
        string_buffer_clear(&self->labels);
        labels_append(&self->labels, "check", policy_checks[i].name);
        samples_add_u64(out, FAMILY_POLICY_CHECKS, copy_labels(self, out), NULL,
                        self->findings.n_looked_at[i]);
    }
    samples_add_u64(out, FAMILY_POLICY_FOLDED_VIOLATIONS, LABEL_TEXT_NONE, NULL,
                    self->findings.n_beyond_limit);
    return self->labels.has_failed ? -ENOMEM : 0;
}

static int collect(void *state, struct samples *out, struct error *err)
{
    struct policy_collector *self = state;
    pthread_mutex_lock(&self->lock);
    int r = collect_locked(self, out, err);
    pthread_mutex_unlock(&self->lock);
    return r;
}

int policy_collector_report(const struct collector *collector, const struct policy_report *report,
                            struct string_buffer *out)
{
    struct policy_collector *self = collector->state;
    pthread_mutex_lock(&self->lock);
    int r = refresh(self, CLOCK_NS_PER_SECOND);
    if (r == 0)
        r = (int)policy_report_write(report, &self->findings, out);
    pthread_mutex_unlock(&self->lock);
    return r;
}

static void destroy(void *state)
{
    struct policy_collector *self = state;
    policy_settings_destroy(&self->settings);
    policy_findings_finish(&self->findings);
    string_buffer_finish(&self->labels);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

int policy_collector_new(const struct policy_options *options, struct collector *ret_collector,
                         struct error *err)
{
    struct policy_collector *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
    pthread_mutex_init(&self->lock, NULL);
    self->directory = options->directory;
    self->handover = options->settings;
    self->peek = options->peek;
    self->now_ns = options->now_ns ? options->now_ns : clock_monotonic_ns;
    if (options->libraries) {
        self->libraries = *options->libraries;
        self->has_libraries = true;
    }
    int r = policy_settings_read(NULL, &self->settings, err);
    if (r < 0) {
        destroy(self);
        return r;
    }
    *ret_collector = (struct collector){
        .name = "policy", .state = self, .collect = collect, .destroy = destroy};
    return 0;
}
