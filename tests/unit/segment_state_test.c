/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The state file: what is written is read again, and every byte that somebody else may have put
 * there is judged before it is believed.
 */
#include "segment/segment_state.h"

#include "segment/segment_state_file.h"
#include "support/cmocka.h"
#include "support/temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT  "0b1e55ed"
#define TITLE "zmq_exporter state 1\nboot " BOOT "\n"

/* What the parser told last, and how often. */
struct told {
    struct segment_state_process folded, process;
    struct segment_state_program program;
    struct segment_state_group group;
    unsigned n;
    int answer;
};

static int on_folded(const struct segment_state_process *process, void *data)
{
    struct told *told = data;
    told->folded = *process;
    told->n++;
    return told->answer;
}

static int on_process(const struct segment_state_process *process, void *data)
{
    struct told *told = data;
    told->process = *process;
    told->n++;
    return told->answer;
}

static int on_program(const struct segment_state_program *program, void *data)
{
    struct told *told = data;
    told->program = *program;
    told->n++;
    return told->answer;
}

static int on_group(const struct segment_state_group *group, void *data)
{
    struct told *told = data;
    told->group = *group;
    told->n++;
    return told->answer;
}

static int parse(const struct string_buffer *text, struct told *told)
{
    static const struct segment_state_visitor visitor = {on_folded, on_process, on_program,
                                                         on_group};
    return segment_state_parse(text->data, text->size, BOOT, &visitor, told);
}

/* The lines under a title of this boot, with their check sum: what the parser says of them. */
__attribute__((format(printf, 2, 3))) static int judge(struct told *ret_told, const char *format,
                                                       ...)
{
    struct string_buffer text = {0};
    char lines[4096];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(lines, sizeof(lines), format, arguments);
    va_end(arguments);
    string_buffer_append_text(&text, TITLE);
    string_buffer_append_text(&text, lines);
    segment_state_end(&text);
    memset(ret_told, 0, sizeof(*ret_told));
    int r = parse(&text, ret_told);
    string_buffer_finish(&text);
    return r;
}

static void parse__what_was_written__is_the_same(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    struct told told = {0};
    const struct segment_state_process folded = {1, 2, 3, 4}, process = {UINT64_MAX, 6, 7, 8};
    const struct segment_state_program program = {"a b%\n\xc3\xa9", 12, {0}};
    struct segment_state_group group = {
        .program = "-", .capabilities = 5, .group = {7, 0, "tcp://*:1", ""}, .created_ns = 9};
    uint64_t of_program[] = {0, 21, UINT64_MAX};
    uint64_t counters[SEGMENT_STATE_N_COUNTERS] = {11, [SEGMENT_STATE_N_COUNTERS - 1] = 12};

    segment_state_begin(&text, BOOT);
    segment_state_add_folded(&text, &folded);
    segment_state_add_process(&text, &process);
    segment_state_add_program(&text, &program, of_program, 3);
    segment_state_add_group(&text, &group, counters);
    segment_state_end(&text);
    assert_int_equal(parse(&text, &told), 0);
    assert_int_equal(told.n, 4);
    assert_memory_equal(&told.folded, &folded, sizeof(folded));
    assert_memory_equal(&told.process, &process, sizeof(process));
    assert_string_equal(told.program.program, program.program);
    assert_int_equal(told.program.created_ns, 12);
    assert_memory_equal(told.program.counters, of_program, sizeof(of_program));
    assert_int_equal(told.program.counters[3], 0);
    assert_string_equal(told.group.program, "-");
    assert_string_equal(told.group.group.endpoint, "tcp://*:1");
    assert_string_equal(told.group.group.name, "");
    assert_int_equal(told.group.group.type, 7);
    assert_int_equal(told.group.capabilities, 5);
    assert_int_equal(told.group.created_ns, 9);
    assert_memory_equal(told.group.counters, counters, sizeof(counters));

    /* Any byte that changes, and any end that comes early, is noticed. */
    for (size_t i = 0; i < text.size; i++) {
        text.data[i] ^= 1;
        assert_int_equal(parse(&text, &told), SEGMENT_STATE_E_INVALID);
        text.data[i] ^= 1;
    }
    for (struct string_buffer part = text; part.size > 0;) {
        part.size--;
        assert_int_equal(parse(&part, &told), SEGMENT_STATE_E_INVALID);
    }
    string_buffer_finish(&text);
}

static void parse__other_boot__is_told(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    struct told told = {0};
    segment_state_begin(&text, BOOT "0");
    segment_state_end(&text);
    assert_int_equal(parse(&text, &told), SEGMENT_STATE_E_OTHER_BOOT);
    string_buffer_finish(&text);
}

static void parse__visitor_says_no__ends_with_its_answer(void **state)
{
    (void)state;
    struct string_buffer text = {0};
    struct told told = {.answer = -ENOMEM};
    const struct segment_state_process process = {1, 2, 3, 4};
    segment_state_begin(&text, BOOT);
    segment_state_add_process(&text, &process);
    segment_state_add_process(&text, &process);
    segment_state_end(&text);
    assert_int_equal(parse(&text, &told), -ENOMEM);
    assert_int_equal(told.n, 1);
    string_buffer_finish(&text);
}

/* A text as long as its place is one too long: the NUL has no room. */
static void parse__text_at_its_limit__is_read_or_refused(void **state)
{
    (void)state;
    struct told told;
    char program[sizeof(told.program.program) + 1], endpoint[sizeof(told.group.group.endpoint) + 1];
    memset(program, 's', sizeof(program));
    memset(endpoint, 'e', sizeof(endpoint));
    program[sizeof(program) - 1] = endpoint[sizeof(endpoint) - 1] = '\0';

    assert_int_equal(judge(&told, "program %s\n", program), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "program %s\n", program + 1), 0);
    assert_string_equal(told.program.program, program + 1);
    assert_int_equal(judge(&told, "group a 1 1 %s -\n", endpoint), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "group a 1 1 %s -\n", endpoint + 1), 0);
    assert_string_equal(told.group.group.endpoint, endpoint + 1);
    assert_int_equal(judge(&told, "group %s 1 1 - -\n", program), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "group a 1 1 - %s\n", endpoint), SEGMENT_STATE_E_INVALID);
}

static void parse__numbers_at_their_limits__are_read_or_refused(void **state)
{
    (void)state;
    struct told told;
    const unsigned last = SEGMENT_FIRST_GAUGE - 1, first = SEGMENT_FIRST_COUNTER;
    assert_int_equal(judge(&told, "process 18446744073709551615 0 0 0\n"), 0);
    assert_true(told.process.pid == UINT64_MAX);
    assert_int_equal(judge(&told, "process 18446744073709551616 0 0 0\n"), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "group a 4294967295 4294967295 - -\n"), 0);
    assert_int_equal(told.group.group.type, UINT32_MAX);
    assert_int_equal(judge(&told, "group a 4294967296 0 - -\n"), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "group a 0 4294967296 - -\n"), SEGMENT_STATE_E_INVALID);

    assert_int_equal(judge(&told, "group a 0 0 - - %u=1 %u=2\n", first, last), 0);
    assert_true(told.group.counters[0] == 1 && told.group.counters[last - first] == 2);
    assert_int_equal(judge(&told, "group a 0 0 - - %u=1\n", first - 1), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "group a 0 0 - - %u=1\n", last + 1), SEGMENT_STATE_E_INVALID);
    assert_int_equal(judge(&told, "program a 0=1 15=2\n"), 0);
    assert_int_equal(told.program.counters[15], 2);
    assert_int_equal(judge(&told, "program a 16=1\n"), SEGMENT_STATE_E_INVALID);
}

static void parse__malformed_lines__are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "\n",
        "process\n",
        "process 1 2 3\n",
        "process 1 2 3 4 5\n",
        "process 1 2 3 4 \n",
        "process  1 2 3 4\n",
        "process a 2 3 4\n",
        "process -1 2 3 4\n",
        "process 1 2 3 4", /* no end of the line */
        "processes 1 2 3 4\n",
        "proces 1 2 3 4\n",
        "program\n",
        "program \n",
        "program a\tb\n",
        "program a\x7f\n",
        "program a%\n",
        "program a%4\n",
        "program a%4\n1",
        "program a%4g\n",
        "program a%g4\n",
        "program a%4a\n", /* digits beyond 9 are capital letters */
        "program a%00\n",
        "program a 1\n",
        "program a 1=\n",
        "program a =1\n",
        "program a 1=2x\n",
        "program a created=\n",
        "program a created=x\n",
        "program a created=5x\n",
        "program a createt=5\n",
        "group a 1 1 -\n",
        "group a 1 1x -\n", /* no space before a text, or a number */
        "group a 1 1 - - 8=1 9\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct told told;
        if (judge(&told, "%s", lines[i]) != SEGMENT_STATE_E_INVALID || told.n != 0)
            fail_msg("'%s' is believed", lines[i]);
    }
}

static void parse__texts__have_their_bytes(void **state)
{
    (void)state;
    struct told told;
    assert_int_equal(judge(&told, "program a%%20%%C3%%A9!~ created=7 1=3\n"), 0);
    assert_string_equal(told.program.program, "a \xc3\xa9!~");
    assert_int_equal(told.program.created_ns, 7);
    assert_int_equal(told.program.counters[1], 3);
    assert_int_equal(judge(&told, "program -\n"), 0);
    assert_string_equal(told.program.program, "");
    assert_int_equal(judge(&told, "program --\n"), 0);
    assert_string_equal(told.program.program, "--");
    assert_int_equal(judge(&told, "program %%2D\n"), 0);
    assert_string_equal(told.program.program, "-");
    assert_int_equal(judge(&told, "%s", ""), 0);
    assert_int_equal(told.n, 0);
}

/*
 * The file.
 */
struct place {
    char path[64];
    int fd;
    struct string_buffer text;
};

static int set_up(void **state)
{
    static struct place place;
    place = (struct place){0};
    temporary_directory_make(place.path);
    place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    string_buffer_append_text(&place.text, "what was counted\n");
    *state = &place;
    return place.fd < 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    close(place->fd);
    string_buffer_finish(&place->text);
    temporary_directory_remove(place->path);
    return 0;
}

static int load(const struct place *place, const char *expected)
{
    struct string_buffer text = {0};
    int r = segment_state_file_load(place->fd, &text);
    if (r == 0)
        assert_string_equal(text.data, expected);
    string_buffer_finish(&text);
    return r;
}

static void save__then_load__is_the_same_and_private(void **state)
{
    struct place *place = *state;
    struct stat status;
    assert_int_equal(load(place, ""), -ENOENT);
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    assert_int_equal(load(place, "what was counted\n"), 0);
    assert_int_equal(fstatat(place->fd, SEGMENT_STATE_FILE, &status, 0), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    string_buffer_append_text(&place->text, "and more\n");
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    assert_int_equal(load(place, "what was counted\nand more\n"), 0);
    string_buffer_clear(&place->text); /* a shorter one leaves nothing of the longer */
    string_buffer_append_text(&place->text, "less\n");
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    assert_int_equal(load(place, "less\n"), 0);
}

/* Whoever else may write the file could tell any count, and any process as folded. */
static void load__others_may_write_it__is_refused(void **state)
{
    struct place *place = *state;
    static const struct {
        mode_t mode;
        int result;
    } cases[] = {{0600, 0},      {0640, 0},      {0644, 0},      {0400, 0},
                 {0660, -EPERM}, {0620, -EPERM}, {0602, -EPERM}, {0666, -EPERM}};
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(fchmodat(place->fd, SEGMENT_STATE_FILE, cases[i].mode, 0), 0);
        if (load(place, "what was counted\n") != cases[i].result)
            fail_msg("mode %o", cases[i].mode);
    }
}

static void load__of_another_user__is_refused(void **state)
{
    struct place *place = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    assert_int_equal(fchownat(place->fd, SEGMENT_STATE_FILE, 65534, 65534, 0), 0);
    assert_int_equal(load(place, ""), -EPERM);
    /* The agent's user takes its own, and root's, who may write it anyway. */
    assert_int_equal(seteuid(65534), 0);
    int own = load(place, "what was counted\n");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(own, -EACCES); /* the folder is root's alone */
    assert_int_equal(fchmod(place->fd, 0755), 0);
    assert_int_equal(seteuid(65534), 0);
    own = load(place, "what was counted\n");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(own, 0);
    assert_int_equal(fchownat(place->fd, SEGMENT_STATE_FILE, 0, 0, 0), 0);
    assert_int_equal(fchmodat(place->fd, SEGMENT_STATE_FILE, 0644, 0), 0);
    assert_int_equal(seteuid(65534), 0);
    own = load(place, "what was counted\n");
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(own, 0);
}

static void load__no_regular_file__is_refused_and_not_waited_for(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkfifoat(place->fd, SEGMENT_STATE_FILE, 0600), 0);
    assert_int_equal(load(place, ""), -EPERM);
    assert_int_equal(unlinkat(place->fd, SEGMENT_STATE_FILE, 0), 0);
    assert_int_equal(symlinkat("/etc/hostname", place->fd, SEGMENT_STATE_FILE), 0);
    assert_int_equal(load(place, ""), -EPERM);
    assert_int_equal(unlinkat(place->fd, SEGMENT_STATE_FILE, 0), 0);
    assert_int_equal(mkdirat(place->fd, SEGMENT_STATE_FILE, 0700), 0);
    assert_int_equal(load(place, ""), -EPERM);
}

static void load__size_at_its_limit__is_read_or_refused(void **state)
{
    struct place *place = *state;
    struct string_buffer text = {0};
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    int fd = openat(place->fd, SEGMENT_STATE_FILE, O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, SEGMENT_STATE_MAX_SIZE + 1), 0);
    assert_int_equal(segment_state_file_load(place->fd, &text), -EFBIG);
    assert_int_equal(ftruncate(fd, SEGMENT_STATE_MAX_SIZE), 0);
    assert_int_equal(segment_state_file_load(place->fd, &text), 0);
    assert_int_equal(text.size, SEGMENT_STATE_MAX_SIZE);
    string_buffer_finish(&text);
    close(fd);
}

/* An agent that was killed leaves its new file; a stranger may keep that name for good. */
static void save__name_of_the_new_file_is_taken__is_saved_all_the_same(void **state)
{
    struct place *place = *state;
    int fd = openat(place->fd, SEGMENT_STATE_FILE ".new", O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    assert_int_equal(write(fd, "half", 4), 4);
    close(fd);
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    assert_int_equal(load(place, "what was counted\n"), 0);
    assert_int_equal(faccessat(place->fd, SEGMENT_STATE_FILE ".new", F_OK, 0), -1);

    string_buffer_append_text(&place->text, "and more\n");
    assert_int_equal(mkdirat(place->fd, SEGMENT_STATE_FILE ".new", 0700), 0);
    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    assert_int_equal(load(place, "what was counted\nand more\n"), 0);
}

static void save__fails__leaves_the_former_and_no_rest(void **state)
{
    struct place *place = *state;
    assert_int_equal(mkdirat(place->fd, SEGMENT_STATE_FILE, 0700), 0);
    assert_int_equal(segment_state_file_save(place->fd, &place->text), -EISDIR);
    assert_int_equal(faccessat(place->fd, SEGMENT_STATE_FILE ".new", F_OK, 0), -1);
    assert_int_equal(unlinkat(place->fd, SEGMENT_STATE_FILE, AT_REMOVEDIR), 0);

    assert_int_equal(segment_state_file_save(place->fd, &place->text), 0);
    struct string_buffer broken = {.has_failed = true};
    assert_int_equal(segment_state_file_save(place->fd, &broken), -ENOMEM);
    assert_int_equal(load(place, "what was counted\n"), 0);
}

#define IN_PLACE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__what_was_written__is_the_same),
        cmocka_unit_test(parse__other_boot__is_told),
        cmocka_unit_test(parse__visitor_says_no__ends_with_its_answer),
        cmocka_unit_test(parse__text_at_its_limit__is_read_or_refused),
        cmocka_unit_test(parse__numbers_at_their_limits__are_read_or_refused),
        cmocka_unit_test(parse__malformed_lines__are_refused),
        cmocka_unit_test(parse__texts__have_their_bytes),
        IN_PLACE(save__then_load__is_the_same_and_private),
        IN_PLACE(load__others_may_write_it__is_refused),
        IN_PLACE(load__of_another_user__is_refused),
        IN_PLACE(load__no_regular_file__is_refused_and_not_waited_for),
        IN_PLACE(load__size_at_its_limit__is_read_or_refused),
        IN_PLACE(save__name_of_the_new_file_is_taken__is_saved_all_the_same),
        IN_PLACE(save__fails__leaves_the_former_and_no_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
