/* SPDX-License-Identifier: MPL-2.0 */
#include "base/program_name.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define UNIT_SUFFIX  ".service"
#define USER_MANAGER "user@"
#define DELETED      " (deleted)"

static void set_name(char *name, const char *text, size_t size)
{
    if (size >= PROGRAM_NAME_SIZE)
        size = PROGRAM_NAME_SIZE - 1;
    memcpy(name, text, size);
    name[size] = '\0';
}

/* Length of the unit's name in the path component `part`, 0 if it is no service. */
static size_t unit_length(const char *part, size_t size)
{
    const size_t suffix = sizeof(UNIT_SUFFIX) - 1;
    if (size <= suffix || memcmp(part + size - suffix, UNIT_SUFFIX, suffix) != 0)
        return 0;
    if (strncmp(part, USER_MANAGER, sizeof(USER_MANAGER) - 1) == 0)
        return 0;
    return size - suffix;
}

bool program_name_from_cgroup(const char *cgroup, char ret_name[static PROGRAM_NAME_SIZE])
{
    bool is_found = false;
    for (const char *part = cgroup; *part;) {
        size_t size = strcspn(part, "/\n");
        size_t length = unit_length(part, size);
        if (length) {
            set_name(ret_name, part, length);
            is_found = true;
        }
        /* The first hierarchy that names a unit is enough; version 1 has several. */
        if (part[size] == '\n' && is_found)
            break;
        part += size + (part[size] != '\0');
    }
    return is_found;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* How an interpreter is told what to run. Lists are separated by spaces. */
struct dialect {
    const char *programs; /* without their versions */
    const char *code;     /* letters and words of options after which comes a line of code */
    const char *values;   /* other options after which comes a value that is not the script */
    const char *scripts;  /* options after which comes the script, or "--word=" with it */
    const char *skipped;  /* words before the script */
    const char *endings;  /* of a script; NULL: any */
    bool is_named;        /* by an option alone: what stands by itself is an argument */
    bool is_anywhere;     /* the first of `scripts` that is there, wherever it is */
};

static const struct dialect dialects[] = {
    {"python pypy pypy-c pypy3-c", "c", "-W -X --check-hash-based-pycs --jit"},
    {"bash sh dash zsh ksh", "c", "-o -O +O --rcfile --init-file"},
    {"node nodejs", "e p --eval --print",
     "-r --require --import -C --conditions --loader --experimental-loader"},
    {"perl", "e E", "-I"},
    {"ruby", "e", "-I -r -C -E"},
    {"php", "r", "-c -d -S -t -z", .scripts = "-f --file"},
    {"lua luajit", "", "-e -l -j"},
    {"tclsh wish", "", "-encoding"},
    {"guile", "c", "-e -l -x -C -L", .scripts = "-s"},
    {"java", "",
     "-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports "
     "--add-reads --limit-modules --upgrade-module-path --patch-module --source "
     "--enable-native-access",
     .scripts = "-jar -m --module"},
    {"mono mono-sgen mono-boehm", "", "--config --use-map-file"},
    {"dotnet", "", "--additionalprobingpath --depsfile --runtimeconfig --fx-version --roll-forward",
     .skipped = "exec", .endings = ".dll .exe"},
    {"julia", "e E --eval --print",
     "-C --cpu-target -H --home -J --sysimage -L --load -p --procs -t --threads --machine-file "
     "--gcthreads"},
    {"octave octave-cli octave-gui", "--eval",
     "-p --path --doc-cache-file --exec-path --image-path --info-file --info-program "
     "--built-in-docstrings-file --texi-macros-file"},
    {"R", "e", "-g --gui -d --debugger --encoding", .scripts = "-f --file", .is_named = true},
    {"sbcl", "",
     "--core --eval --userinit --sysinit --dynamic-space-size --control-stack-size --tls-limit",
     .scripts = "--script --load", .is_named = true},
    /* An escript's or Elixir's script, a module that is started, the name of the node. */
    {"beam.smp beam", "e --eval", "", .scripts = "-extra -s -run -sname -name",
     .skipped = "escript elixir init", .is_named = true, .is_anywhere = true},
};

/* Whether `word`, of `size` bytes, is in a list. */
static bool is_listed(const char *list, const char *word, size_t size)
{
    while (list && *list) {
        size_t length = strcspn(list, " ");
        if (length == size && memcmp(list, word, size) == 0)
            return true;
        list += length + strspn(list + length, " ");
    }
    return false;
}

static bool is_word_of(const char *list, const char *word)
{
    return is_listed(list, word, strlen(word));
}

/* "python3.11" is "python": a version may follow the name. NULL: no interpreter. */
static const struct dialect *dialect_of(const char *program)
{
    for (size_t size = strlen(program); size > 0; size--) {
        for (size_t i = 0; i < sizeof(dialects) / sizeof(*dialects); i++) {
            if (is_listed(dialects[i].programs, program, size))
                return &dialects[i];
        }
        if (!strchr("0123456789.-", program[size - 1]))
            return NULL;
    }
    return NULL;
}

/* The argument after `argument`, NULL at the end. */
static const char *next_argument(const char *argument, const char *end)
{
    argument += strnlen(argument, (size_t)(end - argument)) + 1;
    return argument < end ? argument : NULL;
}

/* Whether code comes after the option, by itself or as the last of a few: "-c", "-ec", "--eval".
 * Longer ones are words, as perl's "-MCache". */
static bool is_code(const struct dialect *dialect, const char *argument)
{
    size_t n = strlen(argument);
    if (is_word_of(dialect->code, argument))
        return true;
    return n >= 2 && n <= 5 && argument[0] == '-' && argument[1] != '-' &&
           is_listed(dialect->code, &argument[n - 1], 1);
}

static bool is_option(const char *argument)
{
    return *argument == '-' || *argument == '+' || *argument == '@'; /* java's file of options */
}

static bool ends_as(const char *list, const char *script)
{
    const char *dot = strrchr(script, '.');
    return !list || (dot && is_word_of(list, dot));
}

/* The script that an option says, "--file=feed.R" or "--file", "feed.R"; NULL: it says none. */
static const char *script_of_option(const struct dialect *dialect, const char *argument,
                                    const char *end)
{
    size_t size = strcspn(argument, "=");
    if (!is_listed(dialect->scripts, argument, size))
        return NULL;
    return argument[size] ? argument + size + 1 : next_argument(argument, end);
}

/* What the interpreter runs, NULL if that is a line of the command itself or its input. */
static const char *find_script(const struct dialect *dialect, const char *cmdline, const char *end)
{
    const char *argument = next_argument(cmdline, end);
    for (; argument; argument = argument ? next_argument(argument, end) : NULL) {
        if (is_word_of(dialect->skipped, argument))
            continue;
        if (!is_option(argument))
            return !dialect->is_named && ends_as(dialect->endings, argument) ? argument : NULL;
        if (!argument[1] || is_code(dialect, argument))
            return NULL;
        const char *script = script_of_option(dialect, argument, end);
        if (script)
            return script;
        if (strcmp(argument, "--") == 0)
            return dialect->is_named ? NULL : next_argument(argument, end);
        if (is_word_of(dialect->values, argument))
            argument = next_argument(argument, end);
    }
    return NULL;
}

/* The first argument after `argument` that is no option. */
static const char *skip_options(const struct dialect *dialect, const char *argument,
                                const char *end)
{
    do {
        argument = next_argument(argument, end);
        if (argument && is_code(dialect, argument))
            return NULL;
    } while (argument && is_option(argument));
    return argument;
}

/* Erlang's emulator has its own arguments, and others' after several "--". */
static const char *find_anywhere(const struct dialect *dialect, const char *cmdline,
                                 const char *end)
{
    for (const char *wanted = dialect->scripts; *wanted; wanted += strspn(wanted, " ")) {
        size_t size = strcspn(wanted, " ");
        const char *argument = next_argument(cmdline, end);
        for (; argument; argument = next_argument(argument, end)) {
            if (strlen(argument) != size || memcmp(argument, wanted, size) != 0)
                continue;
            const char *script = skip_options(dialect, argument, end);
            if (script && !is_word_of(dialect->skipped, script))
                return script;
        }
        wanted += size;
    }
    return NULL;
}

static const char *script_of(const struct dialect *dialect, const char *cmdline, const char *end)
{
    return dialect->is_anywhere ? find_anywhere(dialect, cmdline, end)
                                : find_script(dialect, cmdline, end);
}

/* "/srv/feed.py" is "feed.py", the node "rabbit@db7" is "rabbit". */
static void set_script(const struct dialect *dialect, const char *script, char *name)
{
    const char *text = base_name(script);
    size_t size = dialect->is_anywhere ? strcspn(text, "@") : strlen(text);
    if (size)
        set_name(name, text, size);
}

void program_name_from_command(const char *exe, const char *cmdline, size_t size,
                               char ret_name[static PROGRAM_NAME_SIZE])
{
    /* An argument without its NUL, of a process that wrote over them, is left out. */
    while (size && cmdline[size - 1] != '\0')
        size--;
    const char *path = exe && *exe ? exe : size ? cmdline : "";
    const char *program = base_name(path);
    size_t length = strlen(program);
    const size_t deleted = sizeof(DELETED) - 1;
    if (length > deleted && strcmp(program + length - deleted, DELETED) == 0)
        length -= deleted;
    set_name(ret_name, program, length);

    const struct dialect *dialect = size ? dialect_of(ret_name) : NULL;
    const char *script = dialect ? script_of(dialect, cmdline, cmdline + size) : NULL;
    if (script)
        set_script(dialect, script, ret_name);
    if (!*ret_name)
        set_name(ret_name, "unknown", 7);
}
