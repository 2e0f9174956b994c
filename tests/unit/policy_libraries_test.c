/* SPDX-License-Identifier: MPL-2.0 */
/* Whose package a library is, in the root and the mounts that its process has. */
#include "collectors/policy/policy_findings.h"

#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];

static void path_of(const char *name, char ret_path[static 160])
{
    (void)snprintf(ret_path, 160, "%s/%s", folder, name);
}

static void put_folder(const char *name)
{
    char path[160];
    path_of(name, path);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void put(const char *name, const char *text)
{
    char path[160];
    path_of(name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The loader's path is a link, and what it leads to is a path in the process's root again. */
static int set_up(void **state)
{
    static const char *const folders[] = {"opt",     "opt/zmq",      "var",
                                          "var/lib", "var/lib/dpkg", "var/lib/dpkg/info"};
    char path[160];
    (void)state;
    temporary_directory_make(folder);
    assert_int_equal(chmod(folder, 0755), 0);
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
        put_folder(folders[i]);
    put("opt/zmq/libzmq.so.5.2.4", "a library\n");
    path_of("opt/libzmq.so.5", path);
    assert_int_equal(symlink("/opt/zmq/libzmq.so.5.2.4", path), 0);
    put("var/lib/dpkg/info/libzmq5.list", "/.\n/opt\n/opt/zmq/libzmq.so.5.2.4\n");
    put("var/lib/dpkg/status", "Package: libzmq5\nStatus: install ok installed\n"
                               "Architecture: amd64\nVersion: 4.3.4-6+contained\n\n");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temporary_directory_remove(folder);
    return 0;
}

static bool bind_on(const char *name, const char *place)
{
    char path[160];
    path_of(name, path);
    return mount(path, place, NULL, MS_BIND, NULL) == 0;
}

static bool enter_root(void)
{
    return chroot(folder) == 0 || (unshare(CLONE_NEWUSER) == 0 && chroot(folder) == 0);
}

static bool enter_mounts(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           bind_on("opt", "/opt") && bind_on("var/lib/dpkg", "/var/lib/dpkg");
}

static bool enter_mounts_and_root(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           bind_on("", "/mnt") && chroot("/mnt") == 0;
}

static bool enter_nothing(void)
{
    return true;
}

static void keep(const struct library_finding *finding, void *data)
{
    memcpy(data, finding->package, sizeof(*finding->package));
}

/* What is found of a library of a process that has entered its own. */
static struct library_package find(bool (*enter)(void))
{
    static const struct library_tables tables;
    struct library_package package = {0};
    int fds[2];
    char byte;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        if (!enter())
            _exit(1);
        (void)!write(fds[1], "x", 1);
        close(fds[1]);
        pause();
    }
    close(fds[1]);
    bool has_entered = read(fds[0], &byte, 1) == 1;
    close(fds[0]);
    struct policy_process process = {.pid = (uint64_t)child,
                                     .program = "feed",
                                     .is_reachable = true,
                                     .libraries = {{4, 3, 4, "/opt/libzmq.so.5"}},
                                     .n_libraries = 1};
    const struct policy_facts facts = {.processes = &process, .n_processes = 1};
    if (has_entered)
        policy_libraries_each(&facts, &tables, keep, &package);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    if (!has_entered)
        skip();
    return package;
}

static void find__process_with_a_root_of_its_own__is_its_package(void **state)
{
    (void)state;
    assert_string_equal(find(enter_root).version, "4.3.4-6+contained");
}

static void find__process_with_mounts_of_its_own__is_its_package(void **state)
{
    (void)state;
    assert_string_equal(find(enter_mounts).version, "4.3.4-6+contained");
}

static void find__process_with_both__is_its_package(void **state)
{
    (void)state;
    assert_string_equal(find(enter_mounts_and_root).version, "4.3.4-6+contained");
}

static void find__process_that_has_no_such_file__is_no_package(void **state)
{
    (void)state;
    assert_int_equal(find(enter_nothing).manager, PACKAGE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__process_with_a_root_of_its_own__is_its_package),
        cmocka_unit_test(find__process_with_mounts_of_its_own__is_its_package),
        cmocka_unit_test(find__process_with_both__is_its_package),
        cmocka_unit_test(find__process_that_has_no_such_file__is_no_package),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
