/* SPDX-License-Identifier: MPL-2.0 */
/*
 * package_rpm - the package of a file in rpm's database.
 *
 * A package's header has its name, version, source and files; those of packages with "zmq" or
 * "zeromq" in their names are read. In a database of SQLite the table Name has the names, and
 * Packages the headers; in others (rpm_blobs.h) the names are in the headers alone.
 *
 * Source: rpm 4.18, lib/backend/sqlite.c and docs/manual/format.md
 */
#include "base/cleanup.h"
#include "libraries/limited_file.h"
#include "libraries/package_lookup.h"
#include "libraries/rpm_blobs.h"
#include "libraries/sqlite_file.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define CANDIDATES_MAX 16u
#define ENTRIES_MAX    1000u
#define FILES_MAX      100000u
#define ENTRY_SIZE     16u

/* lib/rpmtag.h */
enum tag {
    TAG_NAME = 1000,
    TAG_VERSION = 1001,
    TAG_RELEASE = 1002,
    TAG_EPOCH = 1003,
    TAG_SOURCERPM = 1044,
    TAG_DIRINDEXES = 1116,
    TAG_BASENAMES = 1117,
    TAG_DIRNAMES = 1118,
};
enum type { TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_STRING_ARRAY = 8 };

/* n_entries, data_size, entries, data; each number has four bytes, most significant first. */
struct header {
    const uint8_t *entries;
    uint32_t n_entries;
    const char *data, *end;
};

struct values {
    const char *at;
    uint32_t n;
};

static uint32_t number_at(const void *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof(number));
    return ntohl(number);
}

/* Of a header of `size` bytes the first `n` are there, which ends its data early. */
static bool open_header(const uint8_t *text, size_t n, size_t size, struct header *ret_header)
{
    if (size < 8 || n < 8)
        return false;
    uint32_t n_entries = number_at(text), data_size = number_at(text + 4);
    size_t before = 8 + (size_t)n_entries * ENTRY_SIZE;
    if (n_entries > ENTRIES_MAX || n < before || size - before < data_size)
        return false;
    size_t n_data = n - before < data_size ? n - before : data_size;
    const char *data = (const char *)text + before;
    *ret_header = (struct header){text + 8, n_entries, data, data + n_data};
    return true;
}

static bool find(const struct header *header, enum tag tag, enum type type,
                 struct values *ret_values)
{
    for (uint32_t i = 0; i < header->n_entries; i++) {
        const uint8_t *entry = header->entries + (size_t)i * ENTRY_SIZE;
        uint32_t offset = number_at(entry + 8);
        if (number_at(entry) != (uint32_t)tag || number_at(entry + 4) != (uint32_t)type)
            continue;
        if (offset >= (size_t)(header->end - header->data))
            return false;
        *ret_values = (struct values){header->data + offset, number_at(entry + 12)};
        return true;
    }
    return false;
}

/* NULL: it does not end within the header. */
static const char *string_end(const struct header *header, const char *text)
{
    return memchr(text, '\0', (size_t)(header->end - text));
}

static bool copy_string(const struct header *header, enum tag tag, char *ret_text, size_t size)
{
    struct values values;
    if (!find(header, tag, TYPE_STRING, &values))
        return false;
    const char *end = string_end(header, values.at);
    if (!end || end == values.at || (size_t)(end - values.at) >= size)
        return false;
    memcpy(ret_text, values.at, (size_t)(end - values.at) + 1);
    return true;
}

static const char *nth_string(const struct header *header, const struct values *strings, uint32_t n)
{
    const char *at = strings->at;
    if (n >= strings->n)
        return NULL;
    for (; n > 0; n--) {
        at = string_end(header, at);
        if (!at || ++at == header->end)
            return NULL;
    }
    return string_end(header, at) ? at : NULL;
}

static bool is_file(const struct header *header, const struct values *folders, uint32_t folder,
                    const char *name, const char *path)
{
    char whole[2 * PACKAGE_LOOKUP_PATH_SIZE];
    const char *start = nth_string(header, folders, folder);
    int n = start ? snprintf(whole, sizeof(whole), "%s%s", start, name) : -1;
    return n > 0 && (size_t)n < sizeof(whole) && package_list_has(whole, (size_t)n, path);
}

/* File i is in the folder whose number DIRINDEXES has at i. */
static bool has_file(const struct header *header, const char *path)
{
    struct values names, indexes, folders;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    unsigned n_candidates = 0;
    if (!find(header, TAG_BASENAMES, TYPE_STRING_ARRAY, &names) ||
        !find(header, TAG_DIRNAMES, TYPE_STRING_ARRAY, &folders) ||
        !find(header, TAG_DIRINDEXES, TYPE_INT32, &indexes) || names.n > FILES_MAX ||
        names.n > indexes.n || (size_t)(header->end - indexes.at) / 4 < names.n)
        return false;
    const char *name = names.at;
    for (uint32_t i = 0; i < names.n && n_candidates < CANDIDATES_MAX; i++) {
        const char *end = name < header->end ? string_end(header, name) : NULL;
        if (!end)
            return false;
        bool is_candidate = strcmp(name, base) == 0;
        n_candidates += is_candidate;
        if (is_candidate &&
            is_file(header, &folders, number_at(indexes.at + 4 * (size_t)i), name, path))
            return true;
        name = end + 1;
    }
    return false;
}

/* "zeromq" of "zeromq-4.3.4-2.fc38.src.rpm". */
static void cut_source(char *source)
{
    for (unsigned i = 0; i < 2; i++) {
        char *dash = strrchr(source, '-');
        if (dash && dash != source)
            *dash = '\0';
    }
}

bool package_rpm_header_find(const uint8_t *text, size_t size, const char *path,
                             struct library_package *ret_package)
{
    struct header header;
    struct values epoch;
    char version[64], release[64], source[PACKAGE_NAME_SIZE + 128], before[16] = "";
    struct library_package package = {.manager = PACKAGE_RPM};
    if (!open_header(text, size, size, &header) || !has_file(&header, path) ||
        !copy_string(&header, TAG_NAME, package.name, sizeof(package.name)) ||
        !copy_string(&header, TAG_VERSION, version, sizeof(version)) ||
        !copy_string(&header, TAG_RELEASE, release, sizeof(release)))
        return false;
    if (find(&header, TAG_EPOCH, TYPE_INT32, &epoch) && header.end - epoch.at >= 4 &&
        number_at(epoch.at))
        (void)snprintf(before, sizeof(before), "%u:", number_at(epoch.at));
    int n = snprintf(package.version, sizeof(package.version), "%s%s-%s", before, version, release);
    if (n < 0 || (size_t)n >= sizeof(package.version))
        return false;
    if (copy_string(&header, TAG_SOURCERPM, source, sizeof(source)))
        cut_source(source);
    else
        memcpy(source, package.name, sizeof(package.name));
    (void)snprintf(package.source, sizeof(package.source), "%.*s", (int)sizeof(package.source) - 1,
                   source);
    memcpy(package.source_version, package.version, sizeof(package.version));
    *ret_package = package;
    return true;
}

static bool is_of_zeromq(const void *name, size_t size)
{
    static const char *const words[] = {"zmq", "zeromq"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (memmem(name, size, words[i], strlen(words[i])))
            return true;
    }
    return false;
}

struct search {
    const char *path;
    struct library_package *package;
    bool is_found;
};

/*
 * SQLite
 */
struct candidates {
    int64_t ids[CANDIDATES_MAX];
    unsigned n;
};

/* Of Name: key, hnum. */
static bool visit_name(void *data, const struct sqlite_row *row)
{
    struct candidates *candidates = data;
    struct sqlite_value columns[2];
    if (sqlite_row_columns(row, columns, 2) && !columns[1].data && columns[0].data &&
        is_of_zeromq(columns[0].data, columns[0].size))
        candidates->ids[candidates->n++] = columns[1].number;
    return candidates->n < CANDIDATES_MAX;
}

/* Of Packages: hnum, blob. */
static bool visit_package(void *data, const struct sqlite_row *row)
{
    struct search *search = data;
    struct sqlite_value columns[2];
    search->is_found = sqlite_row_columns(row, columns, 2) && columns[1].data &&
                       package_rpm_header_find(columns[1].data, columns[1].size, search->path,
                                               search->package);
    return false;
}

static int find_in_sqlite(int database, struct search *search)
{
    cleanup(sqlite_file_finish) struct sqlite_file file;
    struct candidates candidates = {.n = 0};
    uint32_t names, packages;
    int r = sqlite_file_open(&file, database);
    if (r == 0)
        r = sqlite_file_find_table(&file, "Name", &names);
    if (r == 0)
        r = sqlite_file_find_table(&file, "Packages", &packages);
    if (r == 0)
        r = sqlite_file_each(&file, names, INT64_MIN, INT64_MAX, visit_name, &candidates);
    for (unsigned i = 0; r == 0 && i < candidates.n && !search->is_found; i++)
        r = sqlite_file_each(&file, packages, candidates.ids[i], candidates.ids[i], visit_package,
                             search);
    return r;
}

/*
 * Other databases
 */
/* A name that comes after the beginning may be anything. */
static bool wants_blob(void *data, const uint8_t *start, size_t n, size_t size)
{
    (void)data;
    struct header header;
    struct values name;
    if (!open_header(start, n, size, &header) || !find(&header, TAG_NAME, TYPE_STRING, &name))
        return n < size;
    const char *end = string_end(&header, name.at);
    return end ? is_of_zeromq(name.at, (size_t)(end - name.at)) : n < size;
}

static bool visit_blob(void *data, const uint8_t *blob, size_t size)
{
    struct search *search = data;
    search->is_found = package_rpm_header_find(blob, size, search->path, search->package);
    return !search->is_found;
}

int package_rpm_find(int database, const char *path, struct library_package *ret_package)
{
    struct limited_file file = {database, RPM_BLOBS_MAGIC};
    struct search search = {path, ret_package, false};
    const struct rpm_blobs_visitor visitor = {&search, wants_blob, visit_blob};
    uint8_t start[RPM_BLOBS_MAGIC];
    int r = limited_file_read(&file, start, sizeof(start), 0);
    if (r != 0)
        return r;
    if (rpm_bdb_is(start))
        r = rpm_bdb_each(database, &visitor);
    else if (rpm_ndb_is(start))
        r = rpm_ndb_each(database, &visitor);
    else
        r = find_in_sqlite(database, &search);
    return search.is_found ? 0 : r;
}
