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

/* "python3.11" is "python": a version may follow the name. */
static bool is_interpreter(const char *program)
{
    static const char *const names[] = {"python", "pypy", "perl", "ruby",   "node",
                                        "nodejs", "php",  "lua",  "luajit", "bash",
                                        "sh",     "dash", "zsh",  "tclsh",  "guile"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(program, names[i], n) == 0 &&
            strspn(program + n, "0123456789.-") == strlen(program + n))
            return true;
    }
    return false;
}

/* The argument after `argument`, NULL at the end. */
static const char *next_argument(const char *argument, const char *end)
{
    argument += strnlen(argument, (size_t)(end - argument)) + 1;
    return argument < end ? argument : NULL;
}

/* How an interpreter spells the options that matter here. */
static const struct dialect {
    const char *programs; /* begin like one of these */
    char code;            /* a line of the command itself is run */
    const char *values[5];
} dialects[] = {
    {"python pypy", 'c', {"-W", "-X"}},
    {"bash sh dash zsh", 'c', {"-o", "-O", "+O"}},
    {"node nodejs", 'e', {"-r", "--require", "--import"}},
    {"perl ruby", 'e', {"-I", "-r"}},
    {"php", 'r', {"-c", "-d"}},
    {"", 'e', {"-l"}},
};

static const struct dialect *dialect_of(const char *program)
{
    size_t n = strcspn(program, "0123456789.-");
    const struct dialect *dialect = dialects;
    for (; *dialect->programs; dialect++) {
        for (const char *name = dialect->programs; *name; name += strspn(name, " ")) {
            size_t length = strcspn(name, " ");
            if (length == n && memcmp(name, program, n) == 0)
                return dialect;
            name += length;
        }
    }
    return dialect;
}

/* Whether `argument` is the option, by itself or as the last of a few: "-c", "-ec". Longer ones
 * are words, as perl's "-MCache". */
static bool is_option(const char *argument, char option)
{
    size_t n = strlen(argument);
    return n >= 2 && n <= 5 && argument[0] == '-' && argument[1] != '-' &&
           argument[n - 1] == option;
}

static bool takes_value(const struct dialect *dialect, const char *argument)
{
    for (size_t i = 0; dialect->values[i]; i++) {
        if (strcmp(argument, dialect->values[i]) == 0)
            return true;
    }
    return false;
}

/* What the interpreter runs, NULL if that is a line of the command itself or its input. */
static const char *script_of(const char *program, const char *cmdline, const char *end)
{
    const struct dialect *dialect = dialect_of(program);
    const char *argument = next_argument(cmdline, end);
    while (argument && (*argument == '-' || *argument == '+')) {
        if (strcmp(argument, "--") == 0)
            return next_argument(argument, end);
        if (!argument[1] || is_option(argument, dialect->code))
            return NULL;
        if (takes_value(dialect, argument))
            argument = next_argument(argument, end);
        if (argument)
            argument = next_argument(argument, end);
    }
    return argument;
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

    const char *script = NULL;
    if (size && is_interpreter(ret_name))
        script = script_of(ret_name, cmdline, cmdline + size);
    if (script && *base_name(script))
        set_name(ret_name, base_name(script), strlen(base_name(script)));
    if (!*ret_name)
        set_name(ret_name, "unknown", 7);
}
