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
    /* As proc(5) has them of Debian 12's interpreters. */
    {"/usr/lib/R/bin/exec/R", CMDLINE("R\0--no-echo\0--no-restore\0--file=/srv/feed.R\0--args\0x"),
     "feed.R"},
    {"/usr/lib/R/bin/exec/R", CMDLINE("R\0-f\0feed.R\0--restore\0--save\0--no-readline"), "feed.R"},
    {"/usr/lib/R/bin/exec/R", CMDLINE("R\0-e\0Sys.sleep(20)"), "R"},
    {"/usr/lib/R/bin/exec/R", CMDLINE("R\0--no-save\0--args\0feed.R"), "R"},
    {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
     CMDLINE("java\0-cp\0/srv/a.jar:/srv/b.jar\0-Xmx64m\0org.example.Feed\0-jar\0x"),
     "org.example.Feed"},
    {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
     CMDLINE("java\0-Dkey=value\0-jar\0/srv/feed.jar\0x"), "feed.jar"},
    {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
     CMDLINE("java\0--module-path\0/srv\0--module\0feed/org.example.Feed"), "org.example.Feed"},
    {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java", CMDLINE("java\0@/srv/options\0Feed.java"),
     "Feed.java"},
    {"/usr/lib/jvm/java-17-openjdk-amd64/bin/java", CMDLINE("java\0-version"), "java"},
    {"/usr/bin/sbcl", CMDLINE("sbcl\0--script\0/srv/feed.lisp\0x"), "feed.lisp"},
    {"/usr/bin/sbcl",
     CMDLINE("sbcl\0--core\0/srv/a.core\0--noinform\0--eval\0(run)\0--load\0feed.lisp"),
     "feed.lisp"},
    {"/usr/bin/sbcl", CMDLINE("sbcl\0--noinform\0--end-toplevel-options\0feed.lisp"), "sbcl"},
    {"/usr/lib/x86_64-linux-gnu/guile/3.0/bin/guile", CMDLINE("guile\0-L\0/srv\0/srv/feed.scm\0x"),
     "feed.scm"},
    {"/usr/bin/guile-3.0", CMDLINE("guile\0-e\0main\0-s\0feed.scm"), "feed.scm"},
    {"/usr/bin/guile-3.0", CMDLINE("guile\0-c\0(display 1)"), "guile-3.0"},
    {"/usr/bin/octave-cli-7.3.0", CMDLINE("octave-cli\0--path\0/srv\0-q\0feed.m"), "feed.m"},
    {"/usr/bin/octave-cli", CMDLINE("octave-cli\0--eval\0pause(20)"), "octave-cli"},
    {"/usr/bin/mono-sgen", CMDLINE("mono\0--debug\0--config\0/etc/mono/config\0/srv/feed.exe\0x"),
     "feed.exe"},
    {"/usr/bin/dotnet", CMDLINE("dotnet\0/srv/feed.dll\0--urls\0x"), "feed.dll"},
    {"/usr/bin/dotnet", CMDLINE("dotnet\0exec\0--depsfile\0a.deps.json\0feed.dll"), "feed.dll"},
    {"/usr/bin/dotnet", CMDLINE("dotnet\0run\0--project\0feed"), "dotnet"},
    {"/opt/julia/bin/julia", CMDLINE("julia\0--project=/srv\0-t\0004\0-L\0a.jl\0/srv/feed.jl"),
     "feed.jl"},
    {"/opt/julia/bin/julia", CMDLINE("julia\0-E\0001+1"), "julia"},
    {"/usr/bin/pypy3.9", CMDLINE("pypy3\0-u\0feed.py"), "feed.py"},
    {"/opt/pypy/bin/pypy3-c", CMDLINE("pypy3\0-m\0app.feed"), "app.feed"},
    {"/usr/bin/php8.2", CMDLINE("php\0-d\0a=b\0-f\0feed.php\0--\0x"), "feed.php"},
    {"/usr/bin/php8.2", CMDLINE("php\0-S\0localhost:80\0feed.php"), "feed.php"},
    {"/usr/bin/php8.2", CMDLINE("php\0-r\0echo 1;"), "php8.2"},
    {"/usr/sbin/php-fpm8.2", CMDLINE("php-fpm: pool www"), "php-fpm8.2"},
    {"/usr/bin/lua5.4", CMDLINE("lua5.4\0-l\0socket\0feed.lua"), "feed.lua"},
    {"/usr/bin/luajit", CMDLINE("luajit\0-e\0x=1\0feed.lua"), "feed.lua"},
    {"/usr/bin/luajit", CMDLINE("luajit\0-e\0print(1)"), "luajit"},
    {"/usr/bin/ruby3.1", CMDLINE("ruby\0-W0\0-r\0set\0/srv/feed.rb"), "feed.rb"},
    {"/usr/bin/node", CMDLINE("node\0--max-old-space-size=100\0-C\0x\0feed.js"), "feed.js"},
    {"/usr/bin/node", CMDLINE("node\0-pe\0require(\"zeromq\")"), "node"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("feed.escript\0-B\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/"
             "root\0--\0-boot\0no_dot_erlang\0-noshell\0-run\0escript\0start\0-extra\0/srv/"
             "feed.escript"),
     "feed.escript"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/"
             "root\0--\0-pa\0ebin\0-noshell\0-s\0elixir\0start_cli\0-extra\0feed.exs"),
     "feed.exs"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/"
             "root\0--\0-s\0elixir\0start_cli\0-extra\0-S\0mix\0phx.server"),
     "mix"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/"
             "root\0--\0-s\0elixir\0start_cli\0-extra\0-e\0Process.sleep(20000)"),
     "beam.smp"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/root\0--\0-noshell\0-s\0feed\0start"),
     "feed"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/"
             "root\0--\0-noshell\0-sname\0rabbit@db7\0-boot\0start_sasl"),
     "rabbit"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/root\0--\0-noshell\0-sname\0x@db7\0-run\0feed"),
     "feed"},
    {"/usr/lib/erlang/erts-13.1.5/bin/beam.smp",
     CMDLINE("beam.smp\0--\0-root\0/usr/lib/erlang\0-bindir\0/usr/lib/erlang/erts-13.1.5/"
             "bin\0-progname\0erl\0--\0-home\0/root\0--"),
     "beam.smp"},
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
