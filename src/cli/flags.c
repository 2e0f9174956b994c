/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/flags.h"

#include "base/suggest.h"
#include "cli/terminal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_WIDTH 90

struct found {
    const struct flag *flag;
    const char *value; /* after '=', or NULL */
};

static int unknown(const struct flag *flags, size_t n, const char *name, struct error *err)
{
    const char *names[FLAGS_MAX + 1] = {"help"};
    size_t n_names = 1;
    for (size_t i = 0; i < n; i++)
        names[n_names++] = flags[i].name;
    const char *near = suggest_nearest(name, names, n_names);
    if (near)
        return error_set(err, -EINVAL, "unknown flag '--%s' (did you mean '--%s'?)", name, near);
    return error_set(err, -EINVAL, "unknown flag '--%s'; --help lists them", name);
}

static int find(const struct flag *flags, size_t n, const char *text, struct found *ret_found,
                struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(flags[i].name, text, length) == 0 && flags[i].name[length] == '\0') {
            *ret_found = (struct found){&flags[i], equals ? equals + 1 : NULL};
            return 0;
        }
    }
    char name[64];
    (void)snprintf(name, sizeof(name), "%.*s", (int)(length < 60 ? length : 60), text);
    return unknown(flags, n, name, err);
}

static int set_number(const struct flag *flag, const char *value, struct error *err)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (errno || *end || *value < '0' || *value > '9' || number == 0 || number > 1000000)
        return error_set(err, -EINVAL, "--%s: '%s' is not a number from 1 to 1000000", flag->name,
                         value);
    *(unsigned *)flag->target = (unsigned)number;
    return 0;
}

static int set(const struct flag *flag, const char *value, struct error *err)
{
    struct flag_values *values = flag->target;
    switch (flag->kind) {
    case FLAG_SWITCH:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return error_set(err, -EINVAL, "--%s: '%s' is not 'true' or 'false'", flag->name,
                             value);
        *(bool *)flag->target = value[0] == 't';
        return 0;
    case FLAG_NUMBER:
        return set_number(flag, value, err);
    case FLAG_TEXTS:
        if (values->n == FLAGS_MAX_VALUES)
            return error_set(err, -EINVAL, "--%s: at most %u times", flag->name, FLAGS_MAX_VALUES);
        values->items[values->n++] = value;
        return 0;
    case FLAG_TEXT:
        break;
    }
    *(const char **)flag->target = value;
    return 0;
}

/* The next argument, unless it is a flag: to swallow that one would undo what it asks for, a
 * password for example, without a word. NULL: there is none. */
static const char *next_value(char **argv, int *i)
{
    const char *next = argv[*i + 1];
    if (!next || strncmp(next, "--", 2) == 0)
        return NULL;
    ++*i;
    return next;
}

/* One flag and, if it needs one, its value from the next argument. */
static int take(const struct flag *flags, size_t n, char **argv, int *i, struct error *err)
{
    struct found found;
    int r = find(flags, n, argv[*i] + 2, &found, err);
    if (r < 0)
        return r;
    if (!found.value && found.flag->kind == FLAG_SWITCH)
        found.value = "true";
    if (!found.value)
        found.value = next_value(argv, i);
    if (!found.value || !*found.value)
        return error_set(err, -EINVAL, "--%s needs a value: --%s=%s", found.flag->name,
                         found.flag->name, found.flag->value);
    return set(found.flag, found.value, err);
}

static int check_once(const struct flag *flags, size_t n, int argc, char **argv, struct error *err)
{
    bool is_given[FLAGS_MAX] = {false};
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        struct found found;
        if (strncmp(argv[i], "--", 2) != 0 || find(flags, n, argv[i] + 2, &found, NULL) < 0)
            continue;
        size_t index = (size_t)(found.flag - flags);
        if (is_given[index] && found.flag->kind != FLAG_TEXTS)
            return error_set(err, -EINVAL, "--%s is given twice", found.flag->name);
        is_given[index] = true;
        if (!found.value && found.flag->kind != FLAG_SWITCH)
            i++;
    }
    return 0;
}

int flags_parse(const struct flag *flags, size_t n, int argc, char **argv, int *ret_rest,
                struct error *err)
{
    assert(n <= FLAGS_MAX);
    int i = 1;
    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return FLAGS_E_HELP;
        if (argv[i][1] != '-')
            return error_set(err, -EINVAL, "unknown flag '%s'; flags begin with two dashes",
                             argv[i]);
        int r = take(flags, n, argv, &i, err);
        if (r < 0)
            return r;
    }
    *ret_rest = i;
    return check_once(flags, n, i, argv, err);
}

/* Words of `text` in lines of HELP_WIDTH, indented. */
static void print_wrapped(const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t length = strcspn(text, " ");
        if (column == 0 || column + 1 + length > HELP_WIDTH - 6) {
            printf("%s      ", column ? "\n" : "");
            column = 0;
        } else {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)length, text);
        column += length;
        text += length + strspn(text + length, " ");
    }
    putchar('\n');
}

void flags_print(const struct flag *flags, size_t n)
{
    struct terminal_ink ink = terminal_ink(stdout);
    for (size_t i = 0; i < n; i++) {
        printf("  %s--%s%s%s%s", ink.bold, flags[i].name, ink.plain, flags[i].value ? "=" : "",
               flags[i].value ? flags[i].value : "");
        if (flags[i].preset)
            printf("  (default %s)", flags[i].preset);
        if (flags[i].kind == FLAG_TEXTS)
            printf("  (repeatable)");
        putchar('\n');
        print_wrapped(flags[i].help);
    }
    printf("  %s--help%s\n      Shows this text.\n", ink.bold, ink.plain);
}

void flags_list(const struct flag *flags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *end = strstr(flags[i].help, ". ");
        int length = end ? (int)(end - flags[i].help) : (int)strlen(flags[i].help);
        printf("--%s%s\t%.*s\n", flags[i].name, flags[i].value ? "=" : "", length, flags[i].help);
    }
    printf("--help\tShows this text.\n");
}
