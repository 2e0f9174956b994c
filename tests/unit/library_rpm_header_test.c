/* SPDX-License-Identifier: MPL-2.0 */
/* The header of one package in rpm's database, byte by byte: what fits, and what is one too many.
 */
#include "libraries/package_lookup.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/usr/lib64/libzmq.so.5"

enum { INT32 = 4, STRING = 6, STRING_ARRAY = 8 };
enum { NAME = 1000, VERSION, RELEASE, EPOCH, SOURCERPM = 1044, INDEXES = 1116, BASES, FOLDERS };

struct made {
    uint8_t entries[1001 * 16], data[1 << 20];
    uint32_t n_entries, size;
};

static void put(uint8_t *to, uint32_t number)
{
    number = htonl(number);
    memcpy(to, &number, sizeof(number));
}

static void add(struct made *made, uint32_t tag, uint32_t type, const void *data, size_t size,
                uint32_t n)
{
    uint8_t *entry = made->entries + (size_t)made->n_entries++ * 16;
    put(entry, tag);
    put(entry + 4, type);
    put(entry + 8, made->size);
    put(entry + 12, n);
    memcpy(made->data + made->size, data, size);
    made->size += (uint32_t)size;
}

static void add_text(struct made *made, uint32_t tag, const char *text)
{
    add(made, tag, STRING, text, strlen(text) + 1, 1);
}

static void add_numbers(struct made *made, uint32_t tag, const uint32_t *numbers, uint32_t n)
{
    uint8_t *data = malloc(4 * (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++)
        put(data + 4 * (size_t)i, numbers[i]);
    add(made, tag, INT32, data, 4 * (size_t)n, n);
    free(data);
}

/* With NULs between the texts, and one behind the last. */
#define ADD_TEXTS(made, tag, n, texts) add(made, tag, STRING_ARRAY, texts, sizeof(texts), n)

static struct made *make(void)
{
    return calloc(1, sizeof(struct made));
}

/* In memory of just its size, where sanitizers see what is read behind it. */
static bool find_in(const struct made *made, size_t cut, struct library_package *package)
{
    size_t size = 8 + (size_t)made->n_entries * 16 + made->size;
    uint8_t *all = malloc(size), *text;
    put(all, made->n_entries);
    put(all + 4, made->size);
    memcpy(all + 8, made->entries, (size_t)made->n_entries * 16);
    memcpy(all + 8 + (size_t)made->n_entries * 16, made->data, made->size);
    assert_true(cut <= size);
    text = malloc(size - cut ? size - cut : 1);
    memcpy(text, all, size - cut);
    *package = (struct library_package){0};
    bool is_found = package_rpm_header_find(text, size - cut, PATH, package);
    free(text);
    free(all);
    return is_found;
}

static bool find(struct made *made, struct library_package *package)
{
    bool is_found = find_in(made, 0, package);
    free(made);
    return is_found;
}

static void add_file(struct made *made)
{
    add_numbers(made, INDEXES, (const uint32_t[]){1}, 1);
    ADD_TEXTS(made, BASES, 1, "libzmq.so.5");
    ADD_TEXTS(made, FOLDERS, 2, "/etc/\0/usr/lib64/");
}

static struct made *make_named(const char *name, const char *version, const char *release)
{
    struct made *made = make();
    if (name)
        add_text(made, NAME, name);
    if (version)
        add_text(made, VERSION, version);
    if (release)
        add_text(made, RELEASE, release);
    add_file(made);
    return made;
}

static const char *repeated(char letter, size_t n)
{
    static char texts[4][1024];
    static unsigned next;
    char *text = texts[next++ % 4];
    memset(text, letter, n);
    text[n] = '\0';
    return text;
}

static void find__cut_anywhere__is_none(void **state)
{
    (void)state;
    struct library_package package;
    struct made *made = make_named("zeromq", "4.3.4", "2.fc38");
    size_t size = 8 + (size_t)made->n_entries * 16 + made->size;
    assert_true(find_in(made, 0, &package));
    assert_string_equal(package.name, "zeromq");
    assert_string_equal(package.version, "4.3.4-2.fc38");
    assert_string_equal(package.source, "zeromq");
    assert_int_equal(package.manager, PACKAGE_RPM);
    for (size_t cut = 1; cut <= size; cut++)
        assert_false(find_in(made, cut, &package));
    free(made);
}

static void find__texts_that_are_missing_empty_or_too_long__is_none(void **state)
{
    (void)state;
    struct library_package package;
    assert_false(find(make_named(NULL, "1", "1"), &package));
    assert_false(find(make_named("a", NULL, "1"), &package));
    assert_false(find(make_named("a", "1", NULL), &package));
    assert_false(find(make_named("", "1", "1"), &package));
    assert_false(find(make_named("a", "", "1"), &package));
    assert_false(find(make_named("a", "1", ""), &package));
    assert_true(find(make_named(repeated('n', PACKAGE_NAME_SIZE - 1), "1", "1"), &package));
    assert_string_equal(package.source, package.name);
    assert_false(find(make_named(repeated('n', PACKAGE_NAME_SIZE), "1", "1"), &package));
    assert_true(find(make_named("a", repeated('1', 63), "1"), &package));
    assert_false(find(make_named("a", repeated('1', 64), "1"), &package));
    assert_true(find(make_named("a", "1", repeated('1', 63)), &package));
    assert_false(find(make_named("a", "1", repeated('1', 64)), &package));
    size_t room = PACKAGE_VERSION_SIZE - 1 - 1; /* without the NUL and the dash */
    assert_true(find(make_named("a", repeated('1', 60), repeated('2', room - 60)), &package));
    assert_int_equal(strlen(package.version), PACKAGE_VERSION_SIZE - 1);
    assert_string_equal(package.source_version, package.version);
    assert_false(find(make_named("a", repeated('1', 60), repeated('2', room - 59)), &package));
}

static void find__entry_at_the_end__is_none_and_other_types_are_passed_over(void **state)
{
    (void)state;
    struct library_package package;
    struct made *made = make();
    add_text(made, NAME, "zeromq");
    add_text(made, VERSION, "4");
    add_file(made);
    add(made, RELEASE, STRING, "", 0, 1); /* its offset is the end */
    assert_false(find(made, &package));
    made = make();
    add(made, NAME, INT32, "no", 2, 1);
    add(made, RELEASE, STRING_ARRAY, "no", 3, 1);
    add_text(made, VERSION, "4");
    add_file(made);
    add_text(made, RELEASE, "1");
    add(made, NAME, STRING, "a", 2, 1);
    assert_true(find(made, &package));
    assert_string_equal(package.version, "4-1");
    assert_string_equal(package.name, "a");
    made = make_named("zeromq", "4", NULL);
    add(made, RELEASE, STRING, "1", 1, 1); /* no NUL */
    assert_false(find(made, &package));
}

static void find__many_entries__up_to_a_limit(void **state)
{
    (void)state;
    for (uint32_t n = 1000; n <= 1001; n++) {
        struct library_package package;
        struct made *made = make_named("zeromq", "4", "1");
        while (made->n_entries < n)
            add(made, 5000, INT32, "", 0, 0);
        assert_int_equal(find(made, &package), n == 1000);
    }
}

static void find__epoch__is_before_the_version_if_it_is_not_zero(void **state)
{
    (void)state;
    struct library_package package;
    struct made *made = make_named("zeromq", "4", "1");
    add_numbers(made, EPOCH, (const uint32_t[]){7}, 1); /* its last byte is the last of all */
    assert_true(find(made, &package));
    assert_string_equal(package.version, "7:4-1");
    assert_string_equal(package.source_version, "7:4-1");
    made = make_named("zeromq", "4", "1");
    add_numbers(made, EPOCH, (const uint32_t[]){0}, 1);
    assert_true(find(made, &package));
    assert_string_equal(package.version, "4-1");
    made = make_named("zeromq", "4", "1");
    add(made, EPOCH, INT32, "\1\1\1", 3, 1);
    assert_true(find(made, &package));
    assert_string_equal(package.version, "4-1");
}

static void find__source__is_without_its_version(void **state)
{
    (void)state;
    struct {
        const char *file, *source;
    } rows[] = {
        {"zeromq-4.3.4-2.fc38.src.rpm", "zeromq"},
        {"python-zmq-24-1.src.rpm", "python-zmq"},
        {"zeromq-4.3.4", "zeromq"},
        {"zeromq", "zeromq"},
        {"-4-2", "-4"},
        {"", "libzmq5"},
        {repeated('s', PACKAGE_NAME_SIZE - 1), repeated('s', PACKAGE_NAME_SIZE - 1)},
        {repeated('t', PACKAGE_NAME_SIZE + 127), repeated('t', PACKAGE_NAME_SIZE - 1)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct library_package package;
        struct made *made = make_named("libzmq5", "4", "1");
        add_text(made, SOURCERPM, rows[i].file);
        assert_true(find(made, &package));
        assert_string_equal(package.source, rows[i].source);
    }
    struct library_package package;
    struct made *made = make_named("libzmq5", "4", "1");
    add_text(made, SOURCERPM, repeated('t', PACKAGE_NAME_SIZE + 128));
    assert_true(find(made, &package));
    assert_string_equal(package.source, "libzmq5"); /* longer than is read */
}

static bool has(uint32_t n_indexes, const uint32_t *indexes, uint32_t n_bases, const char *bases,
                size_t bases_size, uint32_t n_folders, const char *folders, size_t folders_size)
{
    struct library_package package;
    struct made *made = make();
    add_text(made, NAME, "zeromq");
    add_text(made, VERSION, "4");
    add_text(made, RELEASE, "1");
    add_numbers(made, INDEXES, indexes, n_indexes);
    add(made, BASES, STRING_ARRAY, bases, bases_size, n_bases);
    add(made, FOLDERS, STRING_ARRAY, folders, folders_size, n_folders);
    return find(made, &package);
}

#define HAS(indexes, n_bases, bases, n_folders, folders)                                           \
    has(sizeof((const uint32_t[])indexes) / 4, (const uint32_t[])indexes, n_bases, bases,          \
        sizeof(bases), n_folders, folders, sizeof(folders))
#define LIST(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

static void find__folders__are_those_of_each_file(void **state)
{
    (void)state;
    assert_true(HAS(LIST(0), 1, "libzmq.so.5", 1, "/usr/lib64/"));
    assert_true(HAS(LIST(2, 1), 2, "other\0libzmq.so.5", 3, "/a/\0/usr/lib64/\0/b/"));
    assert_false(HAS(LIST(1, 2), 2, "other\0libzmq.so.5", 3, "/a/\0/usr/lib64/\0/b/"));
    assert_false(HAS(LIST(1), 1, "libzmq.so.5", 1, "/a/\0/usr/lib64/")); /* of one folder two */
    assert_false(HAS(LIST(2), 1, "libzmq.so.5", 3, "/a/\0/usr/lib64/"));
    assert_false(HAS(LIST(1), 2, "other\0libzmq.so.5", 2, "/a/\0/usr/lib64/")); /* no index */
    assert_false(HAS(LIST(0), 2, "libzmq.so.5\0other", 1, "/usr/lib64/"));
    assert_true(HAS(LIST(0, 5), 1, "libzmq.so.5\0other", 1, "/usr/lib64/"));
    assert_false(HAS(LIST(0, 0), 1, "other\0libzmq.so.5", 1, "/usr/lib64/")); /* of one file two */
    assert_false(HAS(LIST(0), 0, "libzmq.so.5", 1, "/usr/lib64/"));
    assert_false(HAS(LIST(0), 1, "libzmq.so.5", 0, "/usr/lib64/"));
}

static void find__texts_without_an_end__is_none(void **state)
{
    (void)state;
    /* The folders are the last of the data. */
    assert_false(has(1, (const uint32_t[]){0}, 1, "libzmq.so.5", 12, 1, "/usr/lib64/", 11));
    assert_false(has(1, (const uint32_t[]){1}, 1, "libzmq.so.5", 12, 2, "/usr/lib64/", 12));
    struct library_package package;
    struct made *made = make_named("zeromq", "4", "1");
    made->n_entries -= 3;
    add_numbers(made, INDEXES, (const uint32_t[]){0, 0, 0}, 3);
    ADD_TEXTS(made, FOLDERS, 1, "/usr/lib64/");
    add(made, BASES, STRING_ARRAY, "a\0libzmq.so.5", 13, 2); /* no NUL at the end */
    assert_false(find_in(made, 0, &package));
    made->n_entries--;
    made->size -= 13;
    add(made, BASES, STRING_ARRAY, "a\0b", 4, 3); /* the third begins where all ends */
    assert_false(find(made, &package));
}

static void find__indexes_beyond_the_data__is_none(void **state)
{
    (void)state;
    for (size_t missing = 0; missing < 4; missing++) {
        struct library_package package;
        struct made *made = make();
        add_text(made, NAME, "zeromq");
        add_text(made, VERSION, "4");
        add_text(made, RELEASE, "1");
        ADD_TEXTS(made, FOLDERS, 1, "/usr/lib64/");
        ADD_TEXTS(made, BASES, 2, "libzmq.so.5\0other");
        add(made, INDEXES, INT32, "\0\0\0\0\0\0\0\0", 8 - missing, 2);
        assert_int_equal(find(made, &package), missing == 0);
    }
}

/* Files of that name in n folders, the last of which is the library's. */
static bool has_after(uint32_t n)
{
    char bases[32 * 12] = "";
    uint32_t indexes[32] = {0};
    for (uint32_t i = 0; i < n; i++)
        memcpy(bases + 12 * (size_t)i, "libzmq.so.5", 12);
    indexes[n - 1] = 1;
    return has(n, indexes, n, bases, 12 * (size_t)n, 2, "/opt/\0/usr/lib64/", 18);
}

static void find__many_files_of_the_name__up_to_a_limit(void **state)
{
    (void)state;
    assert_true(has_after(1));
    assert_true(has_after(16));
    assert_false(has_after(17));
}

static void find__many_files__up_to_a_limit(void **state)
{
    (void)state;
    for (uint32_t n = 100000; n <= 100001; n++) {
        struct library_package package;
        struct made *made = make();
        uint32_t *indexes = calloc(n, sizeof(*indexes));
        char *bases = malloc(2 * (size_t)n + 12);
        memcpy(bases, "libzmq.so.5", 12);
        for (uint32_t i = 0; i < n; i++)
            memcpy(bases + 12 + 2 * (size_t)i, "a", 2);
        add_text(made, NAME, "zeromq");
        add_text(made, VERSION, "4");
        add_text(made, RELEASE, "1");
        add_numbers(made, INDEXES, indexes, n);
        add(made, BASES, STRING_ARRAY, bases, 2 * (size_t)(n - 1) + 12, n);
        ADD_TEXTS(made, FOLDERS, 1, "/usr/lib64/");
        assert_int_equal(find(made, &package), n == 100000);
        free(indexes);
        free(bases);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__cut_anywhere__is_none),
        cmocka_unit_test(find__texts_that_are_missing_empty_or_too_long__is_none),
        cmocka_unit_test(find__entry_at_the_end__is_none_and_other_types_are_passed_over),
        cmocka_unit_test(find__many_entries__up_to_a_limit),
        cmocka_unit_test(find__epoch__is_before_the_version_if_it_is_not_zero),
        cmocka_unit_test(find__source__is_without_its_version),
        cmocka_unit_test(find__folders__are_those_of_each_file),
        cmocka_unit_test(find__texts_without_an_end__is_none),
        cmocka_unit_test(find__indexes_beyond_the_data__is_none),
        cmocka_unit_test(find__many_files_of_the_name__up_to_a_limit),
        cmocka_unit_test(find__many_files__up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
