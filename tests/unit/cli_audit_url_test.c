/* SPDX-License-Identifier: MPL-2.0 */
/* What `audit --url` asks an exporter, and what it makes of each answer. The exporter is played. */
#include "agent/agent_checks.h"
#include "cli/audit.h"

#include "support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    int result;          /* of asking */
    const char *verdict; /* the header's, and what follows it; NULL: there is none */
    size_t verdict_size;
    const char *body;
} exporter;
static char asked[1000];
static bool is_out_of_memory;

/* The linker has the program's calls of these come here. */
int exporter_client_get(const struct exporter_client *self, const char *path,
                        struct exporter_answer *ret_answer, struct error *err)
{
    assert_string_equal(self->url, "http://h");
    (void)snprintf(asked, sizeof(asked), "%s", path);
    if (exporter.result < 0)
        return error_set(err, exporter.result, "no answer");
    ret_answer->body = exporter.body;
    ret_answer->size = strlen(exporter.body);
    return 0;
}

const char *exporter_answer_header(const struct exporter_answer *self, const char *name,
                                   size_t *ret_size)
{
    assert_string_equal(name, AGENT_AUDIT_HEADER);
    assert_ptr_equal(self->body, exporter.body);
    *ret_size = exporter.verdict_size;
    return exporter.verdict;
}

void exporter_answer_finish(struct exporter_answer *self)
{
    (void)self;
}

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    return is_out_of_memory ? NULL : __real_realloc(memory, size);
}

static struct audit audit;
static struct error err;
static char printed[1000];

/* Standard output goes to `path`, which is read afterwards. */
static int run(const char *path)
{
    char name[] = "/tmp/cli_audit_url.XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_non_null(freopen(path ? path : name, "w", stdout));
    err.message[0] = printed[0] = '\0';
    int r = audit_url(&audit, &err);
    (void)fflush(stdout);
    clearerr(stdout);
    (void)dup2(saved, STDOUT_FILENO);
    close(saved);
    ssize_t n = read(fd, printed, sizeof(printed) - 1);
    printed[n > 0 ? n : 0] = '\0';
    close(fd);
    unlink(name);
    return r;
}

static int set_up(void **state)
{
    (void)state;
    audit = (struct audit){.format = "json", .fail_on = "high", .client = {.url = "http://h"}};
    exporter.result = 0;
    exporter.verdict = "none\r\nX: y";
    exporter.verdict_size = 4;
    exporter.body = "a report\n";
    is_out_of_memory = false;
    return 0;
}

static void ask__flags__are_in_the_path(void **state)
{
    (void)state;
    assert_int_equal(run(NULL), 0);
    assert_string_equal(asked, AGENT_AUDIT_PATH "?format=json&fail_on=high&colours=0");
    audit.report.has_colours = true;
    audit.report.program = "a&b=%* \xc3\xa4";
    assert_int_equal(run(NULL), 0);
    assert_string_equal(asked, AGENT_AUDIT_PATH "?format=json&fail_on=high&colours=1"
                                                "&program=%61%26%62%3D%25%2A%20%C3%A4");
}

static void show__verdict__is_the_result_and_the_body_is_printed(void **state)
{
    static const struct {
        const char *verdict;
        size_t size;
        int expected;
    } rows[] = {{"none\r\n", 4, 0}, {"some\r\n", 4, 1}, {"nonesuch", 8, 1}, {"non", 3, 1},
                {"nine\r\n", 4, 1}, {"none\r\n", 3, 1}, {"", 0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        exporter.verdict = rows[i].verdict;
        exporter.verdict_size = rows[i].size;
        assert_int_equal(run(NULL), rows[i].expected);
        assert_string_equal(printed, "a report\n");
    }
}

static void show__no_verdict__is_no_exporter(void **state)
{
    (void)state;
    exporter.verdict = NULL;
    assert_int_equal(run(NULL), -EPROTO);
    assert_string_equal(err.message, "--url: is it an exporter, of this release?");
    assert_string_equal(printed, "");
}

static void show__output_that_takes_nothing__is_an_error(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) < 0)
        skip();
    assert_int_equal(run("/dev/full"), -EIO);
    assert_non_null(strstr(err.message, "cannot write the report: "));
    /* More than is buffered fails at once. */
    static char body[200000];
    memset(body, 'x', sizeof(body) - 1);
    exporter.body = body;
    assert_int_equal(run("/dev/full"), -EIO);
}

static void ask__no_answer__is_its_error(void **state)
{
    (void)state;
    exporter.result = -ECONNREFUSED;
    assert_int_equal(run(NULL), -ECONNREFUSED);
    assert_string_equal(err.message, "no answer");
    assert_string_equal(printed, "");
}

static void ask__no_memory_for_the_path__asks_nobody(void **state)
{
    (void)state;
    asked[0] = '\0';
    is_out_of_memory = true;
    int r = audit_url(&audit, &err);
    is_out_of_memory = false;
    assert_int_equal(r, -ENOMEM);
    assert_string_equal(asked, "");
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup(test, set_up)
    const struct CMUnitTest tests[] = {
        CASE(ask__flags__are_in_the_path),
        CASE(show__verdict__is_the_result_and_the_body_is_printed),
        CASE(show__no_verdict__is_no_exporter),
        CASE(show__output_that_takes_nothing__is_an_error),
        CASE(ask__no_answer__is_its_error),
        CASE(ask__no_memory_for_the_path__asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
