/* SPDX-License-Identifier: MPL-2.0 */
#include "http/http_client.h"
#include "http/http_gate.h"

#include "support/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define SECOND_NS INT64_C(1000000000)

static unsigned admitted(struct http_gate *gate, uint64_t client, int64_t now_ns, unsigned n)
{
    unsigned n_admitted = 0;
    for (unsigned i = 0; i < n; i++)
        n_admitted += http_gate_admits(gate, client, now_ns);
    return n_admitted;
}

static void admits__one_client__its_burst_and_then_its_rate(void **state)
{
    (void)state;
    struct http_gate gate;
    assert_int_equal(http_gate_init(&gate), 0);
    unsigned burst = (unsigned)HTTP_GATE_CLIENT.burst, rate = (unsigned)HTTP_GATE_CLIENT.a_second;
    assert_int_equal(admitted(&gate, 1, SECOND_NS, 10 * burst), burst);
    assert_int_equal(admitted(&gate, 1, 2 * SECOND_NS, 10 * burst), rate);
}

/* What it is refused takes nothing from the others: they get all that is left. */
static void admits__a_flood_of_one__leaves_the_others_theirs(void **state)
{
    (void)state;
    struct http_gate gate;
    assert_int_equal(http_gate_init(&gate), 0);
    gate.key = (UINT64_C(1) << 54) + 1; /* clients 0, 1, 2 … have slots of their own */
    (void)admitted(&gate, 0, SECOND_NS, 100000);
    unsigned n = 0;
    for (uint64_t client = 1; client < 100; client++)
        n += admitted(&gate, client, SECOND_NS, 10);
    assert_int_equal(n, HTTP_GATE_ALL.burst - HTTP_GATE_CLIENT.burst);
}

static uint64_t client_of(const char *text)
{
    struct sockaddr_in narrow = {.sin_family = AF_INET, .sin_port = 1};
    struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_port = 2};
    if (inet_pton(AF_INET, text, &narrow.sin_addr) == 1)
        return http_client_of(&narrow);
    assert_int_equal(inet_pton(AF_INET6, text, &wide.sin6_addr), 1);
    return http_client_of(&wide);
}

static void client__same_network__is_the_same(void **state)
{
    (void)state;
    assert_int_equal(client_of("10.0.0.1"), client_of("10.0.0.1"));
    assert_int_not_equal(client_of("10.0.0.1"), client_of("10.0.0.2"));
    assert_int_equal(client_of("2001:db8::1"), client_of("2001:db8::ffff:2"));
    assert_int_not_equal(client_of("2001:db8::1"), client_of("2001:db8:0:1::1"));
    assert_int_not_equal(client_of("::ffff:10.0.0.1"), client_of("::ffff:10.0.0.2"));
    assert_int_equal(http_client_of(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admits__one_client__its_burst_and_then_its_rate),
        cmocka_unit_test(admits__a_flood_of_one__leaves_the_others_theirs),
        cmocka_unit_test(client__same_network__is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
