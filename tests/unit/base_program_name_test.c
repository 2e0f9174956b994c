/* SPDX-License-Identifier: MPL-2.0 */
#include "base/program_name.h"

#include "support/cmocka.h"

#include <string.h>

struct command_case {
    const char *exe, *cmdline;
    size_t size;
    const char *name;
};

/* A literal of NUL-separated arguments; its own NUL ends the last. */
#define CMDLINE(text) text, sizeof(text)

static const struct command_case commands[] = {
    {"/usr/bin/feed", CMDLINE("feed\0--fast"), "feed"},
    {"/usr/bin/feed (deleted)", CMDLINE("feed"), "feed"},
    {NULL, CMDLINE("/opt/feed\0x"), "feed"},
    {NULL, NULL, 0, "unknown"},
    {"", CMDLINE(""), "unknown"},
    {"", CMDLINE("/opt/feed\0x"), "feed"},
    {"/", CMDLINE("feed"), "unknown"},
    {"/usr/bin/python3.11", CMDLINE("python3\0/srv/app/feed.py\0-v"), "feed.py"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-u\0-W\0ignore\0feed.py"), "feed.py"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-O\0-m\0app.feed\0x"), "app.feed"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-c\0print(1)"), "python3.11"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-"), "python3.11"},
    {"/usr/bin/python3.11", CMDLINE("python3"), "python3.11"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-m"), "python3.11"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-X"), "python3.11"},
    {"/usr/bin/node", CMDLINE("node\0--require\0trace\0/srv/feed.js"), "feed.js"},
    {"/usr/bin/pythonish", CMDLINE("pythonish\0feed.py"), "pythonish"},
    {"/usr/bin/perl", CMDLINE("perl\0/srv/feed/"), "perl"},
    /* -I is python's isolated mode and perl's and ruby's folder. */
    {"/usr/bin/python3.11", CMDLINE("python3\0-I\0feed.py"), "feed.py"},
    {"/usr/bin/perl5.36.0", CMDLINE("perl\0-I\0lib\0-MData::Cache\0feed.pl"), "feed.pl"},
    /* Code is no name, whatever option comes before it. */
    {"/usr/bin/python3.11", CMDLINE("python3\0-uc\0import a/b"), "python3.11"},
    {"/usr/bin/python3.11", CMDLINE("python3\0-um\0app.feed"), "app.feed"},
    {"/bin/bash", CMDLINE("bash\0-ec\0exec /srv/feed"), "bash"},
    {"/bin/bash", CMDLINE("bash\0-o\0pipefail\0/srv/feed.sh"), "feed.sh"},
    {"/usr/bin/perl", CMDLINE("perl\0-we\0print 1"), "perl"},
    {"/usr/bin/node", CMDLINE("node\0-e\0require('zeromq')"), "node"},
    {"/usr/bin/python3.11", CMDLINE("python3\0--\0-feed.py"), "-feed.py"},
    {"/usr/bin/node", CMDLINE("node\0--e\0/srv/feed.js"), "feed.js"}, /* a word, not -e */
    {"/usr/bin/perl", CMDLINE("perl\0-wTxe\0print 1"), "perl"},
    {"/usr/bin/perl", CMDLINE("perl\0-wTxee\0/srv/feed.pl"), "feed.pl"}, /* too long for letters */
};

static void from_command__each_case__names_the_program(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        char name[PROGRAM_NAME_SIZE];
        const struct command_case *c = &commands[i];
        program_name_from_command(c->exe, c->cmdline, c->size, name);
        assert_string_equal(name, c->name);
    }
}

static void from_command__long_name__is_cut(void **state)
{
    (void)state;
    char exe[300] = "/usr/bin/", name[PROGRAM_NAME_SIZE];
    memset(exe + 9, 'x', 280);
    program_name_from_command(exe, NULL, 0, name);
    assert_int_equal(strlen(name), PROGRAM_NAME_SIZE - 1);
}

/* A process may write over its arguments: no NUL need follow the last one. */
static void from_command__unterminated_arguments__are_left_out(void **state)
{
    (void)state;
    char name[PROGRAM_NAME_SIZE];
    const char cmdline[] = {'p', 'e', 'r', 'l', 0, 'a', '.', 'p', 'l', 0, 'x', 'y'};
    program_name_from_command("/usr/bin/perl", cmdline, sizeof(cmdline), name);
    assert_string_equal(name, "a.pl");
    program_name_from_command(NULL, cmdline + 10, 2, name);
    assert_string_equal(name, "unknown");
}

static void from_cgroup__services__give_the_innermost_unit(void **state)
{
    (void)state;
    char name[PROGRAM_NAME_SIZE];
    assert_true(program_name_from_cgroup("0::/system.slice/feed.service\n", name));
    assert_string_equal(name, "feed");
    assert_true(program_name_from_cgroup("0::/system.slice/work@3.service/payload\n", name));
    assert_string_equal(name, "work@3");
    assert_true(program_name_from_cgroup(
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/feed.service\n", name));
    assert_string_equal(name, "feed");
    assert_true(program_name_from_cgroup(
        "4:pids:/\n3:memory:/system.slice/feed.service\n0::/system.slice/x.service\n", name));
    assert_string_equal(name, "feed");
}

static void from_cgroup__no_service__is_refused(void **state)
{
    (void)state;
    char name[PROGRAM_NAME_SIZE] = "kept";
    assert_false(program_name_from_cgroup("", name));
    assert_false(program_name_from_cgroup("0::/\n", name));
    assert_false(program_name_from_cgroup("0::/user.slice/user-0.slice/session-1.scope\n", name));
    assert_false(program_name_from_cgroup(
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app.scope\n", name));
    assert_false(program_name_from_cgroup("0::/system.slice/.service\n", name));
    assert_string_equal(name, "kept");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_command__each_case__names_the_program),
        cmocka_unit_test(from_command__long_name__is_cut),
        cmocka_unit_test(from_command__unterminated_arguments__are_left_out),
        cmocka_unit_test(from_cgroup__services__give_the_innermost_unit),
        cmocka_unit_test(from_cgroup__no_service__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
