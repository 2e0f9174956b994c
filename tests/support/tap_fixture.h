/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tap_fixture - a tap collector, and processes that write segments for it.
 *
 * A puppet is a child process with a segment of its own, which it published once; it waits to be
 * killed. What it publishes is filled in by a function of the test.
 */
#ifndef TESTS_SUPPORT_TAP_FIXTURE_H
#define TESTS_SUPPORT_TAP_FIXTURE_H

#include "collectors/tap/tap_collector.h"
#include "metrics/text_blocks.h"
#include "segment/segment_writer.h"
#include "support/cmocka.h"

#include <sys/types.h>

struct tap_fixture {
    char directory[64];
    struct collector collector, details;
    bool has_details; /* the page has them too */
    struct error err;
    int result; /* of the last collection */
    enum text_format format;
    char *page;
};

int tap_fixture_set_up(void **state);
int tap_fixture_tear_down(void **state);

/* Ends the collector and makes another one, as a restart of the agent does. */
void tap_fixture_restart(struct tap_fixture *self, const struct tap_options *options);

/* Scrapes; the page is self->page until the next. */
const char *tap_fixture_scrape(struct tap_fixture *self);
void tap_fixture_tick(struct tap_fixture *self);

/* The value of a series, `name{labels}` as on the page; NaN if it is absent. */
double tap_fixture_value(struct tap_fixture *self, const char *series);

/* Ticks until the series has the value, or fails the test after a while. */
void tap_fixture_wait(struct tap_fixture *self, const char *series, double value);

/* Files in the directory whose name ends so. */
unsigned tap_fixture_files(const struct tap_fixture *self, const char *suffix);

typedef void (*tap_fill)(struct segment_table *table);

pid_t tap_puppet_start(const struct tap_fixture *self, tap_fill fill);
void tap_puppet_kill(pid_t pid);

/* Makes the puppet's last heartbeat as old as that. */
void tap_puppet_be_silent(const struct tap_fixture *self, pid_t pid, uint64_t ns);

/* Opens a socket in the table: its lane's words. */
uint64_t *tap_open_socket(struct segment_table *table, uint32_t type, const char *endpoint);
void tap_set_capability(struct segment_table *table, enum segment_capability_id id,
                        enum segment_capability_state state);

#endif
