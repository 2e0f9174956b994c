/* SPDX-License-Identifier: MPL-2.0 */
#include "segment/segment_state.h"

#include "base/fnv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TITLE      "zmq_exporter state 1\n"
#define CHECK      "check "
#define CREATED    "created="
#define CHECK_SIZE (sizeof(CHECK) - 1 + 16 + 1)

/*
 * Writing
 */
static void append_text(struct string_buffer *text, const char *value)
{
    string_buffer_append(text, " ", 1);
    if (!*value || strcmp(value, "-") == 0)
        string_buffer_append_text(text, *value ? "%2D" : "-");
    else
        for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
            if (*c > ' ' && *c < 0x7f && *c != '%')
                string_buffer_append(text, (const char *)c, 1);
            else
                string_buffer_append_format(text, "%%%02X", *c);
        }
}

static void append_number(struct string_buffer *text, uint64_t value)
{
    string_buffer_append(text, " ", 1);
    string_buffer_append_u64(text, value);
}

static void append_counters(struct string_buffer *text, const uint64_t *counters, size_t n,
                            size_t first)
{
    for (size_t i = 0; i < n; i++) {
        if (counters[i] == 0)
            continue;
        append_number(text, first + i);
        string_buffer_append(text, "=", 1);
        string_buffer_append_u64(text, counters[i]);
    }
    string_buffer_append(text, "\n", 1);
}

static void append_process(struct string_buffer *text, const char *word,
                           const struct segment_state_process *process)
{
    string_buffer_append_text(text, word);
    append_number(text, process->pid);
    append_number(text, process->start_ticks);
    append_number(text, process->pid_namespace);
    append_number(text, process->created_ns);
    string_buffer_append(text, "\n", 1);
}

void segment_state_begin(struct string_buffer *text, const char *boot_id)
{
    string_buffer_append_text(text, TITLE "boot");
    append_text(text, boot_id);
    string_buffer_append(text, "\n", 1);
}

void segment_state_add_folded(struct string_buffer *text,
                              const struct segment_state_process *process)
{
    append_process(text, "folded", process);
}

void segment_state_add_process(struct string_buffer *text,
                               const struct segment_state_process *process)
{
    append_process(text, "process", process);
}

static void append_created(struct string_buffer *text, uint64_t created_ns)
{
    if (created_ns == 0)
        return;
    string_buffer_append_text(text, " " CREATED);
    string_buffer_append_u64(text, created_ns);
}

void segment_state_add_program(struct string_buffer *text,
                               const struct segment_state_program *program,
                               const uint64_t *counters, size_t n)
{
    string_buffer_append_text(text, "program");
    append_text(text, program->program);
    append_created(text, program->created_ns);
    append_counters(text, counters, n, 0);
}

void segment_state_add_group(struct string_buffer *text, const struct segment_state_group *group,
                             const uint64_t *counters)
{
    string_buffer_append_text(text, "group");
    append_text(text, group->program);
    append_number(text, group->group.type);
    append_number(text, group->capabilities);
    append_text(text, group->group.endpoint);
    append_text(text, group->group.name);
    append_created(text, group->created_ns);
    append_counters(text, counters, SEGMENT_STATE_N_COUNTERS, SEGMENT_FIRST_COUNTER);
}

void segment_state_end(struct string_buffer *text)
{
    uint64_t sum = fnv_bytes_64(FNV_BASIS_64, text->data ? text->data : "", text->size);
    string_buffer_append_format(text, CHECK "%016llx\n", (unsigned long long)sum);
}

/*
 * Parsing: a cursor that never passes the line's end.
 */
struct line {
    const char *at, *end;
    bool is_bad;
};

static bool take_byte(struct line *line, char wanted)
{
    if (line->at == line->end || *line->at != wanted)
        return false;
    line->at++;
    return true;
}

static void expect_space(struct line *line)
{
    if (!take_byte(line, ' '))
        line->is_bad = true;
}

static uint64_t take_digits(struct line *line)
{
    uint64_t number = 0;
    const char *first = line->at;
    for (; line->at < line->end && *line->at >= '0' && *line->at <= '9'; line->at++) {
        uint64_t digit = (uint64_t)(*line->at - '0');
        if (number > (UINT64_MAX - digit) / 10)
            line->is_bad = true;
        number = number * 10 + digit;
    }
    if (line->at == first)
        line->is_bad = true;
    return number;
}

static uint64_t take_number(struct line *line)
{
    expect_space(line);
    return take_digits(line);
}

static uint32_t take_small_number(struct line *line)
{
    uint64_t number = take_number(line);
    if (number > UINT32_MAX)
        line->is_bad = true;
    return (uint32_t)number;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One byte of a text; 0 where there is none that could be one. */
static char take_character(struct line *line)
{
    char c = *line->at++;
    if (c != '%')
        return c > ' ' && c < 0x7f ? c : '\0';
    if (line->end - line->at < 2)
        return '\0';
    int high = hex_digit(line->at[0]), low = hex_digit(line->at[1]);
    line->at += 2;
    return high < 0 || low < 0 ? '\0' : (char)(high * 16 + low);
}

static void take_text(struct line *line, char *ret_text, size_t size)
{
    size_t n = 0;
    expect_space(line);
    const char *first = line->at;
    while (line->at < line->end && *line->at != ' ' && !line->is_bad) {
        char c = take_character(line);
        if (!c || n + 1 >= size)
            line->is_bad = true;
        else
            ret_text[n++] = c;
    }
    if (line->at == first)
        line->is_bad = true;
    if (line->at - first == 1 && *first == '-')
        n = 0;
    ret_text[n] = '\0';
}

/* 0 where it is not told. */
static uint64_t take_created(struct line *line)
{
    const char word[] = " " CREATED;
    const size_t n = sizeof(word) - 1;
    if ((size_t)(line->end - line->at) <= n || memcmp(line->at, word, n) != 0)
        return 0;
    line->at += n;
    return take_digits(line);
}

static void take_counters(struct line *line, uint64_t *ret_counters, size_t n, size_t first)
{
    while (line->at < line->end && !line->is_bad) {
        uint64_t number = take_number(line);
        if (!take_byte(line, '='))
            line->is_bad = true;
        uint64_t value = take_digits(line);
        if (line->is_bad || number < first || number - first >= n)
            line->is_bad = true;
        else
            ret_counters[number - first] = value;
    }
}

static bool take_word(struct line *line, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(line->end - line->at) <= n || memcmp(line->at, word, n) != 0 || line->at[n] != ' ')
        return false;
    line->at += n;
    return true;
}

static bool is_finished(const struct line *line)
{
    return !line->is_bad && line->at == line->end;
}

typedef int (*process_visitor)(const struct segment_state_process *process, void *data);

static int parse_process(struct line *line, process_visitor visit, void *data)
{
    struct segment_state_process process;
    process.pid = take_number(line);
    process.start_ticks = take_number(line);
    process.pid_namespace = take_number(line);
    process.created_ns = take_number(line);
    return is_finished(line) ? visit(&process, data) : SEGMENT_STATE_E_INVALID;
}

static int parse_program(struct line *line, const struct segment_state_visitor *visitor, void *data)
{
    struct segment_state_program program = {0};
    take_text(line, program.program, sizeof(program.program));
    program.created_ns = take_created(line);
    take_counters(line, program.counters, SEGMENT_STATE_N_PROCESS_COUNTERS, 0);
    return is_finished(line) ? visitor->program(&program, data) : SEGMENT_STATE_E_INVALID;
}

static int parse_group(struct line *line, const struct segment_state_visitor *visitor, void *data)
{
    struct segment_state_group group = {0};
    take_text(line, group.program, sizeof(group.program));
    group.group.type = take_small_number(line);
    group.capabilities = take_small_number(line);
    take_text(line, group.group.endpoint, sizeof(group.group.endpoint));
    take_text(line, group.group.name, sizeof(group.group.name));
    group.created_ns = take_created(line);
    take_counters(line, group.counters, SEGMENT_STATE_N_COUNTERS, SEGMENT_FIRST_COUNTER);
    return is_finished(line) ? visitor->group(&group, data) : SEGMENT_STATE_E_INVALID;
}

static int parse_line(struct line *line, const struct segment_state_visitor *visitor, void *data)
{
    if (take_word(line, "group"))
        return parse_group(line, visitor, data);
    if (take_word(line, "program"))
        return parse_program(line, visitor, data);
    if (take_word(line, "folded"))
        return parse_process(line, visitor->folded, data);
    if (take_word(line, "process"))
        return parse_process(line, visitor->process, data);
    return SEGMENT_STATE_E_INVALID;
}

static bool take_line(struct line *text, struct line *ret_line)
{
    const char *end = memchr(text->at, '\n', (size_t)(text->end - text->at));
    if (!end)
        return false;
    *ret_line = (struct line){.at = text->at, .end = end};
    text->at = end + 1;
    return true;
}

static bool check_holds(const char *text, size_t size)
{
    char expected[CHECK_SIZE + 1];
    if (size < CHECK_SIZE)
        return false;
    (void)snprintf(expected, sizeof(expected), CHECK "%016llx\n",
                   (unsigned long long)fnv_bytes_64(FNV_BASIS_64, text, size - CHECK_SIZE));
    return memcmp(text + size - CHECK_SIZE, expected, CHECK_SIZE) == 0;
}

int segment_state_parse(const char *text, size_t size, const char *boot_id,
                        const struct segment_state_visitor *visitor, void *data)
{
    const size_t title = sizeof(TITLE) - 1;
    char boot[64];
    if (!check_holds(text, size) || size - CHECK_SIZE < title || memcmp(text, TITLE, title) != 0)
        return SEGMENT_STATE_E_INVALID;

    struct line all = {.at = text + title, .end = text + size - CHECK_SIZE}, line;
    if (!take_line(&all, &line) || !take_word(&line, "boot"))
        return SEGMENT_STATE_E_INVALID;
    take_text(&line, boot, sizeof(boot));
    if (!is_finished(&line))
        return SEGMENT_STATE_E_INVALID;
    if (strcmp(boot, boot_id) != 0)
        return SEGMENT_STATE_E_OTHER_BOOT;

    while (all.at < all.end) {
        int r = take_line(&all, &line) ? parse_line(&line, visitor, data) : SEGMENT_STATE_E_INVALID;
        if (r != 0)
            return r;
    }
    return 0;
}
