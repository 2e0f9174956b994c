/* SPDX-License-Identifier: MPL-2.0 */
/*
 * label_sets - the samples of a scrape, gathered by label set.
 *
 * A page lists families and their label sets; who looks at one thing at a time wants label sets and
 * their families. A set has a section by what it is of, which the families' names tell.
 *
 * Owns: its arrays; samples and texts are borrowed. Thread: one. Errors: -ENOMEM.
 */
#ifndef METRICS_LABEL_SETS_H
#define METRICS_LABEL_SETS_H

#include "metrics/samples.h"

/* section, its name */
#define LABEL_SECTIONS(X)                                                                          \
    X(SOCKETS, "sockets")     /* zmq_sockets and zmq_socket families */                            \
    X(PROGRAMS, "programs")   /* what is none of the others */                                     \
    X(LIBRARIES, "libraries") /* zmq_library families */                                           \
    X(PROBES, "probes")       /* zmq_probe families */                                             \
    X(EXPORTER, "exporter")   /* zmq_exporter and process families */

enum label_section {
#define X(section, name) LABEL_SECTION_##section,
    LABEL_SECTIONS(X)
#undef X
        LABEL_N_SECTIONS,
};

const char *label_section_name(enum label_section section);

struct label_set_sample {
    const struct sample *sample;
    enum family_id family;
};

/* Samples in the order of the families, and within one as they were added. */
struct label_set {
    enum label_section section;
    const struct label_set_sample *samples;
    size_t n; /* at least one */
};

struct label_sets {
    struct label_set *sets; /* by section, then as they appear on the page */
    size_t n;
    struct label_set_sample *samples;
};

/* Gathers the families that `is_wanted` (NULL: all) names by their number; histograms and when
 * counters began are left out. Samples of one set must share the pointer of its text within a
 * part. Finish `ret` in any case. */
int label_sets_gather(const struct samples *const *parts, size_t n_parts, const bool *is_wanted,
                      struct label_sets *ret);
void label_sets_finish(struct label_sets *self);

#endif
