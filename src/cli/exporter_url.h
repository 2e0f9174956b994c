/* SPDX-License-Identifier: MPL-2.0 */
/* exporter_url - where an exporter is, as a person writes it. */
#ifndef CLI_EXPORTER_URL_H
#define CLI_EXPORTER_URL_H

#include "base/error.h"

#include <stdbool.h>

struct exporter_url {
    bool has_tls;
    char host[256], port[16]; /* an IPv6 address without its brackets */
    char prefix[256];         /* "" or "/of/a/proxy" */
};

/* "http://host:port/prefix", "https://[::1]:10556", "host". Errors: -EINVAL with `err` set. */
int exporter_url_parse(const char *text, struct exporter_url *ret_url, struct error *err);

#endif
