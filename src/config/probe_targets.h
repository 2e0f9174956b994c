/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_targets - which endpoints /probe may be asked for. Without a pattern: none.
 *
 *     tcp://feed.example.org:5556     this host name, as it is written
 *     tcp://f*.example.org:5550-5559  `*` is a part of one label of the name; a range of ports
 *     tcp://10.1.0.0/16:*             any address in there, given as an address; any port
 *     tcp://[2001:db8::]/32:5556
 *     ipc:///run/feed/s*              `*` is a part of one path component
 *
 * A pattern for names never matches an address and the other way round, so that whoever owns a
 * name cannot choose which address a pattern meant.
 *
 * Thread: any.   Owns: its patterns; texts are borrowed from the document.
 * Errors: -EINVAL with "path:line:column: why", -ENOMEM.
 */
#ifndef CONFIG_PROBE_TARGETS_H
#define CONFIG_PROBE_TARGETS_H

#include "config/config_document.h"
#include "config/endpoint_address.h"

#define PROBE_TARGETS_MAX 1000

struct probe_target;

struct probe_targets {
    struct probe_target *items;
    size_t n;
};

/* `list` may be NULL. */
int probe_targets_read(const struct config_node *list, struct probe_targets *ret,
                       struct error *err);
void probe_targets_finish(struct probe_targets *self);

bool probe_targets_allow(const struct probe_targets *self, const struct endpoint_address *address);

#endif
