/* SPDX-License-Identifier: MPL-2.0 */
/* What is made of the system's answers about names, which are played. */
#include "collectors/probe/resolver.h"

#include "support/cmocka.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

#define MAX_PLAYED (RESOLVER_MAX_ADDRESSES + 3)

static struct sockaddr_in played_addresses[MAX_PLAYED];
static struct addrinfo played[MAX_PLAYED];
static size_t n_played;
static int played_error;
static unsigned n_freed;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static bool is_done;
static struct resolver_answer answer;

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret);
void __wrap_freeaddrinfo(struct addrinfo *list);

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret)
{
    assert_string_equal(host, "feed.example");
    assert_string_equal(service, "65535");
    assert_int_equal(hints->ai_family, AF_UNSPEC);
    assert_int_equal(hints->ai_socktype, SOCK_STREAM);
    *ret = n_played ? played : NULL;
    return played_error;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
    assert_ptr_equal(list, played);
    n_freed++;
}

static void on_done(void *owner, const struct resolver_answer *got)
{
    assert_null(owner);
    pthread_mutex_lock(&lock);
    answer = *got;
    is_done = true;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void look_up(size_t n, int error)
{
    struct resolver *resolver = NULL;
    struct resolver_request *request = NULL;
    for (size_t i = 0; i < n; i++) {
        played_addresses[i].sin_port = (in_port_t)(100 + i);
        played[i] = (struct addrinfo){.ai_addr = (struct sockaddr *)&played_addresses[i],
                                      .ai_addrlen = sizeof(played_addresses[i]),
                                      .ai_next = i + 1 < n ? &played[i + 1] : NULL};
    }
    if (n > 1)
        played[1].ai_addrlen = sizeof(struct sockaddr_storage) + 1; /* of no known kind */
    n_played = n;
    played_error = error;
    n_freed = 0;
    is_done = false;
    assert_int_equal(resolver_new(NULL, &resolver), 0);
    assert_int_equal(
        resolver_submit(resolver, "feed.example", 65535, false, on_done, NULL, &request), 0);
    pthread_mutex_lock(&lock);
    while (!is_done)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
    resolver_abandon(resolver, &request);
    resolver_destroy(&resolver);
    assert_int_equal(n_freed, n > 0);
}

static in_port_t port_of(size_t i)
{
    return ((const struct sockaddr_in *)&answer.addresses[i].address)->sin_port;
}

static void look_up__addresses__are_taken_as_many_as_fit(void **state)
{
    (void)state;
    look_up(1, 0);
    assert_int_equal(answer.error, 0);
    assert_int_equal(answer.n_addresses, 1);
    assert_int_equal(port_of(0), 100);
    assert_int_equal(answer.addresses[0].size, sizeof(struct sockaddr_in));
    look_up(3, 0);
    assert_int_equal(answer.n_addresses, 2);
    assert_int_equal(port_of(1), 102);
    look_up(MAX_PLAYED, 0);
    assert_int_equal(answer.n_addresses, RESOLVER_MAX_ADDRESSES);
    assert_int_equal(port_of(RESOLVER_MAX_ADDRESSES - 1), 100 + RESOLVER_MAX_ADDRESSES);
}

static void look_up__no_address__is_an_error(void **state)
{
    (void)state;
    look_up(0, EAI_AGAIN);
    assert_int_equal(answer.error, EAI_AGAIN);
    assert_int_equal(answer.n_addresses, 0);
    look_up(0, 0);
    assert_int_equal(answer.error, EAI_NONAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_up__addresses__are_taken_as_many_as_fit),
        cmocka_unit_test(look_up__no_address__is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
