/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/policy/policy_findings.h"

#include "base/array.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct making {
    const struct policy_settings *settings;
    struct policy_findings *findings;
    int result;
};

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%.*s", (int)size - 1, text);
}

static int append(struct policy_findings *self, const struct policy_finding *finding)
{
    if (self->n >= POLICY_FINDINGS_MAX) {
        self->n_beyond_limit++;
        return 0;
    }
    if (!array_make_room(&self->items, &self->capacity, self->n, sizeof(*self->items)))
        return -ENOMEM;
    self->items[self->n++] = *finding;
    return 0;
}

/*
 * Sockets, a group at a time
 */
struct run {
    struct policy_socket *const *sockets;
    size_t n;
};

static bool is_same_group(const struct policy_socket *a, const struct policy_socket *b)
{
    return strcmp(a->process->program, b->process->program) == 0 && strcmp(a->type, b->type) == 0 &&
           strcmp(a->endpoint, b->endpoint) == 0;
}

static void apply_to_group(struct making *self, size_t row, const struct run *run)
{
    const struct policy_check *check = &policy_checks[row];
    const struct policy_socket *first = run->sockets[0];
    struct policy_finding finding = {.check = check, .severity = self->settings->severity[row]};
    bool is_decided = false;
    for (size_t i = 0; i < run->n; i++) {
        struct policy_detail detail = {""};
        enum policy_verdict verdict = check->socket_rule(run->sockets[i], self->settings, &detail);
        is_decided |= verdict == POLICY_KEPT || verdict == POLICY_BROKEN;
        if (verdict != POLICY_BROKEN)
            continue;
        if (finding.n < POLICY_FINDING_FIRST)
            finding.first[finding.n] = (struct policy_one){run->sockets[i]->process->pid,
                                                           run->sockets[i]->serial};
        if (finding.n++)
            continue;
        finding.pid = run->sockets[i]->process->pid;
        memcpy(finding.detail, detail.text, sizeof(finding.detail));
    }
    self->findings->n_looked_at[row] += is_decided;
    if (!finding.n)
        return;
    copy(finding.program, sizeof(finding.program), first->process->program);
    copy(finding.type, sizeof(finding.type), first->type);
    copy(finding.endpoint, sizeof(finding.endpoint), first->endpoint);
    self->result = append(self->findings, &finding);
}

static bool concerns(const struct making *self, size_t row, const char *program, const char *type,
                     const char *endpoint)
{
    return self->settings->is_check_enabled[row] &&
           !policy_settings_exempt(self->settings, policy_checks[row].name, program, type,
                                   endpoint);
}

static void apply_to_sockets(struct making *self, const struct policy_facts *facts)
{
    struct run run;
    for (size_t i = 0; self->result == 0 && i < facts->n_sockets; i += run.n) {
        const struct policy_socket *first = facts->sockets[i];
        run = (struct run){&facts->sockets[i], 1};
        while (i + run.n < facts->n_sockets && is_same_group(first, facts->sockets[i + run.n]))
            run.n++;
        self->findings->n_groups++;
        for (size_t row = 0; self->result == 0 && row < policy_n_checks; row++) {
            if (policy_checks[row].socket_rule &&
                concerns(self, row, first->process->program, first->type, first->endpoint))
                apply_to_group(self, row, &run);
        }
    }
    self->findings->n_sockets = facts->n_sockets;
    for (size_t i = 0; i < facts->n_sockets; i++)
        self->findings->n_untapped += facts->sockets[i]->process->is_untapped;
}

/*
 * Processes and libraries
 */
static struct policy_finding *find(const struct policy_findings *self,
                                   const struct policy_finding *other)
{
    for (size_t i = 0; i < self->n; i++) {
        struct policy_finding *finding = &self->items[i];
        if (finding->check == other->check && strcmp(finding->program, other->program) == 0 &&
            strcmp(finding->type, other->type) == 0 &&
            strcmp(finding->endpoint, other->endpoint) == 0)
            return finding;
    }
    return NULL;
}

/* Of several processes of one program it is one finding. */
static void add_finding(struct making *self, struct policy_finding *finding)
{
    struct policy_finding *former = find(self->findings, finding);
    if (former)
        former->n += finding->n;
    else
        self->result = append(self->findings, finding);
}

static void apply_to_process(struct making *self, const struct policy_process *process)
{
    for (size_t row = 0; self->result == 0 && row < policy_n_checks; row++) {
        const struct policy_check *check = &policy_checks[row];
        struct policy_detail detail = {""};
        if (!check->process_rule || !concerns(self, row, process->program, "", ""))
            continue;
        enum policy_verdict verdict = check->process_rule(process, self->settings, &detail);
        self->findings->n_looked_at[row] += verdict == POLICY_KEPT || verdict == POLICY_BROKEN;
        if (verdict != POLICY_BROKEN)
            continue;
        struct policy_finding finding = {
            .check = check, .severity = self->settings->severity[row], .n = 1, .pid = process->pid};
        copy(finding.program, sizeof(finding.program), process->program);
        memcpy(finding.detail, detail.text, sizeof(finding.detail));
        add_finding(self, &finding);
    }
}

static void apply_to_library(const struct library_finding *library, void *data)
{
    struct making *self = data;
    for (size_t row = 0; self->result == 0 && row < policy_n_checks; row++) {
        const struct policy_check *check = &policy_checks[row];
        struct policy_detail detail = {""};
        if (!check->library_rule || !concerns(self, row, library->program, "", ""))
            continue;
        enum policy_verdict verdict = check->library_rule(library, &detail);
        self->findings->n_looked_at[row] += verdict == POLICY_KEPT || verdict == POLICY_BROKEN;
        if (verdict != POLICY_BROKEN)
            continue;
        struct policy_finding finding = {
            .check = check, .severity = self->settings->severity[row], .n = library->n_processes};
        copy(finding.program, sizeof(finding.program), library->program);
        memcpy(finding.detail, detail.text, sizeof(finding.detail));
        add_finding(self, &finding);
    }
}

static int compare(const void *a, const void *b)
{
    const struct policy_finding *left = a, *right = b;
    int r = (int)right->severity - (int)left->severity;
    if (r == 0)
        r = strcmp(left->program, right->program);
    if (r == 0)
        r = strcmp(left->type, right->type);
    if (r == 0)
        r = strcmp(left->endpoint, right->endpoint);
    return r ? r : (left->check > right->check) - (left->check < right->check);
}

static void sort(struct policy_findings *self)
{
    if (self->n)
        qsort(self->items, self->n, sizeof(*self->items), compare);
}

int policy_findings_make(const struct policy_subjects *subjects,
                         const struct policy_settings *settings, struct policy_findings *ret)
{
    const struct policy_facts *facts = subjects->facts;
    struct making making = {.settings = settings, .findings = ret};
    *ret = (struct policy_findings){0};
    if (!settings->is_enabled)
        return 0;
    apply_to_sockets(&making, facts);
    for (size_t i = 0; making.result == 0 && i < facts->n_processes; i++)
        apply_to_process(&making, &facts->processes[i]);
    if (subjects->libraries)
        (void)library_collector_each(subjects->libraries, apply_to_library, &making);
    else if (subjects->tables)
        policy_libraries_each(facts, subjects->tables, apply_to_library, &making);
    sort(ret);
    return making.result;
}

static bool have_one_in_common(const struct policy_finding *a, const struct policy_finding *b)
{
    for (size_t i = 0; i < POLICY_FINDING_FIRST && i < a->n; i++) {
        for (size_t j = 0; j < POLICY_FINDING_FIRST && j < b->n; j++) {
            if (a->first[i].pid == b->first[j].pid && a->first[i].serial == b->first[j].serial)
                return true;
        }
    }
    return false;
}

/* Whether sockets without an address have got one since. Of those that have none yet, `other` tells
 * by itself. */
static bool have_moved(const struct policy_finding *former, const struct policy_findings *other)
{
    if (!*former->type || *former->endpoint)
        return false;
    for (size_t i = 0; i < other->n; i++) {
        const struct policy_finding *finding = &other->items[i];
        if (finding->check == former->check && *finding->endpoint &&
            strcmp(finding->program, former->program) == 0 &&
            strcmp(finding->type, former->type) == 0 && have_one_in_common(finding, former))
            return true;
    }
    return false;
}

static void drop_moved(struct policy_findings *self, const struct policy_findings *other)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n; i++) {
        if (!have_moved(&self->items[i], other))
            self->items[n++] = self->items[i];
    }
    self->n = n;
}

int policy_findings_merge(struct policy_findings *self, const struct policy_findings *other)
{
    int r = 0;
    drop_moved(self, other);
    for (size_t i = 0; r == 0 && i < other->n; i++) {
        struct policy_finding *former = find(self, &other->items[i]);
        if (former)
            *former = other->items[i];
        else
            r = append(self, &other->items[i]);
    }
    for (size_t i = 0; i < POLICY_CHECKS_MAX; i++) {
        if (other->n_looked_at[i] > self->n_looked_at[i])
            self->n_looked_at[i] = other->n_looked_at[i];
    }
    if (other->n_sockets > self->n_sockets)
        self->n_sockets = other->n_sockets;
    if (other->n_groups > self->n_groups)
        self->n_groups = other->n_groups;
    sort(self);
    return r;
}

void policy_findings_finish(struct policy_findings *self)
{
    free(self->items);
    *self = (struct policy_findings){0};
}
