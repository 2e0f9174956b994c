/* SPDX-License-Identifier: MPL-2.0 */
/* What a file that has libzmq in it tells of itself, mapped into this process. */
#include "peek/peek_inside.h"

#include "base/procfs.h"
#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK  (256u << 10) /* of the file, read at once */
#define CACHED 64

static char directory[64], path[96];
static struct peek_target target;
static void *mapped;
static size_t mapped_size;

static void expect_version_of(const void *bytes, size_t size, const char *expected)
{
    char text[16] = "";
    peek_inside_find_version(bytes, size, text);
    assert_string_equal(text, expected);
}

static void expect_version(const char *text, const char *expected)
{
    expect_version_of(text, strlen(text), expected);
}

static void find_version__each_separator__is_told(void **state)
{
    static const char *const told[] = {"/usr/src/zeromq-4.3.5/src/ctx.cpp",
                                       "zeromq-v4.3.5 ",
                                       "zeromq3-4.3.5-6",
                                       "zeromq/src/v4.3.5/",
                                       "zeromq/v4.3.5,",
                                       "zeromq/4.3.5/",
                                       "zeromq_4.3.5_",
                                       "libzmq-4.3.5/src",
                                       "zeromq zeromq-4.3.5/",
                                       "zeromq-zeromq-4.3.5/"};
    (void)state;
    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++)
        expect_version(told[i], "4.3.5");
    expect_version("zeromq-2.0.0/", "2.0.0");
    expect_version("zeromq-9.12.123/", "9.12.123");
}

static void find_version__something_else__is_not_told(void **state)
{
    static const char *const other[] = {
        "zeromq4.3.5/",  "zeromq-4.3.5",     "zeromq-4.3",    "zeromq-4.3.",
        "zeromq-4.3/5/", "zeromq-4..5/",     "zeromq-1.3.5/", "zeromq-10.0.0/",
        "zeromq-4.3.x/", "zeromq-4.3.5123/", "zeromq-",       "zeromq",
        "zeromq-.3.5/",  "curve-4.3.5/",     "zeromq+4.3.5/", "zeromq-4-3.5/"};
    (void)state;
    for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
        expect_version(other[i], "");
}

static void find_version__several__is_told_if_they_are_the_same(void **state)
{
    (void)state;
    expect_version("zeromq-4.3.5/a zeromq-4.3.5/b libzmq-4.3.5/c", "4.3.5");
    expect_version("zeromq-4.3.5/a zeromq-4.3.4/b", "?");
    expect_version("zeromq-4.3.5/a libzmq-4.3.4/b", "?");
    expect_version("zeromq-4.3.5/a zeromq-4.3.4/b zeromq-4.3.4/c", "?");
}

static const unsigned char code[] = {0x90, 0xc7, 7, 4,    0, 0, 0, 0xc7, 6, 3,
                                     0,    0,    0, 0xc7, 2, 5, 0, 0,    0, 0xc3};

static void find_version__code__is_told_where_each_byte_is_so(void **state)
{
    (void)state;
    expect_version_of(code, sizeof(code), "4.3.5");
    expect_version_of(code, sizeof(code) - 1, "");
    for (size_t i = 1; i < sizeof(code); i++) {
        unsigned char other[sizeof(code)];
        char expected[16] = "";
        memcpy(other, code, sizeof(code));
        other[i]++;
        if (i == 9)
            (void)strcpy(expected, "4.4.5");
        else if (i == 15)
            (void)strcpy(expected, "4.3.6");
        expect_version_of(other, sizeof(other), expected);
    }
}

static void find_version__code_of_two_versions__is_not_known(void **state)
{
    unsigned char both[2 * sizeof(code)];
    (void)state;
    memcpy(both, code, sizeof(code));
    memcpy(both + sizeof(code), code, sizeof(code));
    expect_version_of(both, sizeof(both), "4.3.5");
    both[sizeof(code) + 9]++;
    expect_version_of(both, sizeof(both), "?");
}

/*
 * Files
 */
static int set_up(void **state)
{
    (void)state;
    temporary_directory_make(directory);
    target = PEEK_TARGET_NONE;
    mapped = MAP_FAILED;
    return 0;
}

static void unmap(void)
{
    if (mapped != MAP_FAILED)
        (void)munmap(mapped, mapped_size);
    mapped = MAP_FAILED;
}

static int tear_down(void **state)
{
    (void)state;
    unmap();
    peek_target_close(&target);
    temporary_directory_remove(directory);
    return 0;
}

/* A file with `text` at an offset, changed last at a time, and its first page mapped. */
static void map_file(const char *name, const char *text, off_t offset, time_t changed_s)
{
    unmap();
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0700);
    const struct timespec times[2] = {{.tv_sec = changed_s}, {.tv_sec = changed_s}};
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), offset), strlen(text));
    assert_int_equal(futimens(fd, times), 0);
    mapped_size = (size_t)sysconf(_SC_PAGESIZE);
    mapped = mmap(NULL, mapped_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_ptr_not_equal(mapped, MAP_FAILED);
    close(fd);
}

static const struct peek_mapping *find_mapping(void)
{
    uint64_t start_ticks;
    int procfs_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    peek_target_close(&target);
    assert_int_equal(procfs_start_time(procfs_fd, getpid(), &start_ticks), 0);
    assert_int_equal(peek_target_open(&target, procfs_fd, getpid(), start_ticks), 0);
    close(procfs_fd);
    const struct peek_mapping *mapping = peek_maps_find(&target.maps, (uintptr_t)mapped);
    assert_non_null(mapping);
    return mapping;
}

static struct peek_inside read_inside(void)
{
    struct peek_inside inside;
    const struct peek_mapping *mapping = find_mapping();
    assert_true(peek_inside_read(&target, mapping, &inside));
    assert_true(inside.inode != 0 && inside.inode == mapping->inode);
    assert_true(inside.device == mapping->device);
    return inside;
}

static void read__add_on__tells_path_and_version(void **state)
{
    (void)state;
    map_file("add-on.node", "zeromq-4.3.5/src", 0, 1000);
    struct peek_inside inside = read_inside();
    assert_false(inside.is_deleted);
    assert_string_equal(inside.path, path);
    assert_string_equal(inside.version, "4.3.5");
    assert_string_equal(inside.build_id, "");
}

static void read__file_was_deleted__says_so(void **state)
{
    (void)state;
    map_file("add-on.node", "zeromq-4.3.5/src", 0, 1000);
    assert_int_equal(unlink(path), 0);
    struct peek_inside inside = read_inside();
    assert_true(inside.is_deleted);
    assert_string_equal(inside.path, path);
    assert_string_equal(inside.version, "");
}

static void read__library_of_its_own_name__is_left_to_others(void **state)
{
    struct peek_inside inside;
    (void)state;
    map_file("libzmq.so.5", "zeromq-4.3.5/src", 0, 1000);
    assert_false(peek_inside_read(&target, find_mapping(), &inside));
    assert_int_equal(unlink(path), 0);
    assert_false(peek_inside_read(&target, find_mapping(), &inside));
}

static void read__no_such_mapping__is_none(void **state)
{
    struct peek_inside inside;
    (void)state;
    map_file("add-on.node", "zeromq-4.3.5/src", 0, 1000);
    struct peek_mapping mapping = *find_mapping();
    mapping.end += mapped_size;
    assert_false(peek_inside_read(&target, &mapping, &inside));
}

static void read__executable__has_a_build_id(void **state)
{
    struct peek_inside inside;
    (void)state;
    map_file("add-on.node", "", 0, 1000);
    (void)find_mapping();
    const struct peek_mapping *mapping = peek_maps_find(&target.maps, (uintptr_t)&set_up);
    assert_non_null(mapping);
    assert_true(peek_inside_read(&target, mapping, &inside));
    assert_non_null(strstr(inside.path, "peek_inside"));
}

static void read__text_where_two_chunks_meet__is_found(void **state)
{
    (void)state;
    for (off_t offset = CHUNK - 20; offset <= CHUNK; offset += 4) {
        map_file("add-on.node", "zeromq-4.3.5/src", offset, 2000 + offset);
        assert_string_equal(read_inside().version, "4.3.5");
    }
}

static void read__two_versions_in_two_chunks__is_not_known(void **state)
{
    (void)state;
    map_file("add-on.node", "zeromq-4.3.5/src", 3 * CHUNK, 1000);
    int fd = open(path, O_WRONLY);
    const struct timespec times[2] = {{.tv_sec = 4000000}, {.tv_sec = 4000000}};
    assert_int_equal(pwrite(fd, "zeromq-4.3.4/src", 16, 0), 16);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    assert_string_equal(read_inside().version, "");
}

static void read__text_beyond_the_limit__is_not_looked_for(void **state)
{
    (void)state;
    map_file("add-on.node", "zeromq-4.3.5/src", PEEK_INSIDE_MAX_BYTES - 32, 3000);
    assert_string_equal(read_inside().version, "4.3.5");
    map_file("add-on.node", "zeromq-4.3.5/src", PEEK_INSIDE_MAX_BYTES + CHUNK, 3001);
    assert_string_equal(read_inside().version, "");
}

/* Of the same time means of the same content. */
static void read__file_is_known__is_read_again_when_it_has_changed(void **state)
{
    (void)state;
    map_file("add-on.node", "zeromq-4.3.5/src", 0, 5000);
    assert_string_equal(read_inside().version, "4.3.5");
    map_file("add-on.node", "zeromq-4.3.4/src", 0, 5000);
    assert_string_equal(read_inside().version, "4.3.5");
    map_file("add-on.node", "zeromq-4.3.4/src", 0, 5001);
    assert_string_equal(read_inside().version, "4.3.4");
    map_file("other.node", "zeromq-4.3.2/src", 0, 5001);
    assert_string_equal(read_inside().version, "4.3.2");
}

static void read__many_files__the_latest_are_known(void **state)
{
    char name[32];
    (void)state;
    for (int i = 0; i < CACHED + 1; i++) {
        (void)snprintf(name, sizeof(name), "%d.node", i);
        map_file(name, "zeromq-4.3.5/src", 0, 6000);
        assert_string_equal(read_inside().version, "4.3.5");
    }
    map_file("1.node", "zeromq-4.3.4/src", 0, 6000);
    assert_string_equal(read_inside().version, "4.3.5");
    map_file("64.node", "zeromq-4.3.4/src", 0, 6000);
    assert_string_equal(read_inside().version, "4.3.5");
    map_file("0.node", "zeromq-4.3.4/src", 0, 6000);
    assert_string_equal(read_inside().version, "4.3.4");
}

#define FILE_CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_version__each_separator__is_told),
        cmocka_unit_test(find_version__something_else__is_not_told),
        cmocka_unit_test(find_version__several__is_told_if_they_are_the_same),
        cmocka_unit_test(find_version__code__is_told_where_each_byte_is_so),
        cmocka_unit_test(find_version__code_of_two_versions__is_not_known),
        FILE_CASE(read__add_on__tells_path_and_version),
        FILE_CASE(read__file_was_deleted__says_so),
        FILE_CASE(read__library_of_its_own_name__is_left_to_others),
        FILE_CASE(read__no_such_mapping__is_none),
        FILE_CASE(read__executable__has_a_build_id),
        FILE_CASE(read__text_where_two_chunks_meet__is_found),
        FILE_CASE(read__two_versions_in_two_chunks__is_not_known),
        FILE_CASE(read__text_beyond_the_limit__is_not_looked_for),
        FILE_CASE(read__file_is_known__is_read_again_when_it_has_changed),
        FILE_CASE(read__many_files__the_latest_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
