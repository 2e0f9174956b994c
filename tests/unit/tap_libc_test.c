/* SPDX-License-Identifier: MPL-2.0 */
/* The C library as the tap has it: which it can work with, what is found when it starts, and what
 * the tap makes of system calls. */
#include "tap/ground/libc.h"

#include "support/cmocka.h"
#include "tap/ground/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *version = "2.36";
static const char *missing; /* the C library lacks it */
static unsigned n_asked;
static char called[64];

extern const char *gnu_get_libc_version(void);
const char *gnu_get_libc_version(void)
{
    return version;
}

/* Each of the functions that are found says its name, and returns 23. */
#define FOUND(X)                                                                                   \
    X(int, pthread_create, (pthread_t * a, const pthread_attr_t *b, void *(*c)(void *), void *d))  \
    X(int, pthread_detach, (pthread_t a))                                                          \
    X(int, pthread_join, (pthread_t a, void **b))                                                  \
    X(int, pthread_attr_setstacksize, (pthread_attr_t * a, size_t b))                              \
    X(int, pthread_setname_np, (pthread_t a, const char *b))                                       \
    X(int, pthread_once, (pthread_once_t * a, void (*b)(void)))                                    \
    X(int, pthread_key_create, (pthread_key_t * a, void (*b)(void *)))                             \
    X(void *, pthread_getspecific, (pthread_key_t a))                                              \
    X(int, pthread_setspecific, (pthread_key_t a, const void *b))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define PLAYED(type, name, parameters)                                                             \
    static type played_##name parameters                                                           \
    {                                                                                              \
        strcpy(called, #name);                                                                     \
        return (type)23;                                                                           \
    }
FOUND(PLAYED)
#pragma GCC diagnostic pop

static const struct {
    const char *name;
    void (*function)(void);
} all[] = {
#define ROW(type, name, parameters) {#name, (void (*)(void))played_##name},
    FOUND(ROW)};
#define N_ALL (sizeof(all) / sizeof(*all))

uintptr_t loaded_find_in_libc(const char *symbol)
{
    n_asked++;
    if (missing && strcmp(symbol, missing) == 0)
        return 0;
    for (size_t i = 0; i < N_ALL; i++) {
        if (strcmp(symbol, all[i].name) == 0)
            return (uintptr_t)all[i].function;
    }
    fail();
    return 0;
}

static void fit__version_of_glibc__from_2_28_on(void **state)
{
    static const struct {
        const char *version;
        bool is_fit;
    } rows[] = {{"2.28", true},       {"2.27", false},      {"2.29", true},
                {"2.30", true},       {"2.36", true},       {"2.100", true},
                {"2.9", false},       {"2.3.6", false},     {"2.", false},
                {"3.36", false},      {"2,36", false},      {"", false},
                {"1.36", false},      {"2.31.9000", true},  {"2.3:00000", false},
                {"2.3/00000", false}, {"2.28-stable", true}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        version = rows[i].version;
        assert_int_equal(libc_is_fit(), rows[i].is_fit);
    }
    version = "2.36";
}

static void start__too_old__looks_for_nothing(void **state)
{
    (void)state;
    version = "2.17";
    assert_false(libc_start());
    assert_int_equal(n_asked, 0);
    version = "2.36";
}

static void start__a_function_is_missing__is_none_until_all_are_there(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        missing = all[i].name;
        n_asked = 0;
        assert_false(libc_start());
        assert_int_equal(n_asked, i == 0 ? 1 : 2); /* what was missing before, and this */
    }
    missing = NULL;
    n_asked = 0;
    assert_true(libc_start());
    assert_int_equal(n_asked, 1);
    assert_true(libc_start());
    assert_int_equal(n_asked, 1);
}

static void *run(void *data)
{
    return data;
}

static void end(void *data)
{
    (void)data;
}

static void begin(void) {}

#define EXPECT(name, call)                                                                         \
    do {                                                                                           \
        assert_int_equal((intptr_t)(call), 23);                                                    \
        assert_string_equal(called, #name);                                                        \
    } while (0)

static void call__of_what_was_found__is_passed_on(void **state)
{
    static pthread_once_t once;
    static int data;
    pthread_t thread = pthread_self();
    pthread_attr_t attributes;
    pthread_key_t key = 0;
    (void)state;
    assert_true(libc_start());
    EXPECT(pthread_create, pthread_create(&thread, NULL, run, NULL));
    EXPECT(pthread_detach, pthread_detach(thread));
    EXPECT(pthread_join, pthread_join(thread, NULL));
    EXPECT(pthread_attr_setstacksize, pthread_attr_setstacksize(&attributes, 1 << 20));
    EXPECT(pthread_setname_np, pthread_setname_np(thread, "name"));
    EXPECT(pthread_once, pthread_once(&once, begin));
    EXPECT(pthread_key_create, pthread_key_create(&key, end));
    EXPECT(pthread_getspecific, pthread_getspecific(key));
    EXPECT(pthread_setspecific, pthread_setspecific(key, &data));
}

static void sigmask__any__is_the_kernels_and_errno_is_kept(void **state)
{
    sigset_t set, before, after;
    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMAX); /* the last bit */
    errno = 42;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_true(sigismember(&after, SIGUSR1) && sigismember(&after, SIGRTMAX));
    assert_false(sigismember(&after, SIGUSR2));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
    assert_int_equal(pthread_sigmask(12345, &set, NULL), EINVAL);
    assert_int_equal(errno, 42);
}

static void *registered[4];

extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                             void *object);
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                      void *object)
{
    registered[0] = (void *)prepare;
    registered[1] = (void *)parent;
    registered[2] = (void *)child;
    registered[3] = object;
    return 23;
}

static void parent(void) {}
static void child(void) {}

static void atfork__any__is_this_objects(void **state)
{
    (void)state;
    assert_int_equal(pthread_atfork(begin, parent, child), 23);
    assert_ptr_equal(registered[0], (void *)begin);
    assert_ptr_equal(registered[1], (void *)parent);
    assert_ptr_equal(registered[2], (void *)child);
    assert_non_null(registered[3]); /* so that they go with it */
}

static void stat__of_a_file_and_of_a_link__is_the_kernels(void **state)
{
    char folder[] = "/tmp/tap-libc-XXXXXX", file[64], link[64];
    struct stat of_fd, of_file, of_link;
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/file", folder);
    snprintf(link, sizeof(link), "%s/link", folder);
    int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && symlink(file, link) == 0);
    assert_int_equal(write(fd, "seven b", 7), 7);
    assert_int_equal(fstat(fd, &of_fd), 0);
    assert_int_equal(of_fd.st_size, 7);
    assert_int_equal(stat(link, &of_file), 0);
    assert_int_equal(of_file.st_ino, of_fd.st_ino);
    assert_true(S_ISREG(of_file.st_mode));
    assert_int_equal(lstat(link, &of_link), 0);
    assert_true(S_ISLNK(of_link.st_mode));
    close(fd);
    unlink(file);
    assert_int_equal(stat(link, &of_file), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(lstat(link, &of_link), 0);
    unlink(link);
    rmdir(folder);
    assert_int_equal(fstat(fd, &of_fd), -1);
    assert_int_equal(errno, EBADF);
}

#define PARSER(type, name)                                                                         \
    extern type __isoc23_##name(const char *, char **, int) __attribute__((visibility("hidden")));
PARSER(long, strtol)
PARSER(unsigned long, strtoul)
PARSER(long long, strtoll)
PARSER(unsigned long long, strtoull)

static void parse__as_newer_glibc_calls_it__is_the_known_one(void **state)
{
    char *end_of_it;
    (void)state;
    assert_int_equal(__isoc23_strtol("-7f x", &end_of_it, 16), -127);
    assert_string_equal(end_of_it, " x");
    assert_int_equal(__isoc23_strtoul("12x", &end_of_it, 10), 12);
    assert_string_equal(end_of_it, "x");
    assert_int_equal(__isoc23_strtoll("-12", NULL, 8), -10);
    assert_int_equal(__isoc23_strtoull("0x10", NULL, 0), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit__version_of_glibc__from_2_28_on),
        cmocka_unit_test(start__too_old__looks_for_nothing),
        cmocka_unit_test(start__a_function_is_missing__is_none_until_all_are_there),
        cmocka_unit_test(call__of_what_was_found__is_passed_on),
        cmocka_unit_test(sigmask__any__is_the_kernels_and_errno_is_kept),
        cmocka_unit_test(atfork__any__is_this_objects),
        cmocka_unit_test(stat__of_a_file_and_of_a_link__is_the_kernels),
        cmocka_unit_test(parse__as_newer_glibc_calls_it__is_the_known_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
