/* SPDX-License-Identifier: MPL-2.0 */
/*
 * web_live - the web configuration in force, which follows its files.
 *
 * web_live_get() looks whether the file, or a certificate it names, is another than the one read
 * (a few calls of stat, no reading) and if so reads all anew and swaps it whole. What is bad is
 * not taken: the former stays, and the listener is told, once per change of the files. Whether
 * there is TLS at all is decided at start.
 *
 * Thread:  any.   Blocks: while files are read, once per change, on one thread only.
 * Owns:    settings are counted: each web_live_get() needs its web_settings_release().
 * Errors:  -EINVAL or -errno with `err` filled, at start only.
 */
#ifndef HTTP_WEB_LIVE_H
#define HTTP_WEB_LIVE_H

#include "http/tls.h"
#include "http/web_config.h"

struct web_settings {
    unsigned n_users; /* of these settings; not for others to touch */
    struct web_config *config;
    struct tls_setup *tls; /* NULL: no TLS */
    struct web_bucket *bucket;
};

/* What became of the last change: `error` is NULL if it was taken. Called on the thread that
 * noticed it. */
typedef void (*web_live_report)(void *state, const struct error *error);

struct web_live;

/* `path` NULL or "": empty settings that stay. */
int web_live_new(const char *path, struct web_live **ret_live, struct error *err);

void web_live_destroy(struct web_live **self_p);

/* Before other threads use it. */
void web_live_set_report(struct web_live *self, web_live_report report, void *state);

/* The settings of now; never NULL. */
struct web_settings *web_live_get(struct web_live *self);

void web_settings_release(struct web_settings *settings);

/* Takes a token of the rate limit; false if there is none. `now_ns` is of the monotonic clock.
 * Settings that follow others with the same interval and burst go on with their bucket; where one
 * of the two changed, a new bucket begins, full. */
bool web_settings_admit(struct web_settings *settings, int64_t now_ns);

bool web_live_has_file(const struct web_live *self);

/* For metrics: whether the files as they are now are in force, and since when (Unix time). */
bool web_live_is_current(struct web_live *self);
double web_live_taken_seconds(struct web_live *self);

#endif
