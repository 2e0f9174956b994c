/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a new configuration is applied in two steps. The first makes everything that can fail:
 * endpoints, commands, actors; on an error it is thrown away and nothing has changed. The second
 * posts the commands, which cannot fail, and waits until the actors have followed them.
 */
#include "collectors/probe/probe_pool.h"

#include "collectors/probe/probe_actors.h"
#include "collectors/probe/probe_demand.h"
#include "collectors/probe/probe_samples.h"

#include <czmq.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A standing probe as the pool knows it; the endpoint belongs to the actor. */
struct entry {
    char *name, *endpoint_text;
    struct probe_endpoint *endpoint;
    struct probe_actor *actor;
};

struct probe_pool {
    pthread_mutex_t lock; /* of what follows, and while applying */
    struct probe_shared shared;
    struct probe_actors actors;
    struct probe_actor *on_demand;
    struct exporter_config *config;
    struct entry *entries; /* in the order of their names */
    size_t n_entries;
    unsigned n_requests;
};

/* What a new configuration leads to, before it is done. */
struct plan {
    struct entry *entries;
    size_t n_entries;
    struct probe_plan_step *steps;
    size_t n_steps;
};

struct probe_plan_step {
    struct probe_actor *actor;
    struct probe_command *command;
};

static void finish_entries(struct entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(entries[i].name);
        free(entries[i].endpoint_text);
    }
    free(entries);
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static struct entry *find_entry(const struct probe_pool *self, const char *name)
{
    struct entry key = {.name = strdupa(name)};
    return self->n_entries
               ? bsearch(&key, self->entries, self->n_entries, sizeof(key), compare_entries)
               : NULL;
}

/* The commands own what they bring, until they are posted. */
static void finish_plan(struct plan *plan)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        struct probe_command *command = plan->steps[i].command;
        if (!command)
            continue;
        if (command->kind == PROBE_COMMAND_ADD)
            probe_endpoint_destroy(&command->endpoint);
        exporter_config_unref(&command->config);
        free(command);
    }
    free(plan->steps);
    finish_entries(plan->entries, plan->n_entries);
}

static struct probe_command *add_step(struct plan *plan, struct probe_actor *actor,
                                      enum probe_command_kind kind, struct probe_endpoint *endpoint)
{
    struct probe_command *command = calloc(1, sizeof(*command));
    if (!command)
        return NULL;
    command->kind = kind;
    command->endpoint = endpoint;
    plan->steps[plan->n_steps++] = (struct probe_plan_step){actor, command};
    return command;
}

static int plan_new(struct probe_pool *self, struct plan *plan, struct exporter_config *config,
                    const struct probe_definition *definition, struct entry *entry)
{
    int r = probe_actors_place(&self->actors, &self->shared, &entry->actor);
    if (r < 0)
        return r;
    r = probe_endpoint_new(config, definition, &entry->endpoint);
    if (r == 0 && add_step(plan, entry->actor, PROBE_COMMAND_ADD, entry->endpoint))
        return 0;
    probe_endpoint_destroy(&entry->endpoint);
    probe_actors_leave(&self->actors, entry->actor);
    return r < 0 ? r : -ENOMEM;
}

static int plan_probe(struct probe_pool *self, struct plan *plan, struct exporter_config *config,
                      const struct probe_definition *definition)
{
    struct entry *entry = &plan->entries[plan->n_entries++];
    entry->name = strdup(definition->name);
    entry->endpoint_text = strdup(definition->address.text);
    if (!entry->name || !entry->endpoint_text)
        return -ENOMEM;
    const struct entry *old = find_entry(self, definition->name);
    if (!old || strcmp(old->endpoint_text, entry->endpoint_text) != 0)
        return plan_new(self, plan, config, definition, entry);

    entry->actor = old->actor;
    entry->endpoint = old->endpoint;
    struct probe_command *command = add_step(plan, entry->actor, PROBE_COMMAND_RETARGET,
                                             entry->endpoint);
    if (!command)
        return -ENOMEM;
    command->config = exporter_config_ref(config);
    command->definition = definition;
    return 0;
}

static bool plan_has(const struct plan *plan, const struct entry *old)
{
    const struct entry *found = plan->n_entries ? bsearch(old, plan->entries, plan->n_entries,
                                                          sizeof(*old), compare_entries)
                                                : NULL;
    return found && found->endpoint == old->endpoint;
}

static int make_plan(struct probe_pool *self, struct exporter_config *config, struct plan *plan)
{
    plan->entries = calloc(config->n_probes + 1, sizeof(*plan->entries));
    plan->steps = calloc(config->n_probes + self->n_entries + 1, sizeof(*plan->steps));
    if (!plan->entries || !plan->steps)
        return -ENOMEM;
    for (size_t i = 0; i < config->n_probes; i++) {
        int r = plan_probe(self, plan, config, &config->probes[i]);
        if (r < 0)
            return r;
    }
    qsort(plan->entries, plan->n_entries, sizeof(*plan->entries), compare_entries);
    for (size_t i = 0; i < self->n_entries; i++) {
        const struct entry *old = &self->entries[i];
        if (!plan_has(plan, old) &&
            !add_step(plan, old->actor, PROBE_COMMAND_REMOVE, old->endpoint))
            return -ENOMEM;
    }
    return 0;
}

/* Cannot fail. */
static void carry_out(struct probe_pool *self, struct plan *plan, struct exporter_config *config)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        bool is_removal = plan->steps[i].command->kind == PROBE_COMMAND_REMOVE;
        probe_actor_post(plan->steps[i].actor, plan->steps[i].command);
        if (is_removal)
            probe_actors_leave(&self->actors, plan->steps[i].actor);
    }
    free(plan->steps);
    finish_entries(self->entries, self->n_entries);
    self->entries = plan->entries;
    self->n_entries = plan->n_entries;
    struct exporter_config *old = self->config;
    self->config = exporter_config_ref(config);
    exporter_config_unref(&old);
    probe_actors_settle(&self->actors);
}

int probe_pool_apply(struct probe_pool *self, struct exporter_config *config, struct error *err)
{
    struct plan plan = {0};
    pthread_mutex_lock(&self->lock);
    int r = make_plan(self, config, &plan);
    if (r < 0) {
        /* Places that the plan had taken are free again. */
        for (size_t i = 0; i < plan.n_steps; i++) {
            if (plan.steps[i].command->kind == PROBE_COMMAND_ADD)
                probe_actors_leave(&self->actors, plan.steps[i].actor);
        }
        finish_plan(&plan);
        error_set(err, r, "cannot start the probes: %s", strerror(-r));
    } else {
        carry_out(self, &plan, config);
    }
    pthread_mutex_unlock(&self->lock);
    return r;
}

void probe_pool_collect(struct probe_pool *self, struct samples *out)
{
    pthread_mutex_lock(&self->lock);
    samples_add_u64(out, FAMILY_PROBE_ENDPOINTS, LABEL_TEXT_NONE, NULL, self->n_entries);
    struct probe_actor *actor;
    for (size_t i = 0; (actor = probe_actors_get(&self->actors, i)); i++) {
        for (const struct probe_endpoint *j = probe_actor_lock(actor); j; j = j->next)
            probe_samples_add(j, out);
        probe_actor_unlock(actor);
    }
    pthread_mutex_unlock(&self->lock);
}

int probe_pool_probe(struct probe_pool *self, const struct probe_query *query, struct samples *out,
                     struct string_buffer *log, struct error *err)
{
    pthread_mutex_lock(&self->lock);
    struct exporter_config *config = self->config ? exporter_config_ref(self->config) : NULL;
    bool has_place = config && self->n_requests < (unsigned)config->probe_requests;
    self->n_requests += has_place;
    pthread_mutex_unlock(&self->lock);
    if (!has_place) {
        error_set(err, 0, "%lld probes on demand are running, which is 'probe_requests'",
                  config ? (long long)config->probe_requests : 0LL);
        exporter_config_unref(&config);
        return PROBE_E_BUSY;
    }
    struct probe_demand demand = {self->on_demand, config, query, out, log};
    int r = probe_demand_run(&demand, err);
    pthread_mutex_lock(&self->lock);
    self->n_requests--;
    pthread_mutex_unlock(&self->lock);
    exporter_config_unref(&config);
    return r;
}

void probe_pool_cancel(struct probe_pool *self)
{
    probe_actor_cancel(self->on_demand);
}

/* Five descriptors or so for each probe, and one for each connection with the exporter: the soft
 * limit that a shell gives, 1024, is for programs that may use select(2), and is soon used up. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* CZMQ's context is one for the process, made by the first who uses it; it would take SIGINT and
 * SIGTERM for itself. */
static void set_up_czmq(void)
{
    setenv("ZSYS_SIGHANDLER", "false", 1);
    zsys_handler_set(NULL);
    zsys_set_logstream(stderr);
    zsys_set_max_sockets(0); /* as many as libzmq can have */
    zsys_set_io_threads(1);
    zsys_init();
}

int probe_pool_new(resolver_lookup lookup, struct probe_pool **ret, struct error *err)
{
    struct probe_pool *self = calloc(1, sizeof(*self));
    if (!self)
        return error_set(err, -ENOMEM, "not enough memory");
    raise_descriptor_limit();
    set_up_czmq();
    pthread_mutex_init(&self->lock, NULL);
    int r = resolver_new(lookup, &self->shared.resolver);
    if (r == 0)
        r = probe_actor_new(&self->shared, &self->on_demand);
    if (r < 0) {
        probe_pool_destroy(&self);
        return error_set(err, r, "cannot start the probes: %s", strerror(-r));
    }
    *ret = self;
    return 0;
}

void probe_pool_destroy(struct probe_pool **self_p)
{
    struct probe_pool *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    probe_actors_finish(&self->actors);
    probe_actor_destroy(&self->on_demand);
    resolver_destroy(&self->shared.resolver);
    finish_entries(self->entries, self->n_entries);
    exporter_config_unref(&self->config);
    pthread_mutex_destroy(&self->lock);
    free(self);
}
