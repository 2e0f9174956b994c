/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a hash's buckets begin at pages that the file's first page tells, and go on from page to
 * page. A page has the offsets of its entries, keys and values in turn, each after the one before
 * it from the page's end downwards. A value is in the page, or, as headers mostly are, in a chain
 * of overflow pages. Numbers are of the machine that made the file.
 */
#include "base/cleanup.h"
#include "libraries/limited_file.h"
#include "libraries/rpm_blobs.h"

#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC    0x00061561u
#define META     256u /* bytes of the first page that are read */
#define N_SPARES 32u

/* Of the first page. */
#define MAGIC_AT       12u
#define VERSION_AT     16u
#define PAGE_SIZE_AT   20u
#define ENCRYPTION_AT  24u
#define FLAGS_AT       26u
#define LAST_PAGE_AT   32u
#define LAST_BUCKET_AT 72u
#define SPARES_AT      96u
#define HAS_CHECKSUMS  1u

/* Of all others. */
#define PAGE_HEADER  26u
#define NEXT_PAGE_AT 16u
#define N_ENTRIES_AT 20u
#define LENGTH_AT    22u /* of an overflow page */
#define TYPE_AT      25u
enum page_type { PAGE_UNSORTED_HASH = 2, PAGE_OVERFLOW = 7, PAGE_HASH = 13 };

/* An entry's first byte. */
enum entry_type { ENTRY_HERE = 1, ENTRY_ELSEWHERE = 3 };
#define ELSEWHERE_SIZE    12u
#define ELSEWHERE_PAGE_AT 4u
#define ELSEWHERE_SIZE_AT 8u

struct bdb {
    struct limited_file file;
    const struct rpm_blobs_visitor *visitor;
    bool is_swapped, is_over;
    size_t page_size;
    uint32_t last_page, last_bucket, spares[N_SPARES];
    uint8_t *page, *overflow;
};

static uint32_t number_at(const struct bdb *self, const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof(number));
    return self->is_swapped ? bswap_32(number) : number;
}

static uint16_t short_at(const struct bdb *self, const uint8_t *at)
{
    uint16_t number;
    memcpy(&number, at, sizeof(number));
    return self->is_swapped ? bswap_16(number) : number;
}

bool rpm_bdb_is(const uint8_t start[static RPM_BLOBS_MAGIC])
{
    uint32_t magic;
    memcpy(&magic, start + MAGIC_AT, sizeof(magic));
    return magic == MAGIC || magic == bswap_32(MAGIC);
}

static int read_page(struct bdb *self, uint32_t page, uint8_t *to)
{
    if (page == 0 || page > self->last_page)
        return LIMITED_FILE_E_BROKEN;
    return limited_file_read(&self->file, to, self->page_size, (uint64_t)page * self->page_size);
}

static int read_overflow(struct bdb *self, uint32_t page, size_t *ret_size)
{
    int r = read_page(self, page, self->overflow);
    if (r != 0)
        return r;
    *ret_size = short_at(self, self->overflow + LENGTH_AT);
    bool is_good = self->overflow[TYPE_AT] == PAGE_OVERFLOW && *ret_size > 0 &&
                   *ret_size <= self->page_size - PAGE_HEADER;
    return is_good ? 0 : LIMITED_FILE_E_BROKEN;
}

/* The first of its pages, of `n` bytes, has been read. */
static int visit_whole(struct bdb *self, size_t n, size_t size)
{
    cleanup_free uint8_t *blob = malloc(size);
    if (!blob)
        return -ENOMEM;
    for (size_t done = 0;;) {
        if (n > size - done)
            return LIMITED_FILE_E_BROKEN;
        memcpy(blob + done, self->overflow + PAGE_HEADER, n);
        done += n;
        if (done == size)
            break;
        int r = read_overflow(self, number_at(self, self->overflow + NEXT_PAGE_AT), &n);
        if (r != 0)
            return r;
    }
    self->is_over = !self->visitor->visit(self->visitor->data, blob, size);
    return 0;
}

static int visit_elsewhere(struct bdb *self, const uint8_t *entry)
{
    size_t n, size = number_at(self, entry + ELSEWHERE_SIZE_AT);
    if (size == 0 || size > RPM_BLOBS_SIZE_MAX)
        return 0;
    int r = read_overflow(self, number_at(self, entry + ELSEWHERE_PAGE_AT), &n);
    if (r != 0 || n > size)
        return r ? r : LIMITED_FILE_E_BROKEN;
    size_t n_start = n < RPM_BLOBS_START ? n : RPM_BLOBS_START;
    if (!self->visitor->wants(self->visitor->data, self->overflow + PAGE_HEADER, n_start, size))
        return 0;
    return visit_whole(self, n, size);
}

static void visit_here(struct bdb *self, const uint8_t *blob, size_t size)
{
    size_t n = size < RPM_BLOBS_START ? size : RPM_BLOBS_START;
    if (self->visitor->wants(self->visitor->data, blob, n, size))
        self->is_over = !self->visitor->visit(self->visitor->data, blob, size);
}

/* Entry `i` of a page lies before entry i - 1. */
static int visit_value(struct bdb *self, size_t i)
{
    const uint8_t *offsets = self->page + PAGE_HEADER;
    size_t begin = short_at(self, offsets + 2 * i), end = short_at(self, offsets + 2 * (i - 1));
    if (begin >= end || end > self->page_size)
        return LIMITED_FILE_E_BROKEN;
    const uint8_t *entry = self->page + begin;
    if (*entry == ENTRY_HERE)
        visit_here(self, entry + 1, end - begin - 1);
    else if (*entry == ENTRY_ELSEWHERE && end - begin == ELSEWHERE_SIZE)
        return visit_elsewhere(self, entry);
    return 0;
}

static int visit_bucket(struct bdb *self, uint32_t page)
{
    while (page != 0 && !self->is_over) {
        int r = read_page(self, page, self->page);
        if (r != 0)
            return r;
        size_t n = short_at(self, self->page + N_ENTRIES_AT);
        uint8_t type = self->page[TYPE_AT];
        if ((type != PAGE_HASH && type != PAGE_UNSORTED_HASH) ||
            n > (self->page_size - PAGE_HEADER) / 2)
            return LIMITED_FILE_E_BROKEN;
        for (size_t i = 1; i < n && !self->is_over; i += 2) {
            r = visit_value(self, i);
            if (r != 0)
                return r;
        }
        page = number_at(self, self->page + NEXT_PAGE_AT);
    }
    return 0;
}

/* Each doubling of the hash has its buckets in a row of pages, whose begin is told by `spares`. */
static uint32_t first_page_of(const struct bdb *self, uint32_t bucket)
{
    unsigned doubling = 0;
    for (uint32_t rest = bucket; rest; rest >>= 1)
        doubling++;
    return doubling < N_SPARES ? bucket + self->spares[doubling] : 0;
}

static int open_database(struct bdb *self)
{
    uint8_t meta[META];
    int r = limited_file_read(&self->file, meta, sizeof(meta), 0);
    if (r != 0 || !rpm_bdb_is(meta))
        return r ? r : LIMITED_FILE_E_BROKEN;
    self->is_swapped = number_at(self, meta + MAGIC_AT) != MAGIC;
    self->page_size = number_at(self, meta + PAGE_SIZE_AT);
    self->last_page = number_at(self, meta + LAST_PAGE_AT);
    self->last_bucket = number_at(self, meta + LAST_BUCKET_AT);
    for (size_t i = 0; i < N_SPARES; i++)
        self->spares[i] = number_at(self, meta + SPARES_AT + 4 * i);
    uint32_t version = number_at(self, meta + VERSION_AT);
    bool is_power = (self->page_size & (self->page_size - 1)) == 0;
    bool is_plain = meta[ENCRYPTION_AT] == 0 && !(meta[FLAGS_AT] & HAS_CHECKSUMS);
    bool is_good = version >= 8 && version <= 10 && is_power && self->page_size >= 512 &&
                   self->page_size <= 65536 && is_plain;
    return is_good ? 0 : LIMITED_FILE_E_BROKEN;
}

int rpm_bdb_each(int fd, const struct rpm_blobs_visitor *visitor)
{
    struct bdb self = {.file = {fd, RPM_BLOBS_READ_MAX}, .visitor = visitor};
    int r = open_database(&self);
    if (r != 0)
        return r;
    cleanup_free uint8_t *page = malloc(self.page_size), *overflow = malloc(self.page_size);
    if (!page || !overflow)
        return -ENOMEM;
    self.page = page;
    self.overflow = overflow;
    for (uint32_t bucket = 0; r == 0 && bucket <= self.last_bucket && !self.is_over; bucket++) {
        uint32_t first = first_page_of(&self, bucket);
        r = first ? visit_bucket(&self, first) : LIMITED_FILE_E_BROKEN;
    }
    return r;
}
