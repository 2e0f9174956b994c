/* SPDX-License-Identifier: MPL-2.0 */
/* Whose a response's body is, and that nothing of one is left in the next. */
#include "http/http_route.h"

#include "support/cmocka.h"

#include <stdlib.h>
#include <string.h>

static unsigned n_freed;

static void count_free(void *owner)
{
    assert_ptr_equal(owner, &n_freed);
    n_freed++;
}

static size_t read_nothing(void *owner, char *at, size_t room)
{
    (void)owner, (void)at, (void)room;
    return 0;
}

static struct http_response make_read(void)
{
    return (struct http_response){
        .read_body = read_nothing, .free_body = count_free, .owner = &n_freed, .size = 7};
}

static void finish__body__is_freed_once(void **state)
{
    (void)state;
    struct http_response response = make_read();
    n_freed = 0;
    http_response_finish(&response);
    assert_int_equal(n_freed, 1);
    assert_null(response.read_body);
    assert_null(response.free_body);
    assert_null(response.body);
    assert_int_equal(response.size, 0);
    http_response_finish(&response);
    assert_int_equal(n_freed, 1);
}

static void text__in_place_of_another__is_all_there_is(void **state)
{
    (void)state;
    struct http_response response = make_read();
    n_freed = 0;
    http_response_text(&response, 404, "nothing\n");
    assert_int_equal(n_freed, 1);
    assert_null(response.read_body);
    assert_int_equal(response.status, 404);
    assert_string_equal(response.content_type, "text/plain; charset=utf-8");
    assert_string_equal(response.body, "nothing\n");
    assert_int_equal(response.size, 8);
    assert_null(response.free_body);
}

static void take__buffer__is_the_responses(void **state)
{
    (void)state;
    struct http_response response = make_read();
    struct string_buffer body = {0}, empty = {0}, failed = {0};
    n_freed = 0;
    string_buffer_append_text(&body, "abc");
    http_response_take(&response, "a/b", &body);
    assert_int_equal(n_freed, 1);
    assert_null(body.data);
    assert_int_equal(body.size, 0);
    assert_memory_equal(response.body, "abc", 3);
    assert_int_equal(response.size, 3);
    assert_string_equal(response.content_type, "a/b");
    assert_null(response.read_body);
    http_response_take(&response, "c/d", &empty);
    assert_string_equal(response.body, "");
    assert_int_equal(response.size, 0);
    string_buffer_append_text(&failed, "half");
    failed.has_failed = true;
    http_response_take(&response, "a/b", &failed);
    assert_int_equal(response.status, 500);
    assert_string_equal(response.body, "out of memory\n");
    http_response_finish(&response);
}

static void header__several__in_their_order(void **state)
{
    (void)state;
    struct http_response response = {0};
    for (size_t i = 0; i < HTTP_MAX_HEADERS; i++)
        http_response_header(&response, i ? "b" : "a", "c");
    assert_int_equal(response.n_headers, HTTP_MAX_HEADERS);
    assert_string_equal(response.headers[0].name, "a");
    assert_string_equal(response.headers[7].name, "b");
    assert_string_equal(response.headers[7].value, "c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finish__body__is_freed_once),
        cmocka_unit_test(text__in_place_of_another__is_all_there_is),
        cmocka_unit_test(take__buffer__is_the_responses),
        cmocka_unit_test(header__several__in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
