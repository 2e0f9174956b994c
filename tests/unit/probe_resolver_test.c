/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/resolver.h"

#include "support/cmocka.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The lookups of this test: names that begin with "dead" do not come back before `release`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static bool is_released;
static unsigned n_dead_running, n_answers, n_failures;

static void look_up(const char *host, uint16_t port, struct resolver_answer *ret)
{
    pthread_mutex_lock(&lock);
    if (strncmp(host, "dead", 4) == 0) {
        n_dead_running++;
        pthread_cond_broadcast(&change);
        while (!is_released)
            pthread_cond_wait(&change, &lock);
        n_dead_running--;
        pthread_cond_broadcast(&change);
        ret->error = EAI_AGAIN;
    } else {
        ret->n_addresses = 1;
        ((struct sockaddr_in *)&ret->addresses[0].address)->sin_port = htons(port);
    }
    pthread_mutex_unlock(&lock);
}

static void on_done(void *owner, const struct resolver_answer *answer)
{
    pthread_mutex_lock(&lock);
    *(struct resolver_answer *)owner = *answer;
    n_answers++;
    n_failures += answer->error != 0;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void wait_until(const unsigned *counter, unsigned value)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 30;
    pthread_mutex_lock(&lock);
    int r = 0;
    while (*counter < value && r == 0)
        r = pthread_cond_timedwait(&change, &lock, &end);
    assert_int_equal(r, 0);
    pthread_mutex_unlock(&lock);
}

static void release(void)
{
    pthread_mutex_lock(&lock);
    is_released = true;
    pthread_cond_broadcast(&change);
    while (n_dead_running > 0)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

static int reset(void **state)
{
    (void)state;
    is_released = false;
    n_answers = n_failures = 0;
    return 0;
}

/* Lets the dead ones fail; after them there is one live request. */
static void end_all(struct resolver *resolver, struct resolver_request **requests,
                    unsigned int n_dead)
{
    release();
    wait_until(&n_failures, n_dead);
    for (unsigned int i = 0; i <= n_dead; i++)
        resolver_abandon(resolver, &requests[i]);
    resolver_destroy(&resolver);
}

static void submit__dead_names__do_not_hold_up_others(void **state)
{
    (void)state;
    enum { N_DEAD = 100 };
    struct resolver *resolver = NULL;
    static struct resolver_answer answers[N_DEAD + 1];
    struct resolver_request *requests[N_DEAD + 1] = {NULL};
    assert_int_equal(resolver_new(look_up, &resolver), 0);
    for (int i = 0; i < N_DEAD; i++)
        assert_int_equal(
            resolver_submit(resolver, "dead", 1, true, on_done, &answers[i], &requests[i]), 0);
    wait_until(&n_dead_running, RESOLVER_MAX_SLOW);
    assert_int_equal(
        resolver_submit(resolver, "live", 7, false, on_done, &answers[N_DEAD], &requests[N_DEAD]),
        0);
    wait_until(&n_answers, 1);
    assert_int_equal(answers[N_DEAD].error, 0);
    assert_int_equal(((struct sockaddr_in *)&answers[N_DEAD].addresses[0].address)->sin_port,
                     htons(7));
    assert_int_equal(n_dead_running, RESOLVER_MAX_SLOW);
    end_all(resolver, requests, N_DEAD);
}

/* At the start nothing is known of any name. */
static void submit__unknown_names_that_are_dead__leave_room(void **state)
{
    (void)state;
    enum { N_DEAD = 100 };
    struct resolver *resolver = NULL;
    static struct resolver_answer answers[N_DEAD + 1];
    struct resolver_request *requests[N_DEAD + 1] = {NULL};
    assert_int_equal(resolver_new(look_up, &resolver), 0);
    for (int i = 0; i <= N_DEAD; i++)
        assert_int_equal(resolver_submit(resolver, i < N_DEAD ? "dead" : "live", 1, false, on_done,
                                         &answers[i], &requests[i]),
                         0);
    wait_until(&n_answers, 1);
    assert_int_equal(n_failures, 0);
    end_all(resolver, requests, N_DEAD);
}

static void abandon__running_or_queued__is_never_told(void **state)
{
    (void)state;
    struct resolver *resolver = NULL;
    struct resolver_answer answer, live;
    struct resolver_request *running = NULL, *other = NULL;
    assert_int_equal(resolver_new(look_up, &resolver), 0);
    assert_int_equal(resolver_submit(resolver, "dead", 1, false, on_done, &answer, &running), 0);
    wait_until(&n_dead_running, 1);
    resolver_abandon(resolver, &running);
    assert_null(running);
    release();
    assert_int_equal(resolver_submit(resolver, "live", 1, false, on_done, &live, &other), 0);
    wait_until(&n_answers, 1);
    assert_int_equal(n_answers, 1);
    assert_int_equal(n_failures, 0);
    resolver_abandon(resolver, &other);
    resolver_destroy(&resolver);
}

static void destroy__lookup_that_does_not_return__is_left_behind(void **state)
{
    (void)state;
    struct resolver *resolver = NULL;
    struct resolver_answer answer;
    struct resolver_request *request = NULL;
    assert_int_equal(resolver_new(look_up, &resolver), 0);
    assert_int_equal(resolver_submit(resolver, "dead", 1, false, on_done, &answer, &request), 0);
    wait_until(&n_dead_running, 1);
    resolver_abandon(resolver, &request);
    resolver_destroy(&resolver); /* returns, though the lookup has not */
    assert_null(resolver);
    assert_int_equal(n_dead_running, 1);
    release();
}

static void parse_literal__addresses__need_no_lookup(void **state)
{
    (void)state;
    struct resolver_address address = {0};
    assert_int_equal(resolver_parse_literal("192.0.2.7", 5, &address), 0);
    assert_int_equal(address.address.ss_family, AF_INET);
    assert_int_equal(resolver_parse_literal("2001:db8::7", 5, &address), 0);
    assert_int_equal(address.address.ss_family, AF_INET6);
    assert_int_equal(((struct sockaddr_in6 *)&address.address)->sin6_port, htons(5));
    assert_int_not_equal(resolver_parse_literal("localhost", 5, &address), 0);
}

static void submit__the_systems_resolver__finds_localhost(void **state)
{
    (void)state;
    struct resolver *resolver = NULL;
    static struct resolver_answer answer;
    struct resolver_request *request = NULL;
    assert_int_equal(resolver_new(NULL, &resolver), 0);
    assert_int_equal(resolver_submit(resolver, "localhost", 80, false, on_done, &answer, &request),
                     0);
    wait_until(&n_answers, 1);
    assert_int_equal(answer.error, 0);
    assert_true(answer.n_addresses >= 1);
    resolver_abandon(resolver, &request);
    resolver_destroy(&resolver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(submit__dead_names__do_not_hold_up_others, reset),
        cmocka_unit_test_setup(submit__unknown_names_that_are_dead__leave_room, reset),
        cmocka_unit_test_setup(abandon__running_or_queued__is_never_told, reset),
        cmocka_unit_test_setup(destroy__lookup_that_does_not_return__is_left_behind, reset),
        cmocka_unit_test_setup(parse_literal__addresses__need_no_lookup, reset),
        cmocka_unit_test_setup(submit__the_systems_resolver__finds_localhost, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
