/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_config.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

/* The lock is held. */
static int load(struct agent_config *self, struct error *err)
{
    struct exporter_config *config = NULL;
    struct agent_sections sections = {0};
    int r = exporter_config_load(self->path, &config, err);
    if (r == 0)
        r = agent_sections_load(config, &sections, err);
    if (r == 0)
        r = probe_pool_apply(self->pool, config, err);
    if (r == 0)
        agent_sections_give(&sections, &self->handovers);
    agent_sections_finish(&sections);
    exporter_config_unref(&config);
    __atomic_store_n(&self->is_current, r == 0, __ATOMIC_RELAXED);
    if (r == 0)
        __atomic_store_n(&self->loaded_ns, clock_realtime_ns(), __ATOMIC_RELAXED);
    return r;
}

int agent_config_init(struct agent_config *self, const struct agent_options *options,
                      struct error *err)
{
    const char *path = options->config_file;
    *self = (struct agent_config){.path = path && *path ? path : NULL};
    pthread_mutex_init(&self->lock, NULL);
    int r = probe_pool_new(NULL, &self->pool, err);
    if (r < 0)
        return r;
    pthread_mutex_lock(&self->lock);
    r = load(self, err);
    pthread_mutex_unlock(&self->lock);
    return r < 0 ? error_prefix(err, r, "--config.file") : 0;
}

void agent_config_finish(struct agent_config *self)
{
    probe_pool_destroy(&self->pool);
    agent_handovers_finish(&self->handovers);
    pthread_mutex_destroy(&self->lock);
}

int agent_config_reload(struct agent_config *self, struct error *err)
{
    pthread_mutex_lock(&self->lock);
    int r = load(self, err);
    pthread_mutex_unlock(&self->lock);
    if (r == 0)
        log_info("loaded the configuration", "file", self->path);
    else
        log_error("cannot load the configuration; the former stays", "error", err->message);
    return r;
}

void agent_config_handle(void *state, const struct http_request *request,
                         struct http_response *response)
{
    struct error err;
    (void)request;
    if (agent_config_reload(state, &err) == 0) {
        http_response_text(response, 200, "the configuration is loaded\n");
        return;
    }
    struct string_buffer text = {0};
    string_buffer_append_format(&text, "cannot load the configuration; the former stays: %s\n",
                                err.message);
    http_response_take(response, "text/plain; charset=utf-8", &text);
    response->status = 500;
}

/* Without the lock: a scrape does not wait for a file. */
static void add_samples(void *state, struct samples *out)
{
    const struct agent_config *self = state;
    bool is_current = __atomic_load_n(&self->is_current, __ATOMIC_RELAXED);
    uint64_t loaded_ns = __atomic_load_n(&self->loaded_ns, __ATOMIC_RELAXED);
    samples_add_u64(out, FAMILY_CONFIG_RELOAD_SUCCESSFUL, LABEL_TEXT_NONE, NULL, is_current);
    samples_add_real(out, FAMILY_CONFIG_RELOAD_SUCCESS_TIMESTAMP, LABEL_TEXT_NONE, NULL,
                     (double)loaded_ns / (double)CLOCK_NS_PER_SECOND);
}

struct self_source agent_config_source(struct agent_config *self)
{
    return (struct self_source){add_samples, self};
}
