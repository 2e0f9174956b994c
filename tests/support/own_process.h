/* SPDX-License-Identifier: MPL-2.0 */
/* own_process - a case that is a process of its own, for what is done once in a process's life. */
#ifndef TESTS_SUPPORT_OWN_PROCESS_H
#define TESTS_SUPPORT_OWN_PROCESS_H

#include "support/cmocka.h"

#include <sys/wait.h>
#include <unistd.h>

static inline void own_process_call(void **state)
{
    (*(void (**)(void)) * state)();
}

/* A case that fails would go on with the next ones: the child has a group of its own. */
static inline void own_process_run(void **state)
{
    const struct CMUnitTest alone[] = {
        {"in a process of its own", own_process_call, NULL, NULL, *state}};
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(cmocka_run_group_tests(alone, NULL, NULL));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define OWN_PROCESS_CASE(name)                                                                     \
    {                                                                                              \
#name, own_process_run, NULL, NULL, &(void (*)(void))                                      \
        {                                                                                          \
            name                                                                                   \
        }                                                                                          \
    }

#endif
