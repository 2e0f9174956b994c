/* SPDX-License-Identifier: MPL-2.0 */
/*
 * family - the table of everything that the exporter can say, one row a metric family.
 *
 * The page, HELP, the table in doc/metrics.md and the check of dashboards' and alerts' names come
 * from family_table.h. A counter's name in the table ends in `_total`; OpenMetrics drops it where
 * it must. Nothing can be put on a page that has no row here.
 */
#ifndef METRICS_FAMILY_H
#define METRICS_FAMILY_H

#include "metrics/family_table.h"

enum family_type { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM, FAMILY_INFO };

enum family_id {
#define X(id, name, type, unit, help) FAMILY_##id,
    FAMILY_TABLE(X)
#undef X
        FAMILY_N
};

struct family {
    const char *name;
    enum family_type type;
    const char *unit; /* as the name has it: "seconds", "bytes"; empty: none */
    const char *help;
};

/* The row of `id`, in table order, which is the page's order. */
const struct family *family_get(enum family_id id);

/* The word of TYPE lines in text 0.0.4: "counter", "gauge", "histogram". Info is a gauge there. */
const char *family_type_name(enum family_type type);

#endif
