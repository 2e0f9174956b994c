/* SPDX-License-Identifier: MPL-2.0 */
/* Package databases in a root that anybody may have made: what is too large, a link, or changed. */
#include "libraries/package_lookup.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "/usr/lib/libzmq.so.5.2.4"
#define RECORD  "Package: libzmq5\nStatus: install ok installed\nVersion: 4.3.4-6\n\n"
#define LIST    "/.\n" LIBRARY "\n"
#define APK     "P:libzmq\nV:4.3.5-r2\no:zeromq\nF:usr/lib\nR:libzmq.so.5.2.4\n\n"
#define STATUS  "var/lib/dpkg/status"
#define INFO    "var/lib/dpkg/info/"

struct fixture {
    char path[64];
    int root;
    struct package_lookup lookup;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    temporary_directory_make(f->path);
    f->root = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    package_lookup_finish(&f->lookup);
    close(f->root);
    temporary_directory_remove(f->path);
    free(f);
    return 0;
}

/* A file with the text, and NULs behind it up to `size`. */
static void put_sized(struct fixture *f, const char *name, const char *text, off_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    for (char *slash = path + strlen(f->path) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    if (size)
        assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static void put(struct fixture *f, const char *name, const char *text)
{
    put_sized(f, name, text, 0);
}

static void take_away(struct fixture *f, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    assert_int_equal(unlink(path), 0);
}

static void put_all(struct fixture *f)
{
    put(f, LIBRARY, "");
    put(f, STATUS, RECORD);
    put(f, INFO "libzmq5.list", LIST);
}

static enum package_manager find_path(struct fixture *f, const char *path)
{
    struct library_package package = {.manager = PACKAGE_APK, .name = "of before"};
    package_lookup_find(&f->lookup, f->root, path, &package);
    assert_int_equal(*package.name != '\0',
                     package.manager != PACKAGE_NONE && package.manager != PACKAGE_UNREAD);
    return package.manager;
}

static enum package_manager find(struct fixture *f)
{
    return find_path(f, LIBRARY);
}

static void find__dpkg__needs_library_list_and_status(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {LIBRARY, STATUS, INFO "libzmq5.list"};
    assert_int_equal(find(f), PACKAGE_NONE);
    put_all(f);
    assert_int_equal(find(f), PACKAGE_DPKG);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct package_lookup fresh = {0};
        package_lookup_finish(&f->lookup);
        f->lookup = fresh;
        take_away(f, files[i]);
        assert_int_equal(find(f), PACKAGE_NONE);
        put_all(f);
    }
    assert_int_equal(find_path(f, "/usr/lib/libzmq.so.5.2.3"), PACKAGE_NONE);
}

static void find__names_of_lists__are_those_of_zmq(void **state)
{
    struct fixture *f = *state;
    char longest[128], longer[128];
    (void)snprintf(longest, sizeof(longest), INFO "zmq%0*d.list", (int)PACKAGE_NAME_SIZE - 4, 0);
    (void)snprintf(longer, sizeof(longer), INFO "zmq%0*d.list", (int)PACKAGE_NAME_SIZE - 3, 0);
    const struct {
        const char *file;
        bool is_read;
    } rows[] = {
        {INFO "libzmq5.list", true},
        {INFO "libzeromq1.list", true},
        {INFO "zmq.list", true},
        {INFO "libc6.list", false},
        {INFO "libzmq5.md5sums", false},
        {INFO "libzmq5.list.old", false},
        {INFO "libzmq5list", false},
        {longest, true},
        {longer, false},
    };
    put(f, LIBRARY, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char status[256];
        const char *name = rows[i].file + strlen(INFO);
        (void)snprintf(status, sizeof(status),
                       "Package: %.*s\nStatus: install ok installed\nVersion: 1\n",
                       (int)strcspn(name, "."), name);
        put(f, STATUS, status);
        put(f, rows[i].file, LIST);
        assert_int_equal(find(f), rows[i].is_read ? PACKAGE_DPKG : PACKAGE_NONE);
        take_away(f, rows[i].file);
    }
}

static void find__several_lists__is_the_one_with_the_path(void **state)
{
    struct fixture *f = *state;
    struct library_package package;
    put_all(f);
    put(f, INFO "libzmq3-dev.list", "/.\n/usr/include/zmq.h\n");
    put(f, INFO "python3-zmq.list", "/.\n/usr/lib/python3\n");
    put(f, STATUS, "Package: python3-zmq\nStatus: install ok installed\nVersion: 1\n\n" RECORD);
    package_lookup_find(&f->lookup, f->root, LIBRARY, &package);
    assert_string_equal(package.name, "libzmq5");
    assert_string_equal(package.version, "4.3.4-6");
    assert_string_equal(package_manager_name(package.manager), "dpkg");
}

static void find__sizes__are_limited(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *file, *text;
        off_t max;
    } rows[] = {
        {INFO "libzmq5.list", LIST, (off_t)PACKAGE_LOOKUP_LIST_MAX},
        {STATUS, RECORD, (off_t)PACKAGE_LOOKUP_DATABASE_MAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (off_t more = -1; more <= 1; more++) {
            put_all(f);
            put_sized(f, rows[i].file, rows[i].text, rows[i].max + more);
            put(f, LIBRARY, ""); /* another time: nothing is kept of before */
            package_lookup_finish(&f->lookup);
            assert_int_equal(find(f), more <= 0 ? PACKAGE_DPKG : PACKAGE_NONE);
        }
    }
    take_away(f, STATUS);
    for (off_t more = -1; more <= 1; more++) {
        put_sized(f, "lib/apk/db/installed", APK, (off_t)PACKAGE_LOOKUP_DATABASE_MAX + more);
        package_lookup_finish(&f->lookup);
        assert_int_equal(find(f), more <= 0 ? PACKAGE_APK : PACKAGE_NONE);
    }
}

static void find__apk__where_there_is_no_dpkg(void **state)
{
    struct fixture *f = *state;
    put(f, LIBRARY, "");
    put(f, "usr/lib/apk/db/installed", APK); /* where /lib is a link to /usr/lib */
    assert_int_equal(find(f), PACKAGE_APK);
    put(f, "lib/apk/db/installed", "P:other\nV:1\n");
    assert_int_equal(find(f), PACKAGE_NONE);
    put(f, "lib/apk/db/installed", APK);
    assert_int_equal(find(f), PACKAGE_APK);
    put(f, STATUS, "");
    assert_int_equal(find(f), PACKAGE_NONE);
}

#define RPM_LIBRARY "/usr/lib64/libzmq.so.5.2.4"

static void put_copy(struct fixture *f, const char *name, const char *source)
{
    char command[512];
    put(f, name, "");
    (void)snprintf(command, sizeof(command), "cp '%s' '%s/%s'", source, f->path, name);
    assert_int_equal(system(command), 0);
}

static void find__rpm__in_either_place_and_when_its_log_is_empty(void **state)
{
    struct fixture *f = *state;
    static const char *const places[] = {"usr/lib/sysimage/rpm/rpmdb.sqlite",
                                         "var/lib/rpm/rpmdb.sqlite"};
    put(f, RPM_LIBRARY, "");
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        char log[64];
        (void)snprintf(log, sizeof(log), "%s-wal", places[i]);
        put_copy(f, places[i], TEST_SOURCE_ROOT "/tests/fuzz/corpus/package_rpm/small");
        assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_RPM);
        assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_RPM);
        assert_int_equal(f->lookup.n_read, i + 1);
        package_lookup_finish(&f->lookup);
        put(f, log, "");
        assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_RPM);
        package_lookup_finish(&f->lookup);
        put(f, log, "an unfinished transaction");
        assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_UNREAD);
        package_lookup_finish(&f->lookup);
        take_away(f, log);
        take_away(f, places[i]);
        f->lookup.n_read = i + 1;
    }
}

static void find__rpm_of_other_formats__is_read_or_told(void **state)
{
    struct fixture *f = *state;
    static const char *const files[][2] = {
        {"usr/lib/sysimage/rpm/rpmdb.sqlite", "many"}, {"usr/lib/sysimage/rpm/Packages.db", "ndb"},
        {"var/lib/rpm/Packages.db", "ndb-long"},       {"usr/lib/sysimage/rpm/Packages", "bdb"},
        {"var/lib/rpm/Packages", "bdb-4096"},
    };
    put(f, RPM_LIBRARY, "");
    assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_NONE);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char copy[512];
        (void)snprintf(copy, sizeof(copy), TEST_SOURCE_ROOT "/tests/fuzz/corpus/package_rpm/%s",
                       files[i][1]);
        put_copy(f, files[i][0], copy);
        assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_RPM);
        put(f, files[i][0], "neither of them, nor as long as it would have to be");
        package_lookup_finish(&f->lookup);
        assert_int_equal(find_path(f, RPM_LIBRARY), PACKAGE_UNREAD);
        package_lookup_finish(&f->lookup);
        take_away(f, files[i][0]);
    }
    put(f, LIBRARY, "");
    assert_int_equal(find(f), PACKAGE_NONE);
    put(f, files[1][0], "");
    put_all(f);
    assert_int_equal(find(f), PACKAGE_DPKG);
}

static void find__links__are_not_followed(void **state)
{
    struct fixture *f = *state;
    static const char *const files[] = {LIBRARY, STATUS, INFO "libzmq5.list"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        char from[160], to[160];
        put_all(f);
        (void)snprintf(from, sizeof(from), "%s/%s", f->path, files[i]);
        (void)snprintf(to, sizeof(to), "%s/moved", f->path);
        assert_int_equal(rename(from, to), 0);
        assert_int_equal(symlink(to, from), 0);
        package_lookup_finish(&f->lookup);
        assert_int_equal(find(f), PACKAGE_NONE);
        assert_int_equal(unlink(from), 0);
    }
}

static void find__path__fits_or_is_none(void **state)
{
    struct fixture *f = *state;
    for (int more = -1; more <= 0; more++) {
        char path[PACKAGE_LOOKUP_PATH_SIZE + 8], list[sizeof(path) + 8];
        (void)snprintf(path, sizeof(path), "/%0100d/%0100d/%0*d.so", 1, 2,
                       (int)PACKAGE_LOOKUP_PATH_SIZE - 206 + more, 3);
        assert_int_equal(strlen(path), PACKAGE_LOOKUP_PATH_SIZE + (size_t)more);
        (void)snprintf(list, sizeof(list), "%s\n", path);
        put_all(f);
        put(f, INFO "libzmq5.list", list);
        put(f, path, "");
        assert_int_equal(find_path(f, path), more < 0 ? PACKAGE_DPKG : PACKAGE_NONE);
    }
}

static void find__again__reads_a_database_only_after_a_change(void **state)
{
    struct fixture *f = *state;
    put_all(f);
    for (int i = 0; i < 5; i++)
        assert_int_equal(find(f), PACKAGE_DPKG);
    assert_int_equal(f->lookup.n_read, 1);
    assert_null(f->lookup.text.data); /* megabytes are not kept */

    take_away(f, STATUS);
    put(f, STATUS, "Package: libzmq5\nStatus: install ok installed\nVersion: 4.3.4-7\n\n");
    struct library_package package;
    for (int i = 0; i < 5; i++)
        package_lookup_find(&f->lookup, f->root, LIBRARY, &package);
    assert_string_equal(package.version, "4.3.4-7");
    assert_int_equal(f->lookup.n_read, 2);

    char from[160], to[160];
    (void)snprintf(from, sizeof(from), "%s/new", f->path);
    (void)snprintf(to, sizeof(to), "%s" LIBRARY, f->path);
    put(f, "new", "");
    assert_int_equal(rename(from, to), 0); /* as an upgrade replaces it */
    for (int i = 0; i < 5; i++)
        assert_int_equal(find(f), PACKAGE_DPKG);
    assert_int_equal(f->lookup.n_read, 3);
}

static void find__more_than_are_kept__forgets_the_oldest(void **state)
{
    struct fixture *f = *state;
    char list[8192] = "", path[64];
    for (unsigned i = 0; i <= PACKAGE_LOOKUP_CACHE_SIZE; i++) {
        (void)snprintf(path, sizeof(path), "/opt/%u/libzmq.so.5", i);
        put(f, path, "");
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s\n", path);
    }
    put_all(f);
    put(f, INFO "libzmq5.list", list);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < PACKAGE_LOOKUP_CACHE_SIZE; i++) {
            (void)snprintf(path, sizeof(path), "/opt/%u/libzmq.so.5", i);
            assert_int_equal(find_path(f, path), PACKAGE_DPKG);
        }
        assert_int_equal(f->lookup.n_read, PACKAGE_LOOKUP_CACHE_SIZE);
    }
    assert_int_equal(find_path(f, "/opt/64/libzmq.so.5"), PACKAGE_DPKG);
    assert_int_equal(f->lookup.n_read, PACKAGE_LOOKUP_CACHE_SIZE + 1);
    assert_int_equal(find_path(f, "/opt/1/libzmq.so.5"), PACKAGE_DPKG);
    assert_int_equal(f->lookup.n_read, PACKAGE_LOOKUP_CACHE_SIZE + 1);
    assert_int_equal(find_path(f, "/opt/0/libzmq.so.5"), PACKAGE_DPKG);
    assert_int_equal(f->lookup.n_read, PACKAGE_LOOKUP_CACHE_SIZE + 2);
    assert_int_equal(find_path(f, "/opt/1/libzmq.so.5"), PACKAGE_DPKG);
    assert_int_equal(f->lookup.n_read, PACKAGE_LOOKUP_CACHE_SIZE + 3);
}

/*
 * The parsers
 */
static void status__fields__fit_or_the_record_is_none(void **state)
{
    (void)state;
    char text[512], name[80], version[120];
    for (unsigned name_size = PACKAGE_NAME_SIZE - 1; name_size <= PACKAGE_NAME_SIZE; name_size++) {
        for (unsigned size = PACKAGE_VERSION_SIZE - 1; size <= PACKAGE_VERSION_SIZE; size++) {
            struct library_package package = {0};
            (void)snprintf(name, sizeof(name), "%0*d", (int)name_size, 1);
            (void)snprintf(version, sizeof(version), "%0*d", (int)size, 2);
            int n = snprintf(text, sizeof(text),
                             "Package: %s\nStatus: install ok installed\nVersion:\t%s \r\n", name,
                             version);
            bool fits = name_size < PACKAGE_NAME_SIZE && size < PACKAGE_VERSION_SIZE;
            assert_int_equal(package_status_find(text, (size_t)n, name, &package), fits);
            assert_string_equal(package.version, fits ? version : "");
        }
    }
}

static void status__record__is_of_name_architecture_and_state(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        bool is_found;
    } rows[] = {
        {RECORD, "libzmq5", true},
        {RECORD, "libzmq", false},
        {RECORD, "libzmq55", false},
        {RECORD, "libzmq5:amd64", false},
        {RECORD "Architecture: amd64\n", "libzmq5:amd64", false}, /* of the next record */
        {"Architecture: amd64\n" RECORD, "libzmq5:amd64", true},
        {"Architecture: amd64\n" RECORD, "libzmq5:i386", false},
        {"Architecture: amd64\n" RECORD, "libzmq5:", true},
        {"Package: a\nStatus: installed\nVersion: 1\n", "a", false},
        {"Package: a\nStatus: hold ok installed\nVersion: 1\n", "a", true},
        {"Package: a\nStatus: install ok half-installed\nVersion: 1\n", "a", false},
        {"Package: a\nStatus: install ok not-installed\nVersion: 1\n", "a", false},
        {"Package: a\nStatus: install ok installed\nVersion: \n", "a", false},
        {"Package: a\nStatus: install ok installed\n", "a", false},
        {"Package: a\nVersion: 1\n", "a", false},
        {"Status: install ok installed\nVersion: 1\n", "a", false},
        {"Status: install ok installed\nVersion: 1", "", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct library_package package = {0};
        bool is_found = package_status_find(rows[i].text, strlen(rows[i].text), rows[i].name,
                                            &package);
        if (is_found != rows[i].is_found)
            print_message("# %s in\n%s\n", rows[i].name, rows[i].text);
        assert_int_equal(is_found, rows[i].is_found);
    }
}

static void status__source__is_what_it_says_or_the_package(void **state)
{
    (void)state;
    static const struct {
        const char *line, *source, *version;
    } rows[] = {
        {"", "libzmq5", "4.3.4-6"},
        {"Source:\n", "libzmq5", "4.3.4-6"},
        {"Source: zeromq3\n", "zeromq3", "4.3.4-6"},
        {"Source: zeromq3 (4.3.4-5)\n", "zeromq3", "4.3.4-5"},
        {"Source: zeromq3 ()\n", "zeromq3", "4.3.4-6"},
        {"Source: zeromq3 (4.3.4-5\n", "zeromq3", "4.3.4-5"},
        {"Source: zeromq3(4.3.4-5)\n", "zeromq3(4.3.4-5)", "4.3.4-6"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[256];
        struct library_package package = {0};
        int n = snprintf(text, sizeof(text), "%s" RECORD, rows[i].line);
        assert_true(package_status_find(text, (size_t)n, "libzmq5", &package));
        assert_string_equal(package.source, rows[i].source);
        assert_string_equal(package.source_version, rows[i].version);
        assert_string_equal(package.version, "4.3.4-6");
        assert_int_equal(package.manager, PACKAGE_DPKG);
    }
}

static void apk__records__do_not_run_into_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name, *source; /* NULL: it is not found */
    } rows[] = {
        {APK, "libzmq", "zeromq"},
        {"P:a\nV:1\nF:usr/lib\nR:libzmq.so.5.2.4", "a", "a"},
        {"P:a\nV:1\no:b\nF:lib\nR:libzmq.so.5.2.4", "a", "b"}, /* /lib is /usr/lib */
        {"P:a\nV:1\nF:usr\nR:lib/libzmq.so.5.2.4", "a", "a"},
        {"P:a\nF:usr/lib\nR:libzmq.so.5.2.4", NULL, NULL},
        {"V:1\nF:usr/lib\nR:libzmq.so.5.2.4", NULL, NULL},
        {"P:a\nV:1\nF:usr/lib\n\nR:libzmq.so.5.2.4", NULL, NULL},
        {"P:a\nV:1\no:c\nF:usr/lib\n\nP:b\nV:2\nF:usr/lib\nR:libzmq.so.5.2.4", "b", "b"},
        {"P:a\nV:1\n\nP:b\nF:usr/lib\nR:libzmq.so.5.2.4", NULL, NULL},
        {"P:a\nV:1\nF:usr/lib\nR:libzmq.so.5.2.40", NULL, NULL},
        {"P:a\nV:1\nF:usr/lib\nF:opt\nR:libzmq.so.5.2.4", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct library_package package = {0};
        bool is_found = package_apk_find(rows[i].text, strlen(rows[i].text), LIBRARY, &package);
        if (is_found != !!rows[i].name)
            print_message("# %s\n", rows[i].text);
        assert_int_equal(is_found, rows[i].name != NULL);
        assert_string_equal(package.name, is_found ? rows[i].name : "");
        assert_string_equal(package.source, is_found ? rows[i].source : "");
        assert_string_equal(package.source_version, package.version);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(find__rpm_of_other_formats__is_read_or_told),
        TEST(find__dpkg__needs_library_list_and_status),
        TEST(find__names_of_lists__are_those_of_zmq),
        TEST(find__several_lists__is_the_one_with_the_path),
        TEST(find__sizes__are_limited),
        TEST(find__apk__where_there_is_no_dpkg),
        TEST(find__rpm__in_either_place_and_when_its_log_is_empty),
        TEST(find__links__are_not_followed),
        TEST(find__path__fits_or_is_none),
        TEST(find__again__reads_a_database_only_after_a_change),
        TEST(find__more_than_are_kept__forgets_the_oldest),
        cmocka_unit_test(status__fields__fit_or_the_record_is_none),
        cmocka_unit_test(status__record__is_of_name_architecture_and_state),
        cmocka_unit_test(status__source__is_what_it_says_or_the_package),
        cmocka_unit_test(apk__records__do_not_run_into_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
