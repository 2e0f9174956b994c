/* SPDX-License-Identifier: MPL-2.0 */
/* Over a folder made to look like /proc. */
#include "collectors/library/untapped_rows.h"
#include "libraries/untapped.h"

#include "support/cmocka.h"
#include "support/fake_host.h"
#include "support/temporary_directory.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PID     7
#define TAP     "1000-2000 r-xp 0 08:01 7 /usr/local/lib/libzmqtap.so\n"
#define GLIBC   "3000-4000 r-xp 0 08:01 8 /usr/lib/x86_64-linux-gnu/libc.so.6\n"
#define STATUS  "Name:\ta\nUid:\t1000\t1000\t1000\t1000\nNSpid:\t7\n"
#define DEFAULT "PATH=/bin\0LD_PRELOAD=/usr/local/lib/libzmqtap.so\0ZMQ_EXPORTER_DIR=/segments"

struct fixture {
    char path[64];
    int fd;
};

static void put(const struct fixture *self, const char *name, const void *bytes, size_t size)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%d/%s", PID, name);
    fake_host_write(self->path, path, "");
    (void)snprintf(path, sizeof(path), "%s/%d/%s", self->path, PID, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#define PUT(self, name, text) put(self, name, text, sizeof(text) - 1)

/* A process that nothing else is known of than that it goes past the tap. */
static int setup(void **state)
{
    static struct fixture self;
    char root[128];
    temporary_directory_make(self.path);
    self.fd = open(self.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    put(&self, "environ", DEFAULT, sizeof(DEFAULT));
    PUT(&self, "status", STATUS);
    PUT(&self, "task/7/comm", "feed\n");
    PUT(&self, "task/9/comm", "ZMQbg/IO/0\n");
    fake_host_file(self.path, PID, "/segments/x", "");
    (void)snprintf(root, sizeof(root), "%s/%d/root/segments", self.path, PID);
    assert_int_equal(chmod(root, 01777), 0);
    *state = &self;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *self = *state;
    close(self->fd);
    temporary_directory_remove(self->path);
    return 0;
}

static enum untapped_reason find(const struct fixture *self, const char *maps)
{
    struct string_buffer text = {0};
    struct untapped found = untapped_find(self->fd, PID, untapped_read_maps(maps), &text);
    string_buffer_finish(&text);
    return untapped_reason_in(&found, "/segments");
}

static void find__nothing_else_is_wrong__goes_past_the_tap(void **state)
{
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_DEEPBIND);
    assert_string_equal(untapped_label(UNTAPPED_DEEPBIND), "deepbind");
    assert_non_null(strstr(untapped_remedy(UNTAPPED_DEEPBIND), "RTLD_DEEPBIND"));
}

static void find__environment__is_the_reason(void **state)
{
    static const char off[] = "X=1\0ZMQ_EXPORTER_TAP=off\0ZMQ_EXPORTER_DIR=/segments";
    static const char no_dlsym[] = "ZMQ_EXPORTER_TAP_DLSYM=off\0ZMQ_EXPORTER_DIR=/segments";
    static const char other[] = "ZMQ_EXPORTER_DIR=/elsewhere", none[] = "A=1";
    static const char near[] = "ZMQ_EXPORTER_TAP=offer\0MY_ZMQ_EXPORTER_TAP=off\0ZMQ_EXPORTER_TAP\0"
                               "ZMQ_EXPORTER_DIR=/segments";
    put(*state, "environ", off, sizeof(off));
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_OFF);
    assert_int_equal(find(*state, TAP), UNTAPPED_OFF);
    put(*state, "environ", no_dlsym, sizeof(no_dlsym));
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_DLSYM);
    put(*state, "environ", other, sizeof(other));
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_OTHER_DIRECTORY);
    put(*state, "environ", none, sizeof(none)); /* the default directory */
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_OTHER_DIRECTORY);
    put(*state, "environ", near, sizeof(near));
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_DEEPBIND);
    put(*state, "environ", off, sizeof(off) - 30); /* cut off in the middle */
    assert_int_equal(find(*state, TAP GLIBC), UNTAPPED_OTHER_DIRECTORY);
}

static void find__c_library__is_the_reason(void **state)
{
    assert_int_equal(find(*state, TAP "1-2 r-xp 0 08:01 8 /lib/ld-musl-x86_64.so.1\n"),
                     UNTAPPED_C_LIBRARY);
    assert_int_equal(find(*state, TAP "1-2 r-xp 0 08:01 8 /lib/libc-2.31.so\n"), UNTAPPED_DEEPBIND);
}

static void find__directory__is_the_reason(void **state)
{
    const struct fixture *self = *state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%d/root/segments", self->path, PID);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(find(self, TAP GLIBC), UNTAPPED_DIRECTORY);
    assert_int_equal(chmod(path, 0775), 0); /* it may be of the group */
    assert_int_equal(find(self, TAP GLIBC), UNTAPPED_DEEPBIND);
    assert_int_equal(chmod(path, 0755), 0);
    PUT(self, "status", "Name:\ta\nUid:\t0\t0\t0\t0\nNSpid:\t7\n");
    assert_int_equal(find(self, TAP GLIBC), UNTAPPED_DEEPBIND);
    temporary_directory_remove(path);
    assert_int_equal(find(self, TAP GLIBC), UNTAPPED_DIRECTORY);
}

static void find__set_user_id__is_the_reason(void **state)
{
    static const unsigned long secure[] = {AT_PAGESZ, 4096, AT_SECURE, 1, AT_NULL, 0};
    static const unsigned long plain[] = {AT_PAGESZ, 1, AT_SECURE, 0, AT_NULL, 0};
    static const char not_asked[] = "LD_PRELOAD=/usr/lib/other.so";
    assert_int_equal(find(*state, GLIBC), UNTAPPED_NONE);
    put(*state, "auxv", plain, sizeof(plain));
    assert_int_equal(find(*state, GLIBC), UNTAPPED_NONE);
    put(*state, "auxv", secure, sizeof(secure));
    assert_int_equal(find(*state, GLIBC), UNTAPPED_SET_USER_ID);
    put(*state, "auxv", secure, sizeof(secure[0]) * 3); /* cut off */
    assert_int_equal(find(*state, GLIBC), UNTAPPED_NONE);
    put(*state, "auxv", secure, sizeof(secure));
    put(*state, "environ", not_asked, sizeof(not_asked));
    assert_int_equal(find(*state, GLIBC), UNTAPPED_NONE);
}

static void find__what_cannot_be_said__is_none(void **state)
{
    const struct fixture *self = *state;
    struct string_buffer text = {0};
    struct untapped found = untapped_find(self->fd, 8, untapped_read_maps(TAP GLIBC), &text);
    assert_int_equal(found.reason, UNTAPPED_NONE);
    string_buffer_finish(&text);
    PUT(self, "status", "Uid:\t1\t1\t1\t1\nNSpid:\t7\t1\n"); /* a container */
    assert_int_equal(find(self, TAP GLIBC), UNTAPPED_NONE);
    PUT(self, "status", STATUS);
    PUT(self, "task/9/comm", "worker\n"); /* no sockets */
    assert_int_equal(find(self, TAP GLIBC), UNTAPPED_NONE);
}

static unsigned n_told;

static void count_told(const char *program, pid_t pid, const char *reason, const char *remedy)
{
    assert_true(*program && pid > 0 && *reason && *remedy);
    n_told++;
}

static void rows__many_programs__are_bounded_and_told_once(void **state)
{
    static struct untapped_rows rows = {.tell = count_told};
    (void)state;
    for (int round = 0; round < 2; round++) {
        untapped_rows_clear(&rows);
        for (int i = 1; i <= 80; i++) {
            char program[16];
            (void)snprintf(program, sizeof(program), "feed%d", i % 70);
            untapped_rows_add(&rows, &(struct untapped_process){program, i, 5, UNTAPPED_OFF});
        }
        untapped_rows_add(&rows, &(struct untapped_process){"feed1", 1, 5, UNTAPPED_NONE});
        assert_int_equal(rows.n, UNTAPPED_MAX_ROWS + 1);
        assert_string_equal(rows.rows[0].program, "feed1");
        assert_int_equal(rows.rows[0].n[UNTAPPED_OFF], 2);
        assert_string_equal(rows.rows[UNTAPPED_MAX_ROWS].program, "(other)");
        assert_int_equal(rows.rows[UNTAPPED_MAX_ROWS].n[UNTAPPED_OFF], 6);
        assert_int_equal(n_told, 80);
    }
    untapped_rows_add(&rows, &(struct untapped_process){"feed1", 1, 6, UNTAPPED_OFF});
    assert_int_equal(n_told, 81); /* another process of that number */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows__many_programs__are_bounded_and_told_once),
        cmocka_unit_test_setup_teardown(find__nothing_else_is_wrong__goes_past_the_tap, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(find__environment__is_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(find__c_library__is_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(find__directory__is_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(find__set_user_id__is_the_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(find__what_cannot_be_said__is_none, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
