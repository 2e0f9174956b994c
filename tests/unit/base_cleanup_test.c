/* SPDX-License-Identifier: MPL-2.0 */
/* What a scope took it gives back at its end, and nothing if it took nothing. */
#include "base/cleanup.h"

#include "base/condition.h"
#include "support/cmocka.h"

#include <errno.h>
#include <fcntl.h>

static int open_in_a_scope(const char *path)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd;
}

static void fd__end_of_its_scope__is_closed(void **state)
{
    (void)state;
    int fd = open_in_a_scope("/dev/null");
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(errno, EBADF);
}

/* 0 is a descriptor like any other. */
static void fd__is_the_first__is_closed_too(void **state)
{
    (void)state;
    int kept = dup(STDIN_FILENO);
    close(STDIN_FILENO);
    int fd = open_in_a_scope("/dev/null");
    int is_open = fcntl(STDIN_FILENO, F_GETFD);
    if (kept >= 0) {
        assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
        close(kept);
    }
    assert_int_equal(fd, 0);
    assert_int_equal(is_open, -1);
}

static void fd__there_is_none__errno_stays(void **state)
{
    (void)state;
    assert_int_equal(open_in_a_scope("/nowhere/at/all"), -1);
    assert_int_equal(errno, ENOENT); /* and not what close(-1) says */
}

static void wait__until_a_time__is_over_then_and_not_before(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t changed;
    condition_init(&changed);
    pthread_mutex_lock(&lock);
    uint64_t until_ns = clock_monotonic_ns() + 20 * CLOCK_NS_PER_MS;
    while (condition_wait_until(&changed, &lock, until_ns) == 0)
        ;
    assert_true(clock_monotonic_ns() >= until_ns);
    assert_int_equal(condition_wait_until(&changed, &lock, 0), ETIMEDOUT);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fd__end_of_its_scope__is_closed),
        cmocka_unit_test(fd__is_the_first__is_closed_too),
        cmocka_unit_test(fd__there_is_none__errno_stays),
        cmocka_unit_test(wait__until_a_time__is_over_then_and_not_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
