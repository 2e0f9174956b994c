/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/family.h"

#include <assert.h>

static const struct family families[FAMILY_N] = {
#define X(id, name, type, unit, help) [FAMILY_##id] = {name, FAMILY_##type, unit, help},
    FAMILY_TABLE(X)
#undef X
};

const struct family *family_get(enum family_id id)
{
    assert(id < FAMILY_N);
    return &families[id];
}

const char *family_type_name(enum family_type type)
{
    switch (type) {
    case FAMILY_COUNTER:
        return "counter";
    case FAMILY_HISTOGRAM:
        return "histogram";
    case FAMILY_GAUGE:
    case FAMILY_INFO:
        break;
    }
    return "gauge";
}
