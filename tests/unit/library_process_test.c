/* SPDX-License-Identifier: MPL-2.0 */
/* One process of a folder made to look like /proc, and what its segment tells of it. */
#include "collectors/library/library_join.h"
#include "libraries/library_process.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID   70
#define START 900
#define MAPS  "1000-2000 r--p 0 08:01 7 /usr/lib/libzmq.so.5.2.4"
#define OTHER "3000-4000 r--p 0 08:01 8 /opt/w/libzmq-0a1b.so.5.2.5"

struct fixture {
    char path[64], directory[96];
    struct library_sources sources;
    struct library_process process;
    struct library_join join;
    struct library_rows rows;
    struct release_table releases; /* none: files' names tell nothing */
};

static void put_bytes(struct fixture *f, const char *name, const void *bytes, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    for (char *slash = path + strlen(f->path) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void put(struct fixture *f, const char *name, const char *text)
{
    put_bytes(f, name, text, strlen(text));
}

/* As a process of a set-user-id file has it: its effective id counts. */
static void put_owner(struct fixture *f, unsigned effective)
{
    char text[96];
    (void)snprintf(text, sizeof(text), "Name:\tx\nUid:\t4242\t%u\t4242\t4242\n", effective);
    put(f, "70/status", text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    temporary_directory_make(f->path);
    (void)stpcpy(stpcpy(f->directory, f->path), "/segments");
    assert_int_equal(mkdir(f->directory, 0700), 0);
    f->sources.root_fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    library_join_init(&f->join, f->sources.root_fd, f->directory);
    f->process = (struct library_process){.pid = PID, .start_ticks = START, .size_bytes = 4096};
    put_owner(f, geteuid());
    put(f, "70/stat", "70 (x) S 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 900 4096 1 ");
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    library_process_finish(&f->process);
    library_join_finish(&f->join);
    package_lookup_finish(&f->sources.packages);
    string_buffer_finish(&f->sources.text);
    close(f->sources.root_fd);
    temporary_directory_remove(f->path);
    free(f);
    return 0;
}

/* A header alone: no group and no lane is read. */
static struct segment_header header_of(const char *program)
{
    struct segment_header header = {
        .magic = SEGMENT_MAGIC,
        .version = SEGMENT_VERSION,
        .byte_order = SEGMENT_BYTE_ORDER,
        .header_size = sizeof(header),
        .group_size = sizeof(struct segment_group),
        .lane_size = sizeof(struct segment_lane),
        .state = SEGMENT_LIVE,
    };
    (void)snprintf(header.program, sizeof(header.program), "%s", program);
    return header;
}

static void add_library(struct segment_header *header, uint32_t patch, const char *path)
{
    struct segment_library *library = &header->libraries[header->n_libraries++];
    library->version_major = 4;
    library->version_minor = 3;
    library->version_patch = patch;
    (void)snprintf(library->path, sizeof(library->path), "%s", path);
}

static void put_segment(struct fixture *f, const char *name, const struct segment_header *header)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "segments/%s", name);
    put_bytes(f, path, header, sizeof(*header));
    library_segments_list(&f->join.segments);
}

/* Joined twice: a library that only the tap knows of is waited for. */
static int read_process(struct fixture *f)
{
    int r = library_process_read(&f->process, &f->sources);
    for (uint64_t wait_s = 0; wait_s <= LIBRARY_JOIN_PATIENCE_S;
         wait_s += LIBRARY_JOIN_PATIENCE_S) {
        library_join_begin(&f->join, &f->releases, &f->rows);
        library_join_add_scanned(&f->process, &f->join);
        library_join_end(&f->join, NULL, wait_s * UINT64_C(1000000000));
    }
    return r;
}

static void assert_program(struct fixture *f, const char *program)
{
    assert_int_equal(read_process(f), 0);
    assert_true(f->rows.n > 0);
    assert_string_equal(f->rows.rows[0].program, program);
}

static const struct library_row *find(struct fixture *f, const char *path)
{
    for (size_t i = 0; i < f->rows.n; i++) {
        if (strcmp(f->rows.rows[i].path, path) == 0)
            return &f->rows.rows[i];
    }
    fail_msg("nothing was found at %s", path);
    return NULL;
}

static void read__no_segment__names_the_unit_or_the_program(void **state)
{
    struct fixture *f = *state;
    char link[128];
    put(f, "70/maps", MAPS);
    assert_program(f, "unknown");

    put_bytes(f, "70/cmdline", "/usr/bin/python3\0/opt/feed.py", 30);
    assert_program(f, "feed.py");

    (void)snprintf(link, sizeof(link), "%s/70/exe", f->path);
    assert_int_equal(symlink("/srv/bin/prices2 (deleted)", link), 0);
    assert_program(f, "prices2");

    put(f, "70/cgroup", "0::/user.slice/session-1.scope\n");
    assert_program(f, "prices2");
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    assert_program(f, "prices");
    assert_int_equal(f->rows.n, 1);
    assert_false(f->rows.rows[0].has_number);
}

static void read__no_library__gives_no_program(void **state)
{
    struct fixture *f = *state;
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    put(f, "70/maps", "1000-2000 r--p 0 08:01 7 /usr/lib/libc.so.6");
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->process.access, LIBRARY_READ);
    assert_null(f->process.found);
    assert_null(f->process.program);
}

static void read__gone_or_refused__says_which(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_process(f), -ENOENT);
    put(f, "70/maps/is-a-folder", ""); /* EISDIR stands for a refusal, also for root */
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->process.access, LIBRARY_REFUSED);
    assert_null(f->process.found);
}

static void read__kernel_thread__is_read_and_has_nothing(void **state)
{
    struct fixture *f = *state;
    put(f, "70/maps", MAPS);
    f->process.size_bytes = 0;
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->process.access, LIBRARY_READ);
    assert_null(f->process.found);
}

/* What cannot be read from outside is told by the process itself. */
static void read__refused_but_tapped__is_told(void **state)
{
    struct fixture *f = *state;
    struct segment_header header = header_of("orders");
    add_library(&header, 4, "/usr/lib/libzmq.so.5");
    put(f, "70/maps/is-a-folder", "");
    put_segment(f, "70-900.seg", &header);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->process.access, LIBRARY_REFUSED);
    assert_int_equal(f->rows.n, 1);
    assert_string_equal(f->rows.rows[0].program, "orders");
    assert_true(find(f, "/usr/lib/libzmq.so.5")->has_number);
}

static void assert_patch(struct fixture *f, const char *path, int patch)
{
    const struct library_row *found = find(f, path);
    assert_int_equal(found->has_number, patch >= 0);
    if (patch < 0)
        return;
    assert_int_equal(found->newest.major, 4);
    assert_int_equal(found->newest.minor, 3);
    assert_int_equal(found->newest.patch, patch);
}

static void read__one_told__is_the_mapped_one(void **state)
{
    struct fixture *f = *state;
    static const char *const told[] = {
        "/usr/lib/libzmq.so.5.2.4", "/lib/libzmq.so.5", "libzmq.so.5",
        "/srv/app/addon.node", /* one here and one there: the same */
    };
    put(f, "70/maps", MAPS);
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
        struct segment_header header = header_of("orders");
        add_library(&header, (uint32_t)i, told[i]);
        put_segment(f, "70-900.seg", &header);
        assert_int_equal(read_process(f), 0);
        assert_int_equal(f->rows.n, 1);
        assert_patch(f, "/usr/lib/libzmq.so.5.2.4", (int)i);
        assert_string_equal(f->rows.rows[0].program, "orders");
    }
}

static void read__two_mapped_one_told__is_given_by_name_alone(void **state)
{
    struct fixture *f = *state;
    struct segment_header header = header_of("orders");
    add_library(&header, 5, "/opt/w/libzmq-0a1b.so.5.2.5");
    put(f, "70/maps", MAPS "\n" OTHER);
    put_segment(f, "70-900.seg", &header);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->rows.n, 2);
    assert_patch(f, "/opt/w/libzmq-0a1b.so.5.2.5", 5);
    assert_patch(f, "/usr/lib/libzmq.so.5.2.4", -1);

    header = header_of("orders");
    add_library(&header, 3, "/srv/app/addon.node"); /* it may be either: it is a third */
    put_segment(f, "70-900.seg", &header);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->rows.n, 3);
    assert_patch(f, "/srv/app/addon.node", 3);
    assert_patch(f, "/opt/w/libzmq-0a1b.so.5.2.5", -1);
    assert_patch(f, "/usr/lib/libzmq.so.5.2.4", -1);
}

static void read__several_told__each_is_given_once(void **state)
{
    struct fixture *f = *state;
    struct segment_header header = header_of("orders");
    add_library(&header, 4, "/usr/lib/libzmq.so.5");
    add_library(&header, 5, "/opt/w/libzmq-0a1b.so.5.2.5");
    add_library(&header, 6, "/srv/b/libzmq.so.5"); /* as the first is called: not the same */
    put(f, "70/maps", MAPS "\n" OTHER);
    put_segment(f, "70-900.seg", &header);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->rows.n, 3);
    assert_patch(f, "/usr/lib/libzmq.so.5.2.4", 4);
    assert_patch(f, "/opt/w/libzmq-0a1b.so.5.2.5", 5);
    assert_patch(f, "/srv/b/libzmq.so.5", 6);

    header.n_libraries = 1;
    add_library(&header, 2, "/srv/app/addon.node"); /* alone in the maps, but two were told */
    put(f, "70/maps", OTHER);
    put_segment(f, "70-900.seg", &header);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->rows.n, 3);
    assert_patch(f, "/srv/app/addon.node", 2);
    assert_patch(f, "/opt/w/libzmq-0a1b.so.5.2.5", -1);
}

/* Another process, another start, not alive, no segment: none of them speaks for this one. */
static void read__segment_of_another__tells_nothing(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"7-900.seg",  "71-900.seg", "70-899.seg", "70-901.seg",
                                        "69-900.seg", "70-900.tmp", "70-0900.seg"};
    struct segment_header header = header_of("orders");
    add_library(&header, 4, "/usr/lib/libzmq.so.5");
    put(f, "70/maps", MAPS);
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        put_segment(f, names[i], &header);
        assert_program(f, "prices");
        assert_patch(f, "/usr/lib/libzmq.so.5.2.4", -1);
    }
    put_segment(f, "70-900.seg", &header);
    assert_program(f, "orders");
}

static void read__segment_not_live_or_not_valid__tells_nothing(void **state)
{
    struct fixture *f = *state;
    struct segment_header header = header_of("orders");
    add_library(&header, 4, "/usr/lib/libzmq.so.5");
    put(f, "70/maps", MAPS);
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    for (uint64_t bad = SEGMENT_PREPARING; bad <= SEGMENT_CLOSED + 1; bad++) {
        header.state = bad;
        put_segment(f, "70-900.seg", &header);
        assert_program(f, bad == SEGMENT_LIVE ? "orders" : "prices");
    }
    header.state = SEGMENT_LIVE;
    put(f, "segments/70-900.seg", "cut");
    assert_program(f, "prices");
}

static void read__several_images__the_newest_tells(void **state)
{
    struct fixture *f = *state;
    static const unsigned order[] = {1, 63, 0, 9, 12};
    put(f, "70/maps", MAPS);
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    unsigned newest = 0;
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        char name[32], program[16];
        (void)snprintf(program, sizeof(program), "image%u", order[i]);
        (void)snprintf(name, sizeof(name), order[i] ? "70-900.%u.seg" : "70-900.seg", order[i]);
        struct segment_header header = header_of(program);
        put_segment(f, name, &header);
        newest = order[i] > newest ? order[i] : newest;
        (void)snprintf(program, sizeof(program), "image%u", newest);
        assert_program(f, program);
    }
}

/* More than the list had room for at first, in the order that the folder gives: each is found. */
static void find__many_segments__finds_each(void **state)
{
    struct fixture *f = *state;
    struct library_segments *segments = &f->join.segments;
    struct library_told told;
    struct segment_header header = header_of("");
    enum { N = 150 };
    for (int i = 0; i < N; i++) {
        char name[48];
        (void)snprintf(name, sizeof(name), "segments/%d-%d.seg", 1000 + i / 3, 50 + i % 3);
        (void)snprintf(header.program, sizeof(header.program), "p%d", i);
        put_bytes(f, name, &header, sizeof(header));
    }
    put(f, "segments/state", "");
    library_segments_list(segments);
    assert_int_equal(segments->n, N);
    for (int i = 0; i < N; i++) {
        char program[16];
        (void)snprintf(program, sizeof(program), "p%d", i);
        assert_true(library_segments_find(segments, 1000 + i / 3, 50 + (uint64_t)(i % 3), geteuid(),
                                          &told));
        assert_string_equal(told.program, program);
    }
    assert_false(library_segments_find(segments, 999, 50, geteuid(), &told));
    assert_false(library_segments_find(segments, 1000 + N / 3, 50, geteuid(), &told));
    assert_false(library_segments_find(segments, 1010, 49, geteuid(), &told));
    assert_false(library_segments_find(segments, 1010, 53, geteuid(), &told));
    assert_false(library_segments_find(segments, 1010, 51, geteuid() + 1, &told));
}

static void list__folder_gone__forgets_what_was_there(void **state)
{
    struct fixture *f = *state;
    struct library_segments *segments = &f->join.segments;
    struct library_told told;
    struct segment_header header = header_of("orders");
    put_segment(f, "70-900.seg", &header);
    assert_true(library_segments_find(segments, PID, START, geteuid(), &told));
    temporary_directory_remove(segments->directory);
    library_segments_list(segments);
    assert_int_equal(segments->n, 0);
    assert_int_equal(segments->fd, -1);
    assert_false(library_segments_find(segments, PID, START, geteuid(), &told));
}

static void list__again_and_again__keeps_one_descriptor(void **state)
{
    struct fixture *f = *state;
    library_segments_list(&f->join.segments);
    int first = f->join.segments.fd;
    assert_true(first >= 0);
    assert_int_equal(fcntl(first, F_GETFD), FD_CLOEXEC);
    for (int i = 0; i < 20; i++)
        library_segments_list(&f->join.segments);
    assert_true(f->join.segments.fd <= first + 1);
}

static void read__segment_of_another_user__tells_nothing(void **state)
{
    struct fixture *f = *state;
    struct segment_header header = header_of("orders");
    put(f, "70/maps", MAPS);
    put(f, "70/cgroup", "0::/system.slice/prices.service\n");
    put_segment(f, "70-900.seg", &header);
    put_owner(f, geteuid() + 1);
    assert_program(f, "prices");
    put(f, "70/status", "Name:\tx\n");
    assert_program(f, "prices");
}

static void read__text_fills_its_place__is_whole(void **state)
{
    struct fixture *f = *state;
    struct segment_header header = header_of("");
    memset(header.program, 'p', sizeof(header.program)); /* no NUL: the last byte is lost */
    for (unsigned i = 0; i < SEGMENT_MAX_LIBRARIES; i++)
        add_library(&header, i, "");
    for (unsigned i = 0; i < SEGMENT_MAX_LIBRARIES; i++)
        memset(header.libraries[i].path, 'a' + (int)i, sizeof(header.libraries[i].path));
    header.n_libraries = 1000;
    put(f, "70/maps", "");
    put_segment(f, "70-900.seg", &header);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(strlen(f->rows.rows[0].program), sizeof(header.program) - 1);
    assert_int_equal(f->rows.n, SEGMENT_MAX_LIBRARIES);
    for (size_t i = 0; i < f->rows.n; i++) {
        const struct library_row *found = &f->rows.rows[i];
        assert_int_equal(strlen(found->path), sizeof(header.libraries[0].path) - 1);
        assert_int_equal(found->path[0], 'a' + found->newest.patch);
    }
}

static void read__file_on_disk__gives_package_and_build_id_unless_replaced(void **state)
{
    struct fixture *f = *state;
    char command[256], expected[BUILD_ID_TEXT_SIZE] = "";
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(build_id_read(fd, expected), 0);
    close(fd);
    put(f, "70/root/var/lib/dpkg/status",
        "Package: libzmq5\nStatus: install ok installed\nVersion: 4.3.4-6\n\n");
    put(f, "70/root/var/lib/dpkg/info/libzmq5:amd64.list", "/.\n/usr/lib/libzmq.so.5.2.4\n");
    put(f, "70/root/usr/lib/libzmq.so.5.2.4", "");
    put(f, "70/maps", MAPS);
    assert_int_equal(read_process(f), 0);
    assert_int_equal(f->process.found->package.manager, PACKAGE_NONE); /* another architecture */
    assert_string_equal(f->process.found->build_id, "");

    put(f, "70/root/var/lib/dpkg/info/libzmq5.list", "/.\n/usr/lib/libzmq.so.5.2.4\n");
    (void)snprintf(command, sizeof(command), "cp /proc/%d/exe %s/70/root/usr/lib/libzmq.so.5.2.4",
                   getpid(), f->path);
    assert_int_equal(system(command), 0);
    assert_int_equal(read_process(f), 0);
    assert_string_equal(f->process.found->package.version, "4.3.4-6");
    assert_string_equal(f->process.found->build_id, expected);
    assert_false(f->process.found->is_replaced);

    put(f, "70/maps", MAPS " (deleted)");
    assert_int_equal(read_process(f), 0);
    assert_true(f->process.found->is_replaced);
    assert_int_equal(f->process.found->package.manager, PACKAGE_NONE);
    assert_string_equal(f->process.found->build_id, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(read__no_segment__names_the_unit_or_the_program),
        TEST(read__no_library__gives_no_program),
        TEST(read__gone_or_refused__says_which),
        TEST(read__kernel_thread__is_read_and_has_nothing),
        TEST(read__refused_but_tapped__is_told),
        TEST(read__one_told__is_the_mapped_one),
        TEST(read__two_mapped_one_told__is_given_by_name_alone),
        TEST(read__several_told__each_is_given_once),
        TEST(read__segment_of_another__tells_nothing),
        TEST(read__segment_not_live_or_not_valid__tells_nothing),
        TEST(read__several_images__the_newest_tells),
        TEST(find__many_segments__finds_each),
        TEST(list__folder_gone__forgets_what_was_there),
        TEST(list__again_and_again__keeps_one_descriptor),
        TEST(read__segment_of_another_user__tells_nothing),
        TEST(read__text_fills_its_place__is_whole),
        TEST(read__file_on_disk__gives_package_and_build_id_unless_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
