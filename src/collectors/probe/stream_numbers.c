/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/stream_numbers.h"

#include "base/fnv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RING          64u /* frames that can be named from the end: -64..-1 */
#define KEY_MAX       255u
#define FIRST_BUCKETS 16u

/* What was found at a place in a frame. */
struct slice {
    uint8_t bytes[KEY_MAX];
    uint8_t size;
    bool is_there; /* the frame reaches to the place */
};

/* A place of the settings, and what the frames so far had there: one slice if it counts from the
 * first frame, the last RING of them if it counts from the last. */
struct place {
    int64_t frame;
    size_t offset, width; /* width 0: to the frame's end */
    bool may_cut;         /* a slice may end before the frame does */
    struct slice *slices;
};

struct entry {
    uint64_t hash;
    uint64_t last;
    uint8_t *key; /* NULL: a free bucket */
    uint8_t key_size;
    bool has_last;
};

struct stream_numbers {
    struct probe_sequence_settings settings;
    struct stream_counts counts;
    struct place number, key;
    size_t n_frames; /* of the message in hand */
    struct entry *entries;
    size_t n_entries, n_buckets; /* a power of two */
    uint64_t seed;
};

static int place_init(struct place *self)
{
    self->slices = calloc(self->frame < 0 ? RING : 1, sizeof(*self->slices));
    return self->slices ? 0 : -ENOMEM;
}

static void place_take(struct place *self, size_t frame, const uint8_t *data, size_t size)
{
    if (self->frame >= 0 && (size_t)self->frame != frame)
        return;
    struct slice *slice = &self->slices[self->frame < 0 ? frame % RING : 0];
    slice->is_there = false;
    if (size < self->offset || size - self->offset < self->width)
        return;
    size_t n = self->width ? self->width : size - self->offset;
    if (n > KEY_MAX && !self->may_cut)
        return;
    n = n > KEY_MAX ? KEY_MAX : n;
    memcpy(slice->bytes, data + self->offset, n);
    slice->size = (uint8_t)n;
    slice->is_there = true;
}

/* The slice of a message of `n_frames`; NULL if the message has no such place. */
static const struct slice *place_get(const struct place *self, size_t n_frames)
{
    size_t frame = (size_t)self->frame;
    if (self->frame < 0) {
        size_t back = (size_t)-self->frame;
        if (back > n_frames)
            return NULL;
        frame = (n_frames - back) % RING;
    } else {
        if (frame >= n_frames)
            return NULL;
        frame = 0;
    }
    const struct slice *slice = &self->slices[frame];
    return slice->is_there ? slice : NULL;
}

int stream_numbers_new(const struct probe_sequence_settings *settings, struct stream_numbers **ret)
{
    struct stream_numbers *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->settings = *settings;
    bool is_decimal = settings->encoding == PROBE_DECIMAL;
    self->number = (struct place){
        .frame = settings->frame,
        .offset = (size_t)settings->offset,
        /* Of decimal digits the width is the most there can be, not what there must be. */
        .width = is_decimal ? 0 : (size_t)settings->width,
        .may_cut = is_decimal,
    };
    self->key = (struct place){.frame = settings->key_frame,
                               .offset = (size_t)settings->key_offset,
                               .width = (size_t)settings->key_width};
    self->n_buckets = FIRST_BUCKETS;
    self->entries = calloc(self->n_buckets, sizeof(*self->entries));
    int r = place_init(&self->number);
    if (r == 0)
        r = place_init(&self->key);
    if (r < 0 || !self->entries) {
        stream_numbers_destroy(&self);
        return -ENOMEM;
    }
    if (getrandom(&self->seed, sizeof(self->seed), GRND_NONBLOCK) < 0)
        self->seed = (uintptr_t)self;
    *ret = self;
    return 0;
}

void stream_numbers_destroy(struct stream_numbers **self_p)
{
    struct stream_numbers *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; self->entries && i < self->n_buckets; i++)
        free(self->entries[i].key);
    free(self->entries);
    free(self->number.slices);
    free(self->key.slices);
    free(self);
    *self_p = NULL;
}

static uint64_t modulus_mask(const struct probe_sequence_settings *settings)
{
    bool is_narrow = settings->encoding != PROBE_DECIMAL && settings->width < 8;
    return is_narrow ? (UINT64_C(1) << (8 * settings->width)) - 1 : UINT64_MAX;
}

static bool parse_decimal(const struct slice *slice, size_t width, uint64_t *ret)
{
    uint64_t value = 0;
    size_t n = 0;
    while (n < slice->size && (!width || n < width) && slice->bytes[n] >= '0' &&
           slice->bytes[n] <= '9') {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(slice->bytes[n] - '0'), &value))
            return false;
        n++;
    }
    *ret = value;
    return n > 0;
}

static bool parse_number(const struct probe_sequence_settings *settings, const struct slice *slice,
                         uint64_t *ret)
{
    uint64_t value = 0;
    if (!slice)
        return false;
    if (settings->encoding == PROBE_DECIMAL) {
        if (!parse_decimal(slice, (size_t)settings->width, &value))
            return false;
    } else {
        for (size_t i = 0; i < slice->size; i++) {
            bool is_big = settings->encoding == PROBE_BIG_ENDIAN;
            value = value << 8 | slice->bytes[is_big ? i : slice->size - 1u - i];
        }
    }
    if (settings->modulus && value >= (uint64_t)settings->modulus)
        return false;
    *ret = value;
    return true;
}

/* FNV-1a with a seed and a final mix: a publisher shall not choose who shares a bucket. */
static uint64_t hash_key(uint64_t seed, const uint8_t *key, size_t size)
{
    uint64_t hash = fnv_bytes_64(seed ^ FNV_BASIS_64, key, size);
    hash ^= hash >> 32;
    return hash * UINT64_C(0x9e3779b97f4a7c15);
}

static struct entry *find_bucket(struct entry *entries, size_t n_buckets, uint64_t hash,
                                 const struct slice *key)
{
    for (size_t i = (size_t)(hash >> 32);; i++) {
        struct entry *entry = &entries[i & (n_buckets - 1)];
        if (!entry->key || (entry->hash == hash && entry->key_size == key->size &&
                            memcmp(entry->key, key->bytes, key->size) == 0))
            return entry;
    }
}

/* Doubles the buckets when three quarters are taken. */
static bool grow(struct stream_numbers *self)
{
    if (self->n_entries * 4 < self->n_buckets * 3)
        return true;
    size_t n_buckets = self->n_buckets * 2;
    struct entry *entries = calloc(n_buckets, sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < self->n_buckets; i++) {
        const struct entry *old = &self->entries[i];
        size_t j = (size_t)(old->hash >> 32);
        while (old->key && entries[j & (n_buckets - 1)].key)
            j++;
        if (old->key)
            entries[j & (n_buckets - 1)] = *old;
    }
    free(self->entries);
    self->entries = entries;
    self->n_buckets = n_buckets;
    return true;
}

/* The sequence of that key, made if it is new; NULL beyond the limit. */
static struct entry *find_entry(struct stream_numbers *self, const struct slice *key)
{
    uint64_t hash = hash_key(self->seed, key->bytes, key->size);
    struct entry *entry = find_bucket(self->entries, self->n_buckets, hash, key);
    if (entry->key)
        return entry;
    size_t limit = self->settings.has_key ? (size_t)self->settings.keys_max : 1;
    if (self->n_entries >= limit || !grow(self))
        return NULL;
    entry = find_bucket(self->entries, self->n_buckets, hash, key);
    uint8_t *copy = malloc(key->size ? key->size : 1);
    if (!copy)
        return NULL;
    memcpy(copy, key->bytes, key->size);
    *entry = (struct entry){.hash = hash, .key = copy, .key_size = key->size};
    self->n_entries++;
    return entry;
}

static void follow(struct stream_numbers *self, struct entry *entry, uint64_t value)
{
    uint64_t modulus = (uint64_t)self->settings.modulus;
    uint64_t mask = modulus ? modulus - 1 : modulus_mask(&self->settings);
    if (entry->has_last) {
        /* All arithmetic is modulo (mask + 1), which does not always fit 64 bits. */
        uint64_t expected = entry->last == mask ? 0 : entry->last + 1;
        uint64_t ahead = value >= expected ? value - expected : mask - expected + value + 1;
        if (ahead <= mask / 2)
            self->counts.missed += ahead;
        else
            self->counts.restarts++;
    }
    entry->last = value;
    entry->has_last = true;
}

static void count_message(struct stream_numbers *self)
{
    static const struct slice no_key = {.is_there = true};
    const struct slice *key = self->settings.has_key ? place_get(&self->key, self->n_frames)
                                                     : &no_key;
    uint64_t value;
    if (!key || !parse_number(&self->settings, place_get(&self->number, self->n_frames), &value)) {
        self->counts.unnumbered++;
        return;
    }
    struct entry *entry = find_entry(self, key);
    if (entry)
        follow(self, entry, value);
    else
        self->counts.untracked++;
}

void stream_numbers_frame(struct stream_numbers *self, const void *data, size_t size, bool is_last)
{
    place_take(&self->number, self->n_frames, data, size);
    if (self->settings.has_key)
        place_take(&self->key, self->n_frames, data, size);
    self->n_frames++;
    if (!is_last)
        return;
    count_message(self);
    self->n_frames = 0;
}

void stream_numbers_reconnect(struct stream_numbers *self)
{
    for (size_t i = 0; i < self->n_buckets; i++)
        self->entries[i].has_last = false;
    self->n_frames = 0;
}

size_t stream_numbers_n_keys(const struct stream_numbers *self)
{
    return self->n_entries;
}

const struct stream_counts *stream_numbers_counts(const struct stream_numbers *self)
{
    return &self->counts;
}
