/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/zmtp_parser.h"
#include "config/probe_peers.h"

#include "support/cmocka.h"

#include <string.h>

#define SIGNATURE "\xff\0\0\0\0\0\0\0\1\x7f"
#define NULL_20   "NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CURVE_20  "CURVE\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define FILLER    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GREETING  SIGNATURE "\3\1" NULL_20 "\0" FILLER

struct bytes {
    const char *data;
    size_t size;
};
#define BYTES(text) ((struct bytes){text, sizeof(text) - 1})

/* What the parser says at the end when the bytes arrive in pieces of `step`. */
static enum zmtp_progress feed(struct zmtp_parser *parser, struct bytes bytes, size_t step)
{
    enum zmtp_progress progress = ZMTP_MORE, last = ZMTP_MORE;
    memset(parser, 0, sizeof(*parser));
    for (size_t i = 0; i < bytes.size; i += step) {
        size_t n = bytes.size - i < step ? bytes.size - i : step;
        memcpy(parser->input + parser->size, bytes.data + i, n);
        parser->size += n;
        while ((progress = zmtp_parser_advance(parser)) != ZMTP_MORE) {
            last = progress;
            if (progress != ZMTP_GREETED)
                return progress;
        }
    }
    return last;
}

static void check(struct bytes bytes, enum zmtp_progress expected, struct zmtp_parser *parser)
{
    static const size_t steps[] = {1, 7, 64, 5000};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
        assert_int_equal(feed(parser, bytes, steps[i]), expected);
}

static void check_broken(struct bytes bytes, int protocol_error)
{
    static struct zmtp_parser parser;
    check(bytes, ZMTP_BROKEN, &parser);
    assert_int_equal(parser.protocol_error, protocol_error);
    assert_int_equal(zmtp_parser_advance(&parser), ZMTP_BROKEN);
}

static void advance__null_with_ready__tells_type_and_identity(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(BYTES(GREETING "\4\x2c\5READY\xbSocket-Type\0\0\0\6ROUTER\x8identity\0\0\0\2\x80\1"),
          ZMTP_GREETED, &parser); /* the size promises a byte more than there is */
    check(BYTES(GREETING "\4\x2b\5READY\xbSocket-Type\0\0\0\6ROUTER\x8identity\0\0\0\2\x80\1"),
          ZMTP_READY, &parser);
    assert_int_equal(parser.peer.major, 3);
    assert_int_equal(parser.peer.minor, 1);
    assert_string_equal(parser.peer.mechanism, "NULL");
    assert_true(parser.peer.has_socket_type);
    assert_int_equal(parser.peer.socket_type, PROBE_PEER_ROUTER);
    assert_true(parser.peer.has_identity);
    assert_int_equal(parser.peer.identity_size, 2);
    assert_memory_equal(parser.peer.identity, "\x80\1", 2);
    assert_false(zmtp_peer_is_old(&parser.peer));
}

static void advance__curve_server__tells_mechanism_and_role(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(BYTES(SIGNATURE "\3\0" CURVE_20 "\1" FILLER), ZMTP_GREETED, &parser);
    assert_string_equal(parser.peer.mechanism, "CURVE");
    assert_true(parser.peer.is_server);
    assert_false(parser.peer.has_socket_type);
    assert_true(zmtp_peer_is_old(&parser.peer));
}

static void advance__older_protocols__are_told_apart(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(BYTES(SIGNATURE "\1\x8"), ZMTP_GREETED, &parser);
    assert_int_equal(parser.peer.major, 2);
    assert_int_equal(parser.peer.socket_type, PROBE_PEER_PUSH);
    check(BYTES("\1\0"), ZMTP_GREETED, &parser);
    assert_int_equal(parser.peer.major, 1);
    assert_false(parser.peer.has_identity);
    check(BYTES("\4\0abc"), ZMTP_GREETED, &parser);
    assert_memory_equal(parser.peer.identity, "abc", 3);
    assert_true(zmtp_peer_is_old(&parser.peer));
}

static void advance__error_command__is_a_refusal_with_its_status(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(BYTES(GREETING "\4\xa\5ERROR\003400"), ZMTP_REFUSED, &parser);
    assert_int_equal(parser.zap_status, 400);
    check(BYTES(GREETING "\4\xa\5ERROR\003999"), ZMTP_REFUSED, &parser);
    assert_int_equal(parser.zap_status, 0);
    check(BYTES(GREETING "\4\x7\5ERROR\0"), ZMTP_REFUSED, &parser);
    assert_int_equal(parser.zap_status, 0);
}

static void advance__long_frame__is_read_as_well(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(BYTES(GREETING "\6\0\0\0\0\0\0\0\x19\5READY\xbSocket-Type\0\0\0\3PUB"), ZMTP_READY,
          &parser);
    assert_int_equal(parser.peer.socket_type, PROBE_PEER_PUB);
}

static void advance__rubbish__names_the_protocol_error(void **state)
{
    (void)state;
    check_broken(BYTES("SSH-2.0-OpenSSH_9.2"), 0x10000000);
    check_broken(BYTES("HTTP/1.1 400 Bad Request\r\n"), 0x10000000);
    check_broken(BYTES("\0\0\0\0"), 0x10000000);
    check_broken(BYTES("\xff\0\0\0\0\0\0\0\1\x7e\3"), 0x10000000);
    check_broken(BYTES(SIGNATURE "\3\1null\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" FILLER), 0x10000000);
    check_broken(BYTES(SIGNATURE "\3\1N\0LL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" FILLER), 0x10000000);
    check_broken(BYTES(SIGNATURE "\3\1" NULL_20 "\2" FILLER), 0x10000000);
    /* a message before the handshake is over, an unknown command, flags that do not exist */
    check_broken(BYTES(GREETING "\0\5hello"), 0x10000001);
    check_broken(BYTES(GREETING "\4\6\5HELLO"), 0x10000001);
    check_broken(BYTES(GREETING "\xc\6\5READY"), 0x10000011);
    /* sizes that promise more than there is */
    check_broken(BYTES(GREETING "\4\0"), 0x10000011);
    check_broken(BYTES(GREETING "\4\3\5RE"), 0x10000011);
    check_broken(BYTES(GREETING "\6\xff\xff\xff\xff\xff\xff\xff\xff"), 0x10000011);
    check_broken(BYTES(GREETING "\4\7\5ERROR\3"), 0x10000015);
    check_broken(BYTES(GREETING "\4\6\5READY"), 0x10000016);
    check_broken(BYTES(GREETING "\4\7\5READY\0"), 0x10000018);
    check_broken(BYTES(GREETING "\4\x16\5READY\xbSocket-Type\xff\xff\xff\xff"), 0x10000018);
    check_broken(BYTES(GREETING "\4\xb\5READY\xff\1\1\1\1"), 0x10000018);
}

/* READY with a type and an identity of `size` bytes. */
static struct bytes ready_with_identity(size_t size)
{
    static char bytes[1024];
    const char type[] = "\5READY\xbSocket-Type\0\0\0\6DEALER\x8Identity\0\0";
    const size_t n = sizeof(GREETING) - 1, n_type = sizeof(type) - 1;
    uint64_t body = n_type + 2 + size;
    char *at = bytes;
    memcpy(at, GREETING, n);
    at += n;
    *at++ = 6; /* a long command */
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (char)(body >> shift);
    memcpy(at, type, n_type);
    at += n_type;
    *at++ = (char)(size >> 8);
    *at++ = (char)size;
    memset(at, 'i', size);
    return (struct bytes){bytes, (size_t)(at - bytes) + size};
}

static void advance__identity_at_its_limit__is_kept_or_ignored(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(ready_with_identity(ZMTP_IDENTITY_MAX), ZMTP_READY, &parser);
    assert_true(parser.peer.has_identity);
    assert_int_equal(parser.peer.identity_size, ZMTP_IDENTITY_MAX);
    assert_int_equal(parser.peer.identity[ZMTP_IDENTITY_MAX - 1], 'i');
    check(ready_with_identity(ZMTP_IDENTITY_MAX + 1), ZMTP_READY, &parser);
    assert_false(parser.peer.has_identity);
    check(ready_with_identity(0), ZMTP_READY, &parser);
    assert_false(parser.peer.has_identity);
    assert_int_equal(parser.peer.socket_type, PROBE_PEER_DEALER);
}

/* The longest command is read, and one that says that it is longer is broken at once. */
static void advance__command_at_its_limit__is_read_or_broken(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    static char bytes[sizeof(GREETING) + 9 + ZMTP_COMMAND_MAX];
    const size_t n = sizeof(GREETING) - 1;
    const char head[] = "\5READY\xbSocket-Type\0\0\0\3REQ\1x\0\0";
    memcpy(bytes, GREETING, n);
    bytes[n] = 6;
    bytes[n + 7] = (char)(ZMTP_COMMAND_MAX >> 8);
    bytes[n + 8] = (char)ZMTP_COMMAND_MAX;
    memcpy(bytes + n + 9, head, sizeof(head) - 1);
    size_t rest = ZMTP_COMMAND_MAX - (sizeof(head) - 1) - 2;
    bytes[n + 9 + sizeof(head) - 1] = (char)(rest >> 8);
    bytes[n + 9 + sizeof(head)] = (char)rest;
    check((struct bytes){bytes, n + 9 + ZMTP_COMMAND_MAX}, ZMTP_READY, &parser);
    assert_int_equal(parser.peer.socket_type, PROBE_PEER_REQ);

    bytes[n + 7] = (char)((ZMTP_COMMAND_MAX + 1) >> 8);
    bytes[n + 8] = (char)(ZMTP_COMMAND_MAX + 1);
    check_broken((struct bytes){bytes, n + 9}, 0x10000011);
}

static void advance__unknown_socket_type__is_no_type_of_ours(void **state)
{
    (void)state;
    static struct zmtp_parser parser;
    check(BYTES(GREETING "\4\x1c\5READY\xbSocket-Type\0\0\0\6BANANA"), ZMTP_READY, &parser);
    assert_true(parser.peer.has_socket_type);
    assert_int_equal(parser.peer.socket_type, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advance__null_with_ready__tells_type_and_identity),
        cmocka_unit_test(advance__curve_server__tells_mechanism_and_role),
        cmocka_unit_test(advance__older_protocols__are_told_apart),
        cmocka_unit_test(advance__error_command__is_a_refusal_with_its_status),
        cmocka_unit_test(advance__long_frame__is_read_as_well),
        cmocka_unit_test(advance__rubbish__names_the_protocol_error),
        cmocka_unit_test(advance__identity_at_its_limit__is_kept_or_ignored),
        cmocka_unit_test(advance__command_at_its_limit__is_read_or_broken),
        cmocka_unit_test(advance__unknown_socket_type__is_no_type_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
