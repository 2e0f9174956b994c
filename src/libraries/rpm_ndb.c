/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: the file begins with pages of slots, 16 bytes each, the first two of which are the file's
 * header. A slot that is used has the number of a package and where its blob is, in blocks of 16
 * bytes; the blob has a head of its own. Numbers are little-endian.
 */
#include "base/cleanup.h"
#include "libraries/limited_file.h"
#include "libraries/rpm_blobs.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNIT        16u /* of slots, blocks and a blob's head */
#define PAGE        4096u
#define FIRST_SLOT  2u
#define FILE_MAGIC  "RpmP"
#define SLOT_MAGIC  "Slot"
#define BLOB_MAGIC  "BlbS"
#define PAGES_MAX   1024u /* of slots */
#define MAGIC_SIZE  4u
#define N_PAGES_AT  12u
#define BLOCK_AT    8u
#define BLOB_LENGTH 12u

static uint32_t number_at(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof(number));
    return le32toh(number);
}

bool rpm_ndb_is(const uint8_t start[static RPM_BLOBS_MAGIC])
{
    return memcmp(start, FILE_MAGIC, MAGIC_SIZE) == 0 && number_at(start + MAGIC_SIZE) == 0;
}

struct ndb {
    struct limited_file file;
    const struct rpm_blobs_visitor *visitor;
    bool is_over;
};

static int visit_whole(struct ndb *self, uint64_t offset, size_t size)
{
    cleanup_free uint8_t *blob = malloc(size);
    if (!blob)
        return -ENOMEM;
    int r = limited_file_read(&self->file, blob, size, offset);
    if (r == 0)
        self->is_over = !self->visitor->visit(self->visitor->data, blob, size);
    return r;
}

static int visit_slot(struct ndb *self, const uint8_t *slot)
{
    uint8_t head[UNIT], start[RPM_BLOBS_START];
    uint64_t offset = (uint64_t)number_at(slot + BLOCK_AT) * UNIT;
    if (memcmp(slot, SLOT_MAGIC, MAGIC_SIZE) != 0)
        return LIMITED_FILE_E_BROKEN;
    if (offset == 0)
        return 0; /* free */
    int r = limited_file_read(&self->file, head, sizeof(head), offset);
    if (r != 0)
        return r;
    size_t size = number_at(head + BLOB_LENGTH);
    if (memcmp(head, BLOB_MAGIC, MAGIC_SIZE) != 0)
        return LIMITED_FILE_E_BROKEN;
    if (size == 0 || size > RPM_BLOBS_SIZE_MAX)
        return 0;
    size_t n = size < sizeof(start) ? size : sizeof(start);
    r = limited_file_read(&self->file, start, n, offset + sizeof(head));
    if (r != 0 || !self->visitor->wants(self->visitor->data, start, n, size))
        return r;
    return visit_whole(self, offset + sizeof(head), size);
}

int rpm_ndb_each(int fd, const struct rpm_blobs_visitor *visitor)
{
    uint8_t page[PAGE];
    struct ndb self = {.file = {fd, RPM_BLOBS_READ_MAX}, .visitor = visitor};
    int r = limited_file_read(&self.file, page, UNIT, 0);
    if (r != 0 || !rpm_ndb_is(page))
        return r ? r : LIMITED_FILE_E_BROKEN;
    uint32_t n_pages = number_at(page + N_PAGES_AT);
    if (n_pages > PAGES_MAX)
        return LIMITED_FILE_E_BROKEN;
    for (uint32_t i = 0; r == 0 && i < n_pages && !self.is_over; i++) {
        r = limited_file_read(&self.file, page, PAGE, (uint64_t)i * PAGE);
        for (size_t slot = i == 0 ? FIRST_SLOT : 0; r == 0 && slot < PAGE / UNIT && !self.is_over;
             slot++)
            r = visit_slot(&self, page + slot * UNIT);
    }
    return r;
}
