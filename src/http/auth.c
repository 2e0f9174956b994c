/* SPDX-License-Identifier: MPL-2.0 */
#include "http/auth.h"

#include "base/condition.h"
#include "http/auth_bcrypt.h"

#include <assert.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MAC_SIZE 32u
#define KNOWN    256u
#define NICENESS 10

struct mac {
    unsigned char bytes[MAC_SIZE];
};

/* The last KNOWN results; the oldest goes. */
struct memory {
    struct mac macs[KNOWN];
    unsigned n, oldest;
};

struct auth {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct memory allowed, refused;
    struct auth_job *first, **last_p;
    struct auth_job *in_hand;
    unsigned n_pending; /* with the one in hand */
    pthread_t thread;
    bool has_thread, is_stopping, is_ended;
    unsigned char secret[MAC_SIZE]; /* of this process */
};

static bool memory_has(const struct memory *self, const struct mac *mac)
{
    for (unsigned i = 0; i < self->n; i++) {
        if (memcmp(self->macs[i].bytes, mac->bytes, MAC_SIZE) == 0)
            return true;
    }
    return false;
}

static void memory_add(struct memory *self, const struct mac *mac)
{
    if (memory_has(self, mac))
        return;
    if (self->n < KNOWN) {
        self->macs[self->n++] = *mac;
        return;
    }
    self->macs[self->oldest] = *mac;
    self->oldest = (self->oldest + 1) % KNOWN;
}

static bool is_equal_text(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && gnutls_memcmp(a, b, n) == 0;
}

/* All users are looked at, whichever it is. */
static const struct web_config_user *find_user(const struct web_config *config, const char *name)
{
    const struct web_config_user *found = NULL;
    for (size_t i = 0; i < config->n_users; i++) {
        if (is_equal_text(config->users[i].name, name))
            found = &config->users[i];
    }
    return found;
}

static void sign(const struct auth *self, const char *user, const char *password, const char *hash,
                 struct mac *ret_mac)
{
    /* A NUL ends each part, and no part has one within. */
    char text[AUTH_HEADER_BYTES_MAX + AUTH_BCRYPT_SIZE + 2];
    size_t n_user = strlen(user) + 1, n_password = strlen(password) + 1, n_hash = strlen(hash);
    assert(n_user + n_password + n_hash <= sizeof(text));
    memcpy(text, user, n_user);
    memcpy(text + n_user, password, n_password);
    memcpy(text + n_user + n_password, hash, n_hash);
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, self->secret, sizeof(self->secret), text,
                         n_user + n_password + n_hash, ret_mac->bytes) < 0)
        (void)gnutls_rnd(GNUTLS_RND_NONCE, ret_mac->bytes, MAC_SIZE); /* matches nothing */
    explicit_bzero(text, sizeof(text));
}

/* What an unknown user is measured against: the cost is that of one of the users, always the same
 * for the same name, so that time tells nothing. */
static void fake_hash(const struct auth *self, const struct web_config *config, const char *user,
                      char ret_hash[static AUTH_BCRYPT_SIZE])
{
    struct mac mac;
    sign(self, user, "", "", &mac);
    size_t choice = (size_t)(mac.bytes[0] | mac.bytes[1] << 8) % config->n_users;
    auth_bcrypt_fake(config->users[choice].cost, ret_hash);
}

/* The user's hash or a fake, and the name of this attempt in memory. */
struct attempt {
    bool is_user;
    char hash[AUTH_BCRYPT_SIZE];
    struct mac mac;
};

static void attempt_init(const struct auth *self, const struct web_config *config,
                         const struct auth_credentials *credentials, struct attempt *ret)
{
    const struct web_config_user *user = find_user(config, credentials->user);
    ret->is_user = user != NULL;
    fake_hash(self, config, credentials->user, ret->hash);
    if (user)
        memcpy(ret->hash, user->hash, strlen(user->hash) + 1);
    sign(self, credentials->user, credentials->password, ret->hash, &ret->mac);
}

static enum auth_verdict recall(struct auth *self, const struct mac *mac)
{
    pthread_mutex_lock(&self->lock);
    enum auth_verdict verdict = memory_has(&self->allowed, mac)   ? AUTH_ALLOWED
                                : memory_has(&self->refused, mac) ? AUTH_REFUSED
                                                                  : AUTH_UNKNOWN;
    pthread_mutex_unlock(&self->lock);
    return verdict;
}

enum auth_verdict auth_check(struct auth *self, const struct web_config *config,
                             const struct auth_credentials *credentials)
{
    if (config->n_users == 0)
        return AUTH_ALLOWED;
    struct attempt attempt;
    attempt_init(self, config, credentials, &attempt);
    return recall(self, &attempt.mac);
}

static enum auth_verdict compute(struct auth *self, const struct auth_job *job)
{
    struct attempt attempt;
    if (job->config->n_users == 0)
        return AUTH_ALLOWED;
    attempt_init(self, job->config, &job->credentials, &attempt);
    enum auth_verdict verdict = recall(self, &attempt.mac); /* a job before this one may know */
    if (verdict != AUTH_UNKNOWN)
        return verdict;

    bool is_match = auth_bcrypt_matches(attempt.hash, job->credentials.password);
    verdict = is_match && attempt.is_user ? AUTH_ALLOWED : AUTH_REFUSED;
    pthread_mutex_lock(&self->lock);
    memory_add(verdict == AUTH_ALLOWED ? &self->allowed : &self->refused, &attempt.mac);
    pthread_mutex_unlock(&self->lock);
    return verdict;
}

/* With the lock. */
static struct auth_job *take_first(struct auth *self)
{
    struct auth_job *job = self->first;
    self->first = job->next;
    if (!self->first)
        self->last_p = &self->first;
    return job;
}

static void *run(void *state)
{
    struct auth *self = state;
    pthread_setname_np(pthread_self(), "bcrypt");
    /* Somebody who guesses passwords keeps it busy: scrapes go first, however nice the exporter is
     * itself. 0 is this thread; what would be beyond the last niceness is the last. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICENESS);
    pthread_mutex_lock(&self->lock);
    for (;;) {
        while (!self->first && !self->is_stopping)
            pthread_cond_wait(&self->changed, &self->lock);
        if (!self->first)
            break;
        struct auth_job *job = take_first(self);
        bool is_stopping = self->is_stopping;
        self->in_hand = job;
        pthread_mutex_unlock(&self->lock);

        job->verdict = is_stopping ? AUTH_REFUSED : compute(self, job);
        auth_credentials_wipe(&job->credentials);

        pthread_mutex_lock(&self->lock);
        self->in_hand = NULL;
        self->n_pending--;
        pthread_mutex_unlock(&self->lock);
        job->done(job); /* may free the job */
        pthread_mutex_lock(&self->lock);
    }
    self->is_ended = true;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

int auth_new(struct auth **ret_auth)
{
    struct auth *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    if (gnutls_rnd(GNUTLS_RND_KEY, self->secret, sizeof(self->secret)) < 0) {
        free(self);
        return -EIO;
    }
    self->last_p = &self->first;
    pthread_mutex_init(&self->lock, NULL);
    condition_init(&self->changed);
    *ret_auth = self;
    return 0;
}

/* With the lock. */
static bool is_full(const struct auth *self, uint64_t client)
{
    unsigned n = self->in_hand && self->in_hand->client == client;
    for (const struct auth_job *job = self->first; job; job = job->next)
        n += job->client == client;
    return self->n_pending >= AUTH_PENDING_MAX || n >= AUTH_PENDING_PER_CLIENT_MAX;
}

int auth_submit(struct auth *self, struct auth_job *job)
{
    int r = 0;
    pthread_mutex_lock(&self->lock);
    if (self->is_stopping || is_full(self, job->client))
        r = -EBUSY;
    if (r == 0 && !self->has_thread) {
        r = -pthread_create(&self->thread, NULL, run, self);
        self->has_thread = r == 0;
    }
    if (r == 0) {
        job->next = NULL;
        job->verdict = AUTH_UNKNOWN;
        *self->last_p = job;
        self->last_p = &job->next;
        self->n_pending++;
        pthread_cond_broadcast(&self->changed);
    }
    pthread_mutex_unlock(&self->lock);
    return r;
}

bool auth_stop(struct auth *self, uint64_t patience_ms)
{
    uint64_t deadline_ns = clock_monotonic_ns() + patience_ms * CLOCK_NS_PER_MS;
    pthread_mutex_lock(&self->lock);
    self->is_stopping = true;
    pthread_cond_broadcast(&self->changed);
    int r = 0;
    while (self->has_thread && !self->is_ended && r == 0)
        r = condition_wait_until(&self->changed, &self->lock, deadline_ns);
    bool is_ended = !self->has_thread || self->is_ended;
    bool must_join = is_ended && self->has_thread;
    if (must_join)
        self->has_thread = false;
    pthread_mutex_unlock(&self->lock);
    if (must_join)
        pthread_join(self->thread, NULL);
    return is_ended;
}

void auth_destroy(struct auth **self_p)
{
    struct auth *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    explicit_bzero(self, sizeof(*self));
    free(self);
}
