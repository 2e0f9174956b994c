/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_rows.h"

#include "cli/command.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "segment/segment_layout.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define NAME        "zmq_exporter top"
#define USAGE       "usage: zmq_exporter top [FLAG ...]\n"
#define PLAIN_WIDTH 120 /* in a pipe */

struct given {
    const char *directory, *filter;
    unsigned seconds;
    bool once, json, has_no_peek;
    struct exporter_client client;
};

static void print_help(const struct flag *flags, size_t n_flags)
{
    printf(USAGE
           "\nShows the open sockets of this host, or of an exporter's, the fullest first, and "
           "above them what\nis wrong, the cause before its symptoms. Keys: q ends, s changes "
           "the order, / filters, arrows select,\nEnter shows one socket with its peers.\nOf "
           "programs without a tap it shows the "
           "queues, if this user may read them; root may read all.\n\nFlags:\n");
    flags_print(flags, n_flags);
}

static size_t width_of_output(void)
{
    struct winsize size;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col;
    return PLAIN_WIDTH;
}

static void print_line(const struct string_buffer *line, const char *before, const char *after)
{
    size_t size = line->size;
    while (size && line->data[size - 1] == ' ')
        size--;
    printf("%s%.*s%s\n", before, (int)size, line->data ? line->data : "", after);
}

static void print_plain(const struct top *top)
{
    struct terminal_ink ink = terminal_ink(stdout);
    struct string_buffer line = {0};
    size_t width = width_of_output();
    top_head_line(top, width, &line);
    print_line(&line, ink.bold, ink.plain);
    for (size_t i = 0; i < top->look.n_problems; i++) {
        string_buffer_clear(&line);
        top_problem_line(top, i, 1000, &line); /* whole */
        print_line(&line, top->look.problems[i].is_critical ? ink.red : ink.yellow, ink.plain);
    }
    string_buffer_clear(&line);
    top_column_line(width, &line);
    print_line(&line, ink.bold, ink.plain);
    for (size_t i = 0; i < top->n_rows; i++) {
        string_buffer_clear(&line);
        top_row_line(top, i, width, &line);
        print_line(&line, "", "");
    }
    string_buffer_finish(&line);
}

/* Two looks, so that there are rates. */
static int show_once(struct top *top, const struct given *given, struct error *err)
{
    int r = top_refresh(top, err);
    if (r == 0 && !given->json) {
        const struct timespec pause = {.tv_sec = 1};
        nanosleep(&pause, NULL);
        r = top_refresh(top, err);
    }
    if (r < 0)
        return r;
    struct string_buffer json = {0};
    if (!given->json) {
        print_plain(top);
        return 0;
    }
    top_json(top, &json);
    if (!json.has_failed)
        (void)fputs(json.data, stdout);
    r = json.has_failed ? error_set(err, -ENOMEM, "%s", strerror(ENOMEM)) : 0;
    string_buffer_finish(&json);
    return r;
}

static int show(const struct given *given, struct error *err)
{
    struct top top = {.order = TOP_WORST};
    (void)snprintf(top.filter, sizeof(top.filter), "%s", given->filter);
    const struct top_source_options options = {
        .directory = given->directory, .has_no_peek = given->has_no_peek, .client = &given->client};
    if (!given->client.url && exporter_client_is_set(&given->client))
        return error_set(err, -EINVAL, "--url.… are of an exporter that --url names");
    int r = top_source_new(&options, &top.source, err);
    if (r < 0)
        return r;
    bool is_screen = !given->once && !given->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    r = is_screen ? top_screen_run(&top, given->seconds, err) : show_once(&top, given, err);
    top_finish(&top);
    return r;
}

int command_top(int argc, char **argv)
{
    const char *directory = getenv(SEGMENT_DIRECTORY_VARIABLE);
    struct given given = {.directory = directory && *directory ? directory
                                                               : SEGMENT_DIRECTORY_DEFAULT,
                          .filter = "",
                          .seconds = 1};
    const struct flag flags[] = {
        {"once", NULL, NULL, "Print it once, plainly, as in a pipe.", FLAG_SWITCH, &given.once},
        {"json", NULL, NULL, "Print it once, as JSON.", FLAG_SWITCH, &given.json},
        {"filter", "WORDS", NULL,
         "Only sockets that have each of these words in program, type or address.", FLAG_TEXT,
         &given.filter},
        {"interval", "SECONDS", "1", "How often it looks.", FLAG_NUMBER, &given.seconds},
        {"url", "URL", NULL, "Ask the exporter at http[s]://HOST:PORT instead of this host.",
         FLAG_TEXT, &given.client.url},
        EXPORTER_CLIENT_FLAGS(given.client),
        {"no-collector.peek", NULL, NULL, "Tapped programs alone.", FLAG_SWITCH,
         &given.has_no_peek},
        {"tap.directory", "DIRECTORY",
         "$" SEGMENT_DIRECTORY_VARIABLE " or " SEGMENT_DIRECTORY_DEFAULT,
         "Where the programs write what they count.", FLAG_TEXT, &given.directory},
    };
    const struct command_line line = {NAME, flags, sizeof(flags) / sizeof(*flags), print_help,
                                      false};
    struct error err;
    int rest;
    int status = command_parse(&line, argc, argv, &rest);
    if (status != COMMAND_GOES_ON)
        return status;
    (void)setlocale(LC_CTYPE, "");
    if (show(&given, &err) == 0)
        return COMMAND_OK;
    terminal_fail(NAME, &err);
    return COMMAND_FAILED;
}
