/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_rows.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROBLEMS 6u
#define HELP         "q ends   s order   / filter   arrows scroll"

enum colour { CRITICAL = 1, WARNING };

static void put(int y, attr_t attributes, const struct string_buffer *line)
{
    attron(attributes);
    mvaddstr(y, 0, line->data ? line->data : "");
    attroff(attributes);
}

static attr_t colour_of(bool is_critical)
{
    if (!has_colors())
        return is_critical ? A_BOLD : A_NORMAL;
    return (attr_t)COLOR_PAIR(is_critical ? CRITICAL : WARNING) | (is_critical ? A_BOLD : 0);
}

static attr_t row_attributes(const struct problem_socket *socket)
{
    uint64_t send = socket->send_fullest, receive = socket->receive_fullest;
    send = send == SEGMENT_UNKNOWN ? 0 : send;
    receive = receive == SEGMENT_UNKNOWN ? 0 : receive;
    uint64_t fullest = send > receive ? send : receive;
    return fullest >= 800000000 ? colour_of(fullest >= 950000000) : A_NORMAL;
}

/* The first row that is shown may be the one after the last after a look. */
static size_t clamp(size_t first, size_t n_rows, size_t n_shown)
{
    size_t last = n_rows > n_shown ? n_rows - n_shown : 0;
    return first > last ? last : first;
}

static void draw(const struct top *self, const char *trouble, size_t *first)
{
    struct string_buffer line = {0};
    size_t width = COLS > 0 ? (size_t)COLS : 80;
    int y = 0;
    erase();
    top_head_line(self, width, &line);
    put(y++, A_BOLD, &line);
    if (*trouble) {
        attron(colour_of(true));
        mvaddnstr(y++, 0, trouble, COLS);
        attroff(colour_of(true));
    }
    for (size_t i = 0; i < self->look.n_problems && i < MAX_PROBLEMS && y < LINES - 3; i++) {
        string_buffer_clear(&line);
        top_problem_line(self, i, width, &line);
        put(y++, colour_of(self->look.problems[i].is_critical), &line);
    }
    string_buffer_clear(&line);
    top_column_line(width, &line);
    put(y++, A_REVERSE, &line);
    size_t n_shown = LINES - 1 > y ? (size_t)(LINES - 1 - y) : 0;
    *first = clamp(*first, self->n_rows, n_shown);
    for (size_t i = 0; i < n_shown && *first + i < self->n_rows; i++) {
        string_buffer_clear(&line);
        top_row_line(self, *first + i, width, &line);
        put(y++, row_attributes(self->rows[*first + i]), &line);
    }
    mvaddnstr(LINES - 1, 0, HELP, COLS);
    string_buffer_finish(&line);
    refresh();
}

static void ask_filter(struct top *self)
{
    move(LINES - 1, 0);
    clrtoeol();
    addstr("filter: ");
    echo();
    timeout(-1);
    if (getnstr(self->filter, (int)sizeof(self->filter) - 1) == ERR)
        *self->filter = '\0';
    noecho();
}

/* False: it is to end. */
static bool obey(struct top *self, int key, size_t *first)
{
    switch (key) {
    case 'q':
        return false;
    case 's':
        self->order = (enum top_order)((self->order + 1) % TOP_N_ORDERS);
        break;
    case '/':
        ask_filter(self);
        break;
    case KEY_UP:
        *first -= *first > 0;
        break;
    case KEY_DOWN:
        ++*first;
        break;
    case KEY_PPAGE:
        *first -= *first > 10 ? 10 : *first;
        break;
    case KEY_NPAGE:
        *first += 10;
        break;
    default:
        break;
    }
    return true;
}

int top_screen_run(struct top *self, unsigned seconds, struct error *err)
{
    int r = top_refresh(self, err); /* what is wrong from the start is told where it stays */
    if (r < 0)
        return r;
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen)
        return error_set(err, -EINVAL, "the terminal '%s' cannot be used; --once needs none",
                         getenv("TERM") ? getenv("TERM") : "");
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(CRITICAL, COLOR_RED, -1);
        init_pair(WARNING, COLOR_YELLOW, -1);
    }
    size_t first = 0;
    struct error trouble;
    const char *shown;
    do {
        shown = top_refresh(self, &trouble) < 0 ? trouble.message : "";
        draw(self, shown, &first);
        timeout((int)seconds * 1000);
    } while (obey(self, getch(), &first));
    endwin();
    delscreen(screen);
    return 0;
}
