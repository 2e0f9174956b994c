/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_map.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FIRST_GROUPS 16u
#define FIRST_LANES  32u

/* Of the file and, from the header on, of memory. In whole pages. */
struct range {
    uint64_t begin, end;
};

static uint64_t page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t round_down(uint64_t offset)
{
    return offset & ~(page_size() - 1);
}

static uint64_t round_up(uint64_t offset)
{
    return round_down(offset + page_size() - 1);
}

static uint64_t offset_of(const struct segment_rows *rows, uint32_t row)
{
    return rows->offset + (uint64_t)row * rows->row_size;
}

bool segment_map_is_possible(int fd)
{
    struct statfs status;
    return fstatfs(fd, &status) == 0 && (uint64_t)status.f_type == TMPFS_MAGIC &&
           page_size() <= SEGMENT_LARGEST_PAGE;
}

static int reserve(int fd, const struct range *range)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur < range->end)
        return -EFBIG;
    while (fallocate(fd, 0, (off_t)range->begin, (off_t)(range->end - range->begin)) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int map_at(const struct segment_table *table, const struct range *range, int flags, int fd)
{
    char *place = (char *)table->header + range->begin;
    size_t size = (size_t)(range->end - range->begin);
    if (mmap(place, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd,
             fd >= 0 ? (off_t)range->begin : 0) == MAP_FAILED)
        return -errno;
    (void)madvise(place, size, MADV_DONTDUMP);
    return 0;
}

/* Private memory again, of zeros. */
static void take_up(const struct segment_table *table, const struct range *range)
{
    (void)map_at(table, range, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
}

static int lay(const struct segment_table *table, int fd, const struct range *range)
{
    int r = map_at(table, range, MAP_SHARED, fd);
    if (r < 0) /* what was there before may be gone */
        take_up(table, range);
    return r;
}

static void note_rows(struct segment_rows *rows, const struct range *range)
{
    uint64_t begin = range->begin > rows->offset
                         ? (range->begin - rows->offset + rows->row_size - 1) / rows->row_size
                         : 0;
    uint64_t end = (range->end - rows->offset) / rows->row_size;
    if (begin > rows->mapped_end)
        rows->mapped_begin = (uint32_t)begin;
    __atomic_store_n(&rows->mapped_end, end < rows->most ? (uint32_t)end : rows->most,
                     __ATOMIC_RELAXED);
}

static int write_at(int fd, const char *bytes, size_t begin, size_t end)
{
    while (begin < end) {
        ssize_t n = pwrite(fd, bytes + begin, end - begin, (off_t)begin);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        begin += (size_t)n;
    }
    return 0;
}

/* The magic last: until then a reader takes the file for one that is being prepared. */
static int write_header(const struct segment_header *header, int fd)
{
    const char *bytes = (const char *)header;
    int r = write_at(fd, bytes, sizeof(header->magic), sizeof(*header));
    return r < 0 ? r : write_at(fd, bytes, 0, sizeof(header->magic));
}

/* The header's memory may be gone after a failure, which the file has a copy of. */
static int lay_head(const struct segment_table *table, int fd, const struct range *range)
{
    int r = lay(table, fd, range);
    if (r < 0 && pread(fd, table->header, sizeof(*table->header), 0) < 0)
        return -EIO;
    return r;
}

int segment_map_begin(struct segment_table *table, int fd)
{
    struct segment_rows *groups = &table->group_rows, *lanes = &table->lane_rows;
    const struct range head = {0, round_up(offset_of(groups, FIRST_GROUPS))};
    const struct range tail = {round_down(lanes->offset), round_up(offset_of(lanes, FIRST_LANES))};
    if (groups->n || lanes->n)
        return -EBUSY;
    int r = segment_map_is_possible(fd) ? 0 : -EMEDIUMTYPE;
    if (r == 0)
        r = reserve(fd, &tail);
    if (r == 0)
        r = reserve(fd, &head);
    if (r == 0)
        r = write_header(table->header, fd);
    if (r == 0)
        r = lay(table, fd, &tail);
    if (r == 0)
        r = lay_head(table, fd, &head);
    if (r < 0) {
        take_up(table, &tail);
        return r;
    }
    note_rows(groups, &head);
    note_rows(lanes, &tail);
    table->is_mapped = table->was_mapped = true;
    return 0;
}

static int extend(struct segment_table *table, struct segment_rows *rows, int fd,
                  const struct segment_map_lock *lock)
{
    uint32_t n = __atomic_load_n(&rows->n, __ATOMIC_RELAXED);
    uint32_t wanted = 2 * (n > rows->mapped_end ? n : rows->mapped_end);
    struct range range = {round_down(offset_of(rows, rows->mapped_end)),
                          round_up(offset_of(rows, wanted < rows->most ? wanted : rows->most))};
    int r = reserve(fd, &range);
    if (r < 0)
        return r;
    if (lock->lock)
        lock->lock();
    if (rows->n > rows->mapped_end) /* taken meanwhile, in private memory */
        range.begin = round_up(offset_of(rows, rows->n));
    r = range.begin < range.end ? lay(table, fd, &range) : -ENOSPC;
    if (r == 0)
        note_rows(rows, &range);
    if (lock->lock)
        lock->unlock();
    return r;
}

int segment_map_extend(struct segment_table *table, int fd, const struct segment_map_lock *lock)
{
    int r = 0;
    if (segment_rows_are_scarce(&table->group_rows, 4))
        r = extend(table, &table->group_rows, fd, lock);
    if (r == 0 && segment_rows_are_scarce(&table->lane_rows, 4))
        r = extend(table, &table->lane_rows, fd, lock);
    return r;
}
