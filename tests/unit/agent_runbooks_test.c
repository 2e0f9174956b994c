/* SPDX-License-Identifier: MPL-2.0 */
/* A runbook's places: each form of a label, of whatever it is called, and of one that is not given.
 */
#include "agent/agent_runbooks.h"
#include "http/http_route.h"

#include "support/cmocka.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                                                                       \
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "    \
    "content=\"width=device-width\"><title>Name - zmq_exporter</title></head>\n<body>\n"
#define TAIL "\n<p><a href=\"./\">All runbooks</a></p>\n</body></html>\n"

static struct string_buffer out;
static char place_of_program;

static const char *value_of(const char *label, const void *data)
{
    return strcmp(label, "program") == 0 ? data : NULL;
}

/* What stands between head and tail. */
static const char *write_page(const char *html, const char *program)
{
    const struct agent_runbook runbook = {"/runbooks/Name", "Name", html};
    string_buffer_clear(&out);
    agent_runbook_write(&runbook, value_of, program, &out);
    size_t head = strlen(HEAD), tail = strlen(TAIL);
    assert_true(out.size >= head + tail);
    assert_memory_equal(out.data, HEAD, head);
    assert_string_equal(out.data + out.size - tail, TAIL);
    out.data[out.size - tail] = '\0';
    return out.data + head;
}

static void write__a_place__is_in_the_form_it_needs(void **state)
{
    static const char name[] = "a-._~Z9 <b>&\"'\\:[/]\t\x7f\xc3\xa4";
    static const struct {
        char form;
        const char *text;
    } rows[] = {
        {'a', "a-._~Z9 &lt;b&gt;&amp;\"'\\:[/]  \xc3\xa4"},
        {'b', "a-._~Z9%20%3Cb%3E%26%22%27%5C%3A%5B%2F%5D%09%7F%C3%A4"},
        {'c', "a-._~Z9b:[]"},
        {'d', "'a-._~Z9 &lt;b&gt;&amp;\"'\\''\\:[/]  \xc3\xa4'"},
        {'e', "a-._~Z9 &lt;b&gt;&amp;\\\"'\\''\\\\:[/]  \xc3\xa4"},
        {'f', "a-._~Z9 &lt;b&gt;&amp;\\\"'\\\\:[/]  \xc3\xa4"},
    };
    char html[] = "one \1pf two", expected[200];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        html[5] = place_of_program;
        html[6] = rows[i].form;
        (void)snprintf(expected, sizeof(expected), "one %s two", rows[i].text);
        assert_string_equal(write_page(html, name), expected);
    }
}

static void write__not_given__is_its_name_in_capitals(void **state)
{
    char html[] = "\1pa\1pd";
    (void)state;
    html[1] = html[4] = place_of_program;
    assert_string_equal(write_page(html, NULL), "PROGRAM'PROGRAM'");
    assert_string_equal(write_page(html, ""), "''");
    assert_string_equal(write_page("no <b>place</b> here", "a"), "no <b>place</b> here");
    assert_string_equal(write_page("", "a"), "");
}

static const char *const *asked;
static bool is_tls;

const char *__wrap_http_request_query(const struct http_request *self, const char *name);
bool __wrap_http_request_uses_tls(const struct http_request *self);

const char *__wrap_http_request_query(const struct http_request *self, const char *name)
{
    assert_null(self);
    return asked && strcmp(name, asked[0]) == 0 ? asked[1] : NULL;
}

bool __wrap_http_request_uses_tls(const struct http_request *self)
{
    assert_null(self);
    return is_tls;
}

static struct http_response ask(const struct http_route *route)
{
    struct http_response response = {.status = 200};
    assert_int_equal(route->methods, HTTP_GET);
    assert_int_equal(route->pace, HTTP_QUICK);
    route->handle(route->state, NULL, &response);
    assert_int_equal(response.status, 200);
    assert_string_equal(response.content_type, "text/html; charset=utf-8");
    return response;
}

static void route__each__is_a_runbook_and_the_last_their_index(void **state)
{
    struct http_route index;
    (void)state;
    assert_int_equal(agent_runbooks_n(), agent_n_runbooks + 1);
    assert_true(agent_n_runbooks > 5 && agent_n_runbooks <= AGENT_RUNBOOKS_MAX);
    agent_runbooks_route(agent_n_runbooks, &index);
    assert_string_equal(index.path, "/runbooks/");
    struct http_response list = ask(&index);
    size_t n_links = 0;
    for (const char *at = list.body; (at = strstr(at, "<li>")); at++)
        n_links++;
    assert_int_equal(n_links, agent_n_runbooks);
    assert_non_null(strstr(list.body, "<title>Runbooks - zmq_exporter</title>"));
    for (size_t i = 0; i < agent_n_runbooks; i++) {
        struct http_route route;
        char link[200], title[200];
        agent_runbooks_route(i, &route);
        assert_string_equal(route.path, agent_runbooks[i].path);
        (void)snprintf(link, sizeof(link), "<li><a href=\"%s\">%s</a></li>\n",
                       agent_runbooks[i].name, agent_runbooks[i].name);
        assert_non_null(strstr(list.body, link));
        struct http_response page = ask(&route);
        (void)snprintf(title, sizeof(title), "<title>%s - ", agent_runbooks[i].name);
        assert_non_null(strstr(page.body, title));
        http_response_finish(&page);
    }
    http_response_finish(&list);
}

static void route__asked__has_the_labels_and_the_scheme(void **state)
{
    static const char *const program[] = {"program", "my<feed"};
    size_t n_programs = 0, n_http = 0, n_https = 0;
    (void)state;
    asked = program;
    for (size_t i = 0; i < agent_n_runbooks; i++) {
        struct http_route route;
        agent_runbooks_route(i, &route);
        for (size_t j = 0; j < 2; j++) {
            is_tls = j;
            struct http_response page = ask(&route);
            n_programs += strstr(page.body, "my&lt;feed") != NULL;
            n_http += strstr(page.body, "http://INSTANCE") != NULL;
            n_https += strstr(page.body, "https://INSTANCE") != NULL;
            http_response_finish(&page);
        }
    }
    asked = NULL;
    assert_true(n_programs > 0);
    assert_true(n_http > 0);
    assert_int_equal(n_http, n_https);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < agent_runbook_n_labels; i++) {
        if (strcmp(agent_runbook_labels[i], "program") == 0)
            place_of_program = (char)('a' + i);
    }
    assert_int_not_equal(place_of_program, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    string_buffer_finish(&out);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write__a_place__is_in_the_form_it_needs),
        cmocka_unit_test(write__not_given__is_its_name_in_capitals),
        cmocka_unit_test(route__each__is_a_runbook_and_the_last_their_index),
        cmocka_unit_test(route__asked__has_the_labels_and_the_scheme),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
