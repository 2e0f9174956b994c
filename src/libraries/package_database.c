/* SPDX-License-Identifier: MPL-2.0 */
/* package_database - the parsers of package_lookup.h: dpkg's lists and status, apk's database. */
#include "libraries/package_lookup.h"

#include <stdio.h>
#include <string.h>

struct line {
    const char *text;
    size_t size;
};

/* Takes the next line off the text. */
static bool take_line(const char **text, const char *end, struct line *ret_line)
{
    if (*text == end)
        return false;
    const char *newline = memchr(*text, '\n', (size_t)(end - *text));
    const char *line_end = newline ? newline : end;
    *ret_line = (struct line){*text, (size_t)(line_end - *text)};
    *text = newline ? newline + 1 : end;
    return true;
}

static bool is_text(const struct line *line, const char *text)
{
    return strlen(text) == line->size && memcmp(line->text, text, line->size) == 0;
}

/* On most systems /lib is a link to /usr/lib, and a list may have either. */
static const char *without_usr(const char *path)
{
    return strncmp(path, "/usr/", 5) == 0 ? path + 4 : path;
}

static bool is_path(const struct line *line, const char *path)
{
    struct line rest = *line;
    if (rest.size > 5 && memcmp(rest.text, "/usr/", 5) == 0) {
        rest.text += 4;
        rest.size -= 4;
    }
    return is_text(&rest, without_usr(path));
}

bool package_list_has(const char *text, size_t size, const char *path)
{
    const char *end = text + size;
    for (struct line line; take_line(&text, end, &line);) {
        if (is_path(&line, path))
            return true;
    }
    return false;
}

/* The value of "Field: value", if the line is one and it fits. */
static bool take_field(const struct line *line, const char *field, char *ret_value, size_t size)
{
    size_t n = strlen(field);
    if (line->size < n || memcmp(line->text, field, n) != 0)
        return false;
    const char *value = line->text + n, *end = line->text + line->size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    if ((size_t)(end - value) >= size || memchr(value, '\0', (size_t)(end - value)))
        return false;
    memcpy(ret_value, value, (size_t)(end - value));
    ret_value[end - value] = '\0';
    return true;
}

struct record {
    char name[PACKAGE_NAME_SIZE], version[PACKAGE_VERSION_SIZE], architecture[32], status[64];
    char source[PACKAGE_NAME_SIZE + PACKAGE_VERSION_SIZE + 4];
};

static void take_line_of_record(const struct line *line, struct record *record)
{
    (void)(take_field(line, "Package:", record->name, sizeof(record->name)) ||
           take_field(line, "Version:", record->version, sizeof(record->version)) ||
           take_field(line, "Architecture:", record->architecture, sizeof(record->architecture)) ||
           take_field(line, "Status:", record->status, sizeof(record->status)) ||
           take_field(line, "Source:", record->source, sizeof(record->source)));
}

static bool is_record(const struct record *record, const char *name)
{
    size_t n = strcspn(name, ":");
    const char *architecture = name[n] ? name + n + 1 : "";
    const char *state = strrchr(record->status, ' ');
    return strlen(record->name) == n && strncmp(record->name, name, n) == 0 &&
           (!*architecture || strcmp(architecture, record->architecture) == 0) &&
           *record->version && state && strcmp(state, " installed") == 0;
}

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%.*s", (int)size - 1, text);
}

/* "zeromq3", or "zeromq3 (4.3.1-4)" where a rebuild has another version than its source. */
static void take_record(const struct record *record, struct library_package *ret_package)
{
    struct library_package package = {.manager = PACKAGE_DPKG};
    char source[sizeof(record->source)];
    copy(package.name, sizeof(package.name), record->name);
    copy(package.version, sizeof(package.version), record->version);
    copy(source, sizeof(source), *record->source ? record->source : record->name);
    char *bracket = strstr(source, " (");
    char *version = record->source[0] && bracket ? bracket + 2 : NULL;
    if (bracket)
        *bracket = '\0';
    if (version)
        version[strcspn(version, ")")] = '\0';
    copy(package.source, sizeof(package.source), source);
    copy(package.source_version, sizeof(package.source_version),
         version && *version ? version : record->version);
    *ret_package = package;
}

bool package_status_find(const char *text, size_t size, const char *name,
                         struct library_package *ret_package)
{
    struct record record = {0};
    const char *end = text + size;
    struct line line;
    bool has_line;
    do {
        has_line = take_line(&text, end, &line);
        if (has_line && line.size) {
            take_line_of_record(&line, &record);
            continue;
        }
        if (is_record(&record, name)) {
            take_record(&record, ret_package);
            return true;
        }
        record = (struct record){0};
    } while (has_line);
    return false;
}

/* Folder and file, as apk has them, against the path: "usr/lib" and "libzmq.so.5.2.5". */
static bool is_apk_path(const char *folder, const char *file, const char *path)
{
    char whole[2 * PACKAGE_LOOKUP_PATH_SIZE];
    int n = snprintf(whole, sizeof(whole), "/%s/%s", folder, file);
    struct line line = {whole, (size_t)n};
    return n > 0 && (size_t)n < sizeof(whole) && is_path(&line, path);
}

bool package_apk_find(const char *text, size_t size, const char *path,
                      struct library_package *ret_package)
{
    struct library_package package = {.manager = PACKAGE_APK};
    char folder[PACKAGE_LOOKUP_PATH_SIZE] = "", file[PACKAGE_LOOKUP_PATH_SIZE];
    const char *end = text + size;
    for (struct line line; take_line(&text, end, &line);) {
        if (!line.size) {
            package = (struct library_package){.manager = PACKAGE_APK};
            folder[0] = '\0';
        }
        if (take_field(&line, "P:", package.name, sizeof(package.name)) ||
            take_field(&line, "V:", package.version, sizeof(package.version)) ||
            take_field(&line, "o:", package.source, sizeof(package.source)) ||
            take_field(&line, "F:", folder, sizeof(folder)) ||
            !take_field(&line, "R:", file, sizeof(file)) || !is_apk_path(folder, file, path))
            continue;
        if (!*package.name || !*package.version)
            return false;
        if (!*package.source)
            copy(package.source, sizeof(package.source), package.name);
        copy(package.source_version, sizeof(package.source_version), package.version);
        *ret_package = package;
        return true;
    }
    return false;
}
