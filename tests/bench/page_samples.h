/* SPDX-License-Identifier: MPL-2.0 */
/*
 * page_samples - the samples of a page of any size, as the tap collector would give them: groups
 * with a series in each of many families. Labels and values change from round to round.
 */
#ifndef TESTS_BENCH_PAGE_SAMPLES_H
#define TESTS_BENCH_PAGE_SAMPLES_H

#include "metrics/labels.h"
#include "metrics/samples.h"

#include <stdio.h>
#include <stdlib.h>

struct page_samples {
    size_t n_series;
    size_t n_groups;
    struct string_buffer *labels; /* one a group */
    uint64_t round;
};

/* Families that a group of sockets has one series in; every fourth has real numbers. */
static const enum family_id page_families[] = {
    FAMILY_SOCKETS,
    FAMILY_SOCKET_PEERS,
    FAMILY_SOCKET_SENT_MESSAGES,
    FAMILY_SOCKET_RECEIVED_MESSAGES,
    FAMILY_SOCKET_SENT_BYTES,
    FAMILY_SOCKET_RECEIVED_BYTES,
    FAMILY_SOCKET_SEND_QUEUE,
    FAMILY_SOCKET_RECEIVE_QUEUE,
    FAMILY_SOCKET_SEND_HWM,
    FAMILY_SOCKET_RECEIVE_HWM,
    FAMILY_SOCKET_SEND_HWM_PROXIMITY,
    FAMILY_SOCKET_RECEIVE_HWM_PROXIMITY,
    FAMILY_SOCKET_HANDSHAKES,
    FAMILY_SOCKET_DISCONNECTS,
    FAMILY_SOCKET_CONNECT_RETRIES,
    FAMILY_SOCKET_ACCEPT_FAILURES,
    FAMILY_SOCKET_BIND_FAILURES,
};
static const char *const page_causes[] = {"cause=\"auth\",detail=\"400\"",
                                          "cause=\"protocol\",detail=\"zmtp_cryptographic\"",
                                          "cause=\"transport\",detail=\"ECONNRESET\""};

#define PAGE_N_FAMILIES (sizeof(page_families) / sizeof(*page_families))
#define PAGE_N_CAUSES   (sizeof(page_causes) / sizeof(*page_causes))

static inline void page_samples_init(struct page_samples *self, size_t n_series)
{
    size_t a_group = PAGE_N_FAMILIES + PAGE_N_CAUSES;
    *self = (struct page_samples){.n_series = n_series,
                                  .n_groups = (n_series + a_group - 1) / a_group};
    self->labels = calloc(self->n_groups, sizeof(*self->labels));
    if (!self->labels)
        abort();
}

/* Every round the labels are other texts and the numbers other numbers. */
static inline void page_samples_change(struct page_samples *self)
{
    char text[64];
    self->round++;
    for (size_t i = 0; i < self->n_groups; i++) {
        string_buffer_clear(&self->labels[i]);
        (void)snprintf(text, sizeof(text), "market-data-%zu", (i + self->round) % 97);
        labels_append(&self->labels[i], "program", text);
        labels_append(&self->labels[i], "type", i % 2 ? "PUB" : "SUB");
        (void)snprintf(text, sizeof(text), "tcp://10.%zu.0.%zu:5%03zu", self->round % 250, i % 250,
                       i);
        labels_append(&self->labels[i], "address", text);
    }
}

static inline void page_samples_fill(const struct page_samples *self, struct samples *out)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_groups; i++) {
        struct label_text labels = {self->labels[i].data, (uint32_t)self->labels[i].size};
        for (size_t k = 0; k < PAGE_N_FAMILIES && n < self->n_series; k++, n++) {
            uint64_t value = (self->round * 2654435761u + i * 40503u) >> (k * 2 % 40);
            if (k % 4 == 2)
                samples_add_scaled(out, page_families[k], labels, NULL,
                                   (struct samples_scaled){value % 1000000000, 9});
            else
                samples_add_u64(out, page_families[k], labels, NULL, value);
        }
        for (size_t k = 0; k < PAGE_N_CAUSES && n < self->n_series; k++, n++)
            samples_add_u64(out, FAMILY_SOCKET_HANDSHAKE_FAILURES, labels, page_causes[k], k + i);
    }
}

static inline void page_samples_finish(struct page_samples *self)
{
    for (size_t i = 0; i < self->n_groups; i++)
        string_buffer_finish(&self->labels[i]);
    free(self->labels);
}

#endif
