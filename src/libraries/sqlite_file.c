/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/sqlite_file.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

#define MAGIC       "SQLite format 3"
#define FILE_HEADER 100u
#define INTERIOR    0x05
#define LEAF        0x0d
#define STOP        2 /* of walk(): nothing more is wanted */

struct bytes {
    const uint8_t *at, *end;
};

static uint64_t big_endian(const uint8_t *at, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    return value;
}

static bool take_number(struct bytes *bytes, size_t n, uint64_t *ret_value)
{
    if ((size_t)(bytes->end - bytes->at) < n)
        return false;
    *ret_value = big_endian(bytes->at, n);
    bytes->at += n;
    return true;
}

/* Seven bits a byte, of a ninth one all. */
static bool take_varint(struct bytes *bytes, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 9 && bytes->at != bytes->end; i++) {
        uint8_t byte = *bytes->at++;
        value = i == 8 ? value << 8 | byte : value << 7 | (byte & 0x7f);
        if (i == 8 || byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static int read_page(struct sqlite_file *self, uint32_t page, uint8_t *to)
{
    return page ? limited_file_read(&self->file, to, self->page_size,
                                    (uint64_t)(page - 1) * self->page_size)
                : LIMITED_FILE_E_BROKEN;
}

int sqlite_file_open(struct sqlite_file *self, int fd)
{
    uint8_t head[FILE_HEADER];
    *self = (struct sqlite_file){.file = {fd, SQLITE_FILE_READ_MAX}};
    int r = limited_file_read(&self->file, head, sizeof(head), 0);
    if (r != 0)
        return r;
    uint32_t size = (uint32_t)big_endian(head + 16, 2);
    self->page_size = size == 1 ? 65536 : size;
    bool is_power = (self->page_size & (self->page_size - 1)) == 0;
    if (memcmp(head, MAGIC, sizeof(MAGIC)) != 0 || self->page_size < 512 || !is_power ||
        head[20] > 32 || head[56 + 3] != 1)
        return LIMITED_FILE_E_BROKEN;
    self->usable_size = self->page_size - head[20];
    return 0;
}

void sqlite_file_finish(struct sqlite_file *self)
{
    string_buffer_finish(&self->row);
}

struct walk {
    struct sqlite_file *file;
    int64_t from, to;
    bool (*visit)(void *data, const struct sqlite_row *row);
    void *data;
};

/* How much of a row of `size` bytes lies in its page. */
static size_t local_size(const struct sqlite_file *self, size_t size)
{
    size_t usable = self->usable_size, most = usable - 35;
    size_t least = (usable - 12) * 32 / 255 - 23;
    if (size <= most)
        return size;
    size_t n = least + (size - least) % (usable - 4);
    return n <= most ? n : least;
}

/* Appends what is left of a row from its overflow pages. */
static int append_overflow(struct sqlite_file *self, uint64_t page, size_t size)
{
    cleanup_free uint8_t *text = malloc(self->page_size);
    if (!text)
        return -ENOMEM;
    while (self->row.size < size) {
        int r = read_page(self, (uint32_t)page, text);
        if (r != 0)
            return r;
        size_t n = size - self->row.size, room = self->usable_size - 4;
        string_buffer_append(&self->row, (const char *)text + 4, n < room ? n : room);
        page = big_endian(text, 4);
    }
    return 0;
}

static int visit_cell(const struct walk *walk, struct bytes cell)
{
    uint64_t size, id, overflow = 0;
    struct sqlite_file *file = walk->file;
    if (!take_varint(&cell, &size) || !take_varint(&cell, &id) || size == 0 ||
        size > SQLITE_FILE_ROW_MAX)
        return LIMITED_FILE_E_BROKEN;
    if ((int64_t)id < walk->from)
        return 0;
    if ((int64_t)id > walk->to)
        return STOP;
    size_t local = local_size(file, size);
    if ((size_t)(cell.end - cell.at) < local)
        return LIMITED_FILE_E_BROKEN;
    string_buffer_clear(&file->row);
    string_buffer_append(&file->row, (const char *)cell.at, local);
    cell.at += local;
    int r = 0;
    if (local < size)
        r = take_number(&cell, 4, &overflow) ? append_overflow(file, overflow, size)
                                             : LIMITED_FILE_E_BROKEN;
    if (r != 0)
        return r;
    if (file->row.has_failed)
        return -ENOMEM;
    const struct sqlite_row row = {(int64_t)id, (const uint8_t *)file->row.data, size};
    return walk->visit(walk->data, &row) ? 0 : STOP;
}

static int walk(const struct walk *self, uint32_t page, unsigned depth);

static int walk_child(const struct walk *self, struct bytes cell, unsigned depth)
{
    uint64_t child, key;
    if (!take_number(&cell, 4, &child) || !take_varint(&cell, &key))
        return LIMITED_FILE_E_BROKEN;
    if ((int64_t)key < self->from)
        return 0; /* all of its rows are before */
    int r = walk(self, (uint32_t)child, depth + 1);
    return r == 0 && (int64_t)key >= self->to ? STOP : r;
}

static int walk(const struct walk *self, uint32_t page, unsigned depth)
{
    const struct sqlite_file *file = self->file;
    cleanup_free uint8_t *text = malloc(file->page_size);
    if (!text)
        return -ENOMEM;
    int r = depth < SQLITE_FILE_DEPTH_MAX ? read_page(self->file, page, text)
                                          : LIMITED_FILE_E_BROKEN;
    if (r != 0)
        return r;
    const uint8_t *head = text + (page == 1 ? FILE_HEADER : 0), *end = text + file->usable_size;
    bool is_interior = *head == INTERIOR;
    const uint8_t *cells = head + (is_interior ? 12 : 8);
    size_t n = big_endian(head + 3, 2);
    if ((!is_interior && *head != LEAF) || (size_t)(end - cells) < 2 * n)
        return LIMITED_FILE_E_BROKEN;
    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t offset = big_endian(cells + 2 * i, 2);
        if (offset >= file->usable_size)
            return LIMITED_FILE_E_BROKEN;
        const struct bytes cell = {text + offset, end};
        r = is_interior ? walk_child(self, cell, depth) : visit_cell(self, cell);
    }
    return r == 0 && is_interior ? walk(self, (uint32_t)big_endian(head + 8, 4), depth + 1) : r;
}

int sqlite_file_each(struct sqlite_file *self, uint32_t table, int64_t from, int64_t to,
                     bool (*visit)(void *data, const struct sqlite_row *row), void *data)
{
    const struct walk rows = {self, from, to, visit, data};
    int r = walk(&rows, table, 0);
    return r == STOP ? 0 : r;
}

static bool take_value(struct bytes *body, uint64_t type, struct sqlite_value *ret_value)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    struct sqlite_value value = {.number = type == 9};
    if (type >= 12) {
        value.size = (size_t)((type - 12) / 2);
        if ((size_t)(body->end - body->at) < value.size)
            return false;
        value.data = body->at;
        body->at += value.size;
    } else {
        uint64_t number = 0;
        if (type >= sizeof(sizes) || !take_number(body, sizes[type], &number))
            return false;
        unsigned unused = 64 - 8u * sizes[type];
        if (sizes[type])
            value.number = (int64_t)(number << unused) >> unused;
    }
    *ret_value = value;
    return true;
}

bool sqlite_row_columns(const struct sqlite_row *row, struct sqlite_value *ret_values, size_t n)
{
    struct bytes types = {row->data, row->data + row->size}, body = types;
    uint64_t size, type;
    if (!take_varint(&types, &size) || size > row->size)
        return false;
    types.end = row->data + size;
    body.at = types.end;
    if (types.at > types.end)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!take_varint(&types, &type) || !take_value(&body, type, &ret_values[i]))
            return false;
    }
    return true;
}

struct wanted {
    const char *name;
    uint32_t page;
};

static bool is_text(const struct sqlite_value *value, const char *text)
{
    return value->data && value->size == strlen(text) &&
           memcmp(value->data, text, value->size) == 0;
}

/* Of the schema: type, name, tbl_name, rootpage. */
static bool visit_table(void *data, const struct sqlite_row *row)
{
    struct wanted *wanted = data;
    struct sqlite_value columns[4];
    if (!sqlite_row_columns(row, columns, 4) || !is_text(&columns[0], "table") ||
        !is_text(&columns[1], wanted->name) || columns[3].number <= 0 ||
        columns[3].number > UINT32_MAX)
        return true;
    wanted->page = (uint32_t)columns[3].number;
    return false;
}

int sqlite_file_find_table(struct sqlite_file *self, const char *name, uint32_t *ret_page)
{
    struct wanted wanted = {.name = name};
    int r = sqlite_file_each(self, 1, INT64_MIN, INT64_MAX, visit_table, &wanted);
    if (r == 0)
        *ret_page = wanted.page;
    return r;
}
