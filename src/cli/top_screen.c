/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_details.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PROBLEMS 6u
#define ESCAPE       27
#define HELP         "q ends   s order   / filter   arrows select   Enter shows one socket"
#define HELP_ALONE   "q goes back   arrows scroll"

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

/* What is shown: the sockets, of which one is selected, or that one alone. */
struct screen {
    struct top *top;
    struct top_key selected; /* pid 0: none yet, the first row */
    bool is_alone;
    size_t first;         /* of the rows or lines that are shown */
    const char *trouble;  /* what went wrong at the last look; "": nothing */
    struct error message; /* that `trouble` points to */
};

static bool is_selected(const struct screen *self, const struct problem_socket *socket)
{
    return socket->pid == self->selected.pid && socket->serial == self->selected.serial &&
           socket->start_ticks == self->selected.start_ticks;
}

static size_t selected_row(const struct screen *self)
{
    for (size_t i = 0; i < self->top->n_rows; i++) {
        if (is_selected(self, self->top->rows[i]))
            return i;
    }
    return 0;
}

static void select_row(struct screen *self, size_t row)
{
    const struct top *top = self->top;
    if (top->n_rows == 0)
        return;
    const struct problem_socket *socket = top->rows[row < top->n_rows ? row : top->n_rows - 1];
    self->selected = (struct top_key){socket->pid, socket->start_ticks, socket->serial};
}

static int draw_trouble(const struct screen *self, int y)
{
    if (!*self->trouble)
        return y;
    attron(colour_of(true));
    mvaddnstr(y, 0, self->trouble, COLS);
    attroff(colour_of(true));
    return y + 1;
}

/* The first row that is shown, so that the selected one is. */
static size_t first_shown(const struct screen *self, size_t selected, size_t n_shown)
{
    size_t n_rows = self->top->n_rows, last = n_rows > n_shown ? n_rows - n_shown : 0;
    size_t first = self->first > last ? last : self->first;
    if (selected < first)
        return selected;
    return n_shown && selected >= first + n_shown ? selected - n_shown + 1 : first;
}

static void draw_rows(struct screen *self, int y, size_t width)
{
    struct string_buffer line = {0};
    size_t selected = selected_row(self);
    size_t n_shown = LINES - 1 > y ? (size_t)(LINES - 1 - y) : 0;
    self->first = first_shown(self, selected, n_shown);
    for (size_t i = self->first; i < self->first + n_shown && i < self->top->n_rows; i++) {
        string_buffer_clear(&line);
        top_row_line(self->top, i, width, &line);
        put(y++, row_attributes(self->top->rows[i]) | (i == selected ? A_REVERSE : 0), &line);
    }
    string_buffer_finish(&line);
}

static void draw_all(struct screen *self, size_t width)
{
    const struct top *top = self->top;
    struct string_buffer line = {0};
    int y = 0;
    top_head_line(top, width, &line);
    put(y++, A_BOLD, &line);
    y = draw_trouble(self, y);
    for (size_t i = 0; i < top->look.n_problems && i < MAX_PROBLEMS && y < LINES - 3; i++) {
        string_buffer_clear(&line);
        top_problem_line(top, i, width, &line);
        put(y++, colour_of(top->look.problems[i].is_critical), &line);
    }
    string_buffer_clear(&line);
    top_column_line(width, &line);
    put(y++, A_BOLD, &line);
    draw_rows(self, y, width);
    mvaddnstr(LINES - 1, 0, HELP, COLS);
    string_buffer_finish(&line);
}

static void draw_one(struct screen *self, size_t width)
{
    struct string_buffer text = {0};
    if (top_details_append(self->top, &self->selected, width, &text, &self->message) < 0)
        self->trouble = self->message.message;
    int y = draw_trouble(self, 0);
    size_t i = 0, n = 0;
    for (const char *at = text.data; at && (at = strchr(at, '\n')); at++)
        n++;
    if (n && self->first >= n)
        self->first = n - 1;
    for (char *line = text.data, *end; line && (end = strchr(line, '\n')); line = end + 1, i++) {
        *end = '\0';
        if (i < self->first || y >= LINES - 1)
            continue;
        attron(i == 0 ? A_BOLD : A_NORMAL);
        mvaddstr(y++, 0, line);
        attroff(A_BOLD);
    }
    mvaddnstr(LINES - 1, 0, HELP_ALONE, COLS);
    string_buffer_finish(&text);
}

static void draw(struct screen *self)
{
    size_t width = COLS > 0 ? (size_t)COLS : 80;
    erase();
    if (self->is_alone)
        draw_one(self, width);
    else
        draw_all(self, width);
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

static void move_by(struct screen *self, long by)
{
    size_t at = self->is_alone ? self->first : selected_row(self);
    at = by < 0 && at < (size_t)-by ? 0 : at + (size_t)by;
    if (self->is_alone)
        self->first = at;
    else
        select_row(self, at);
}

static void show_alone(struct screen *self, bool is_alone)
{
    if (is_alone)
        select_row(self, selected_row(self));
    self->is_alone = is_alone && self->top->n_rows > 0;
    self->first = 0;
}

/* False: it is to end. */
static bool obey(struct screen *self, int key)
{
    struct top *top = self->top;
    switch (key) {
    case 'q':
    case ESCAPE:
        if (!self->is_alone)
            return key == ESCAPE;
        show_alone(self, false);
        break;
    case '\n':
    case KEY_ENTER:
        show_alone(self, true);
        break;
    case 's':
        top->order = (enum top_order)((top->order + 1) % TOP_N_ORDERS);
        break;
    case '/':
        ask_filter(top);
        break;
    case KEY_UP:
        move_by(self, -1);
        break;
    case KEY_DOWN:
        move_by(self, 1);
        break;
    case KEY_PPAGE:
        move_by(self, -10);
        break;
    case KEY_NPAGE:
        move_by(self, 10);
        break;
    default:
        break;
    }
    return true;
}

static void begin_colours(void)
{
    if (!has_colors())
        return;
    start_color();
    use_default_colors();
    init_pair(CRITICAL, COLOR_RED, -1);
    init_pair(WARNING, COLOR_YELLOW, -1);
}

int top_screen_run(struct top *self, unsigned seconds, struct error *err)
{
    int r = top_refresh(self, err); /* what is wrong from the start is told where it stays */
    if (r < 0)
        return r;
    SCREEN *terminal = newterm(NULL, stdout, stdin);
    if (!terminal)
        return error_set(err, -EINVAL, "the terminal '%s' cannot be used; --once needs none",
                         getenv("TERM") ? getenv("TERM") : "");
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(50);
    curs_set(0);
    begin_colours();
    struct screen screen = {.top = self};
    do {
        screen.trouble = top_refresh(self, &screen.message) < 0 ? screen.message.message : "";
        draw(&screen);
        timeout((int)seconds * 1000);
    } while (obey(&screen, getch()));
    endwin();
    delscreen(terminal);
    return 0;
}
