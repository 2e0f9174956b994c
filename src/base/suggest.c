/* SPDX-License-Identifier: MPL-2.0 */
#include "base/suggest.h"

#include <string.h>

#define MAX_LENGTH 63

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment distance. The caller has checked that both fit MAX_LENGTH. */
static size_t distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t rows[3][MAX_LENGTH + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];

    for (size_t j = 0; j <= n_b; j++)
        last[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min(replaced, min(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min(row[j], before[j - 2] + 1);
        }
        size_t *unused = before;
        before = last;
        last = row;
        row = unused;
    }
    return last[n_b];
}

const char *suggest_nearest(const char *word, const char *const *words, size_t n)
{
    size_t length = strlen(word);
    size_t best_distance = 0;
    const char *best = NULL;

    for (size_t i = 0; length <= MAX_LENGTH && i < n; i++) {
        size_t other = words[i] ? strlen(words[i]) : MAX_LENGTH + 1;
        if (other > MAX_LENGTH)
            continue;
        size_t edits = distance(word, length, words[i], other);
        size_t limit = (length > other ? length : other) / 3;
        if (edits <= limit && (!best || edits < best_distance)) {
            best = words[i];
            best_distance = edits;
        }
    }
    return best;
}
