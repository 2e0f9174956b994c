/* SPDX-License-Identifier: MPL-2.0 */
/* agent_options - what the flags of `serve` say. The caller owns all texts. */
#ifndef AGENT_AGENT_OPTIONS_H
#define AGENT_AGENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct agent_options {
    const char *const *listen_addresses; /* see http_listen.h */
    size_t n_listen_addresses;
    bool uses_systemd_socket;    /* in place of the addresses */
    const char *web_config_file; /* see web_config.h; NULL or "": none */
    const char *config_file;     /* see exporter_config.h; NULL or "": none */
    const char *telemetry_path;
    const char *directory;   /* of segments */
    unsigned max_tap_groups; /* label sets of sockets; 0: the tap collector's default */
    bool has_no_peek;        /* programs without a tap are left alone */
    bool has_details;        /* the collector `details` is part of the page */
    bool has_created;        /* OpenMetrics has the _created lines */
    const char *peek_socket; /* of a reader that systemd starts; NULL: the agent starts it */
    const char *const *peek_excluded; /* names of programs that are */
    size_t n_peek_excluded;
    unsigned max_requests;
    unsigned max_connections;
};

#endif
