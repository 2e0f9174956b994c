/* SPDX-License-Identifier: MPL-2.0 */
#include "metrics/text_lines.h"

#include "metrics/text_digits.h"

/*
 * Design. A page has thousands of these lines, and some seventy instructions for each. So what is
 * common is a straight run of moves, and what is rare is called. A line costs about as much as the
 * stores that it takes, so they are wide and few.
 */

#define PUT_LITERAL(at, text) ((char *)memcpy((at), (text), sizeof(text) - 1) + sizeof(text) - 1)

/* 32 bytes in as few moves as the function that it becomes a part of may use. */
typedef uint64_t wide __attribute__((vector_size(32), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE void move_wide(char *at, const char *from)
{
    *(wide *)at = *(const wide *)from;
}

static __attribute__((noinline)) char *put_odd(char *at, const char *from, size_t n)
{
    if (n >= 16 && n <= 32) {
        memcpy(at, from, 16);
        memcpy(at + n - 16, from + n - 16, 16);
    } else if (n) { /* there may be no text at all */
        memcpy(at, from, n);
    }
    return at + n;
}

/* In few classes by size, each a fixed number of moves, the last of which overlaps: how many moves
 * there are is then the same from line to line, and the processor guesses it right. */
INLINE char *put(char *at, const char *from, size_t n)
{
    if (n <= 32 || n > 128)
        return put_odd(at, from, n);
    move_wide(at, from);
    if (n > 64)
        move_wide(at + 32, from + 32);
    if (n > 96)
        move_wide(at + 64, from + 64);
    move_wide(at + n - 32, from + n - 32);
    return at + n;
}

/* Name and opening brace. */
INLINE char *put_beginning(char *at, const struct text_beginning *beginning)
{
    move_wide(at, beginning->text);
    if (beginning->size > 32)
        move_wide(at + 32, beginning->text + 32);
    return at + beginning->size;
}

/* After a beginning, up to the number. */
INLINE char *put_labels(char *at, const struct sample *sample)
{
    size_t size = sample->labels_size, extra_size = sample->extra_size;
    at = put(at, sample->labels, size);
    if (extra_size) {
        *at = ',';
        at = put(at + (size > 0), sample->extra, extra_size);
    } else if (!size) {
        at[-1] = ' '; /* not the brace */
        return at;
    }
    return PUT_LITERAL(at, "} ");
}

INLINE char *put_number(char *at, const struct sample *sample)
{
    uint64_t digits = sample->value.digits;
    if (sample->form == TEXT_NUMBER_WHOLE)
        at = text_digits_whole(at, digits);
    else if (sample->form == TEXT_NUMBER_SCALED && sample->places == 9)
        at = text_digits_fraction(text_digits_whole(at, digits / TEXT_BILLION),
                                  (uint32_t)(digits % TEXT_BILLION));
    else
        at = text_number_write(at, sample_number(sample));
    *at++ = '\n';
    return at;
}

INLINE const struct sample *put_run(char **at_p, const struct text_block *block,
                                    const struct sample *first, const struct sample *last)
{
    char *at = *at_p;
    for (; first < last; first++) {
        if (first->kind == SAMPLE_VALUE)
            at = put_beginning(at, &block->sample);
        else if (first->kind == SAMPLE_HISTOGRAM)
            break;
        else if (block->created.size)
            at = put_beginning(at, &block->created);
        else
            continue;
        at = put_labels(at, first);
        at = put_number(at, first);
    }
    *at_p = at;
    return first;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static const struct sample *
put_run_avx2(char **at, const struct text_block *block, const struct sample *first,
             const struct sample *last)
{
    return put_run(at, block, first, last);
}
#endif

const struct sample *text_lines_put(char **at, const struct text_block *block,
                                    const struct sample *first, const struct sample *last)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return put_run_avx2(at, block, first, last);
#endif
    return put_run(at, block, first, last);
}

static char *put_ending(char *at, const struct sample *sample, struct text_number number)
{
    at = put_labels(at, sample);
    at = text_number_write(at, number);
    *at++ = '\n';
    return at;
}

static char *put_bucket(char *at, const struct sample *sample, size_t index)
{
    const struct sample_histogram *histogram = sample->value.histogram;
    if (sample->labels_size) {
        at = put(at, sample->labels, sample->labels_size);
        *at++ = ',';
    }
    at = PUT_LITERAL(at, "le=\"");
    at = put(at, histogram->bounds[index], strlen(histogram->bounds[index]));
    at = PUT_LITERAL(at, "\"} ");
    at = text_digits_whole(at, histogram->counts[index]);
    *at++ = '\n';
    return at;
}

char *text_lines_put_histogram(char *at, const struct text_block *block,
                               const struct sample *sample, size_t index)
{
    const struct sample_histogram *histogram = sample->value.histogram;
    size_t n = histogram->n_buckets;
    if (index > n + 1)
        return NULL;
    at = put(at, block->family, block->family_size);
    if (index < n)
        return put_bucket(PUT_LITERAL(at, "_bucket{"), sample, index);
    if (index == n)
        return put_ending(PUT_LITERAL(at, "_sum{"), sample, text_number_of_real(histogram->sum));
    return put_ending(PUT_LITERAL(at, "_count{"), sample,
                      text_number_of_u64(histogram->counts[n - 1]));
}
