/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* The only way to the file's bytes: all of [offset, offset + size) or an error. */
static int read_slice(const struct segment_reader *self, uint64_t offset, uint64_t size,
                      void *ret_bytes)
{
    if (size > self->size || offset > self->size - size)
        return SEGMENT_E_INVALID;
    char *place = ret_bytes;
    while (size > 0) {
        ssize_t n = pread(self->fd, place, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : SEGMENT_E_INVALID; /* cut since it was measured */
        place += n;
        offset += (uint64_t)n;
        size -= (uint64_t)n;
    }
    return 0;
}

static bool parse_number(const char **text, char end, uint64_t *ret_number)
{
    const char *digits = *text;
    uint64_t number = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++) {
        uint64_t digit = (uint64_t)(*digits - '0');
        if (number > (UINT64_MAX - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    /* One text a number, so that no two names mean the same file. */
    bool is_canonical = digits != *text && (**text != '0' || digits == *text + 1);
    if (!is_canonical || *digits != end)
        return false;
    *text = digits + 1;
    *ret_number = number;
    return true;
}

bool segment_name_parse(const char *name, struct segment_name *ret_name)
{
    uint64_t pid, start, image = 0;
    if (!parse_number(&name, '-', &pid) || !parse_number(&name, '.', &start))
        return false;
    if (*name >= '0' && *name <= '9' && !parse_number(&name, '.', &image))
        return false;
    if (strcmp(name, &SEGMENT_SUFFIX[1]) != 0 || pid == 0 || image >= SEGMENT_MAX_IMAGES)
        return false;
    *ret_name = (struct segment_name){pid, start, (uint32_t)image};
    return true;
}

int segment_reader_open(int directory_fd, const char *name, struct segment_reader *ret_reader)
{
    struct stat status;
    int fd = openat(directory_fd, name, OPEN_FLAGS);
    if (fd < 0)
        return errno == ELOOP || errno == ENXIO ? SEGMENT_E_INVALID : -errno;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return SEGMENT_E_INVALID;
    }
    *ret_reader = (struct segment_reader){
        .fd = fd, .device = status.st_dev, .inode = status.st_ino, .owner = status.st_uid};
    return 0;
}

void segment_reader_close(struct segment_reader *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#define END_TEXT(text) ((text)[sizeof(text) - 1] = '\0')

/* Offsets are checked where they are used, by read_slice; here only what multiplies them. */
static bool is_layout_valid(const struct segment_header *layout)
{
    return layout->byte_order == SEGMENT_BYTE_ORDER &&
           layout->header_size >= sizeof(struct segment_header) &&
           layout->group_size >= sizeof(struct segment_group) &&
           layout->group_size <= SEGMENT_GROUP_SIZE_MAX && layout->lane_size >= sizeof(uint64_t) &&
           layout->lane_size <= SEGMENT_LANE_SIZE_MAX &&
           layout->lane_size % sizeof(uint64_t) == 0 &&
           layout->n_lane_words <= layout->lane_size / sizeof(uint64_t) &&
           layout->n_groups <= smaller(layout->group_capacity, SEGMENT_MAX_GROUPS) &&
           layout->n_lanes <= smaller(layout->lane_capacity, SEGMENT_MAX_LANES) &&
           layout->groups_offset < INT64_MAX && layout->lanes_offset < INT64_MAX;
}

static void tame_layout(struct segment_header *layout)
{
    layout->n_libraries = smaller(layout->n_libraries, SEGMENT_MAX_LIBRARIES);
    layout->n_contexts = smaller(layout->n_contexts, SEGMENT_MAX_CONTEXTS);
    layout->n_lane_words = smaller(layout->n_lane_words, SEGMENT_LANE_WORDS_MAX);
    END_TEXT(layout->boot_id);
    END_TEXT(layout->tap_version);
    END_TEXT(layout->program);
    END_TEXT(layout->command);
    for (size_t i = 0; i < SEGMENT_MAX_CAPABILITIES; i++)
        END_TEXT(layout->capabilities[i].reason);
    for (size_t i = 0; i < SEGMENT_MAX_LIBRARIES; i++)
        END_TEXT(layout->libraries[i].path);
}

static int measure(struct segment_reader *self)
{
    struct stat status;
    if (fstat(self->fd, &status) < 0)
        return -errno;
    self->size = (uint64_t)status.st_size;
    return self->size == 0 ? SEGMENT_E_PREPARING : 0;
}

static int read_layout(struct segment_reader *self)
{
    struct segment_header *layout = &self->layout;
    int r = read_slice(self, 0, sizeof(*layout), layout);
    if (r != 0)
        return r;
    if (layout->magic == 0)
        return SEGMENT_E_PREPARING;
    if (layout->magic != SEGMENT_MAGIC)
        return SEGMENT_E_INVALID;
    if (layout->version != SEGMENT_VERSION)
        return SEGMENT_E_VERSION;
    if (!is_layout_valid(layout))
        return SEGMENT_E_INVALID;
    tame_layout(layout);
    return 0;
}

int segment_reader_begin(struct segment_reader *self, bool is_forced)
{
    uint64_t generation;
    const uint64_t offset = offsetof(struct segment_header, generation_end);
    int r = measure(self);
    if (r == 0 && !is_forced && self->generation) {
        r = read_slice(self, offset, sizeof(generation), &generation);
        if (r == 0 && generation == self->generation)
            return SEGMENT_E_UNCHANGED;
    }
    self->generation = 0;
    if (r == 0)
        r = read_layout(self);
    return r;
}

int segment_reader_groups(struct segment_reader *self, uint32_t first, uint32_t n,
                          struct segment_group *ret_groups)
{
    const struct segment_header *layout = &self->layout;
    if (n > layout->n_groups || first > layout->n_groups - n)
        return SEGMENT_E_INVALID;
    for (uint32_t i = 0; i < n; i++) {
        struct segment_group *group = &ret_groups[i];
        uint64_t offset = layout->groups_offset + (uint64_t)(first + i) * layout->group_size;
        int r = read_slice(self, offset, sizeof(*group), group);
        if (r != 0)
            return r;
        END_TEXT(group->endpoint);
        END_TEXT(group->name);
    }
    return 0;
}

int segment_reader_lanes(struct segment_reader *self, uint32_t first, uint32_t n,
                         struct segment_lane *ret_lanes)
{
    const struct segment_header *layout = &self->layout;
    if (n > layout->n_lanes || first > layout->n_lanes - n)
        return SEGMENT_E_INVALID;
    uint64_t offset = layout->lanes_offset + (uint64_t)first * layout->lane_size;
    if (layout->lane_size == sizeof(struct segment_lane) &&
        layout->n_lane_words == SEGMENT_LANE_WORDS_MAX)
        return read_slice(self, offset, n * sizeof(*ret_lanes), ret_lanes);

    /* Of another release: lanes of another length, or fewer words that mean something. */
    memset(ret_lanes, 0, n * sizeof(*ret_lanes));
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t word = SEGMENT_FIRST_GAUGE; word < SEGMENT_LANE_WORDS_MAX; word++)
            ret_lanes[i].words[word] = SEGMENT_UNKNOWN;
        int r = read_slice(self, offset + (uint64_t)i * layout->lane_size,
                           layout->n_lane_words * sizeof(uint64_t), &ret_lanes[i]);
        if (r != 0)
            return r;
    }
    return 0;
}

int segment_reader_end(struct segment_reader *self)
{
    uint64_t generations[2];
    int r = read_slice(self, offsetof(struct segment_header, generation_begin), sizeof(generations),
                       generations);
    if (r != 0)
        return r;
    /* The round that the header was read from had ended, and none has begun since. */
    if (self->layout.generation_begin != self->layout.generation_end ||
        generations[0] != self->layout.generation_begin)
        return SEGMENT_E_TORN;
    self->generation = generations[0];
    return 0;
}
