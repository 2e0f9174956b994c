/* SPDX-License-Identifier: MPL-2.0 */
/* The way from a pipe to its descriptor, over objects of this process that are made to look so. */
#include "peek/peek_engine.h"

#include "base/procfs.h"
#include "support/cmocka.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FD         77
#define WORD       sizeof(uintptr_t)
#define AT_PEER    2u /* in a session, as the next two */
#define AT_ENGINE  9u
#define AT_SOCKET  10u
#define AT_ENTRY   100u /* in an engine */
#define N_WORDS    512u
#define LAST_WORD  (160u / WORD - 1) /* of what is read of a session */
#define MOST_TRIES 8

struct connection {
    uintptr_t peer[2], socket[2], session[32], entry[8], engine[N_WORDS];
};

static struct connection connections[PEEK_ENGINE_BLOCK];
static struct peek_engine_way ways[PEEK_ENGINE_BLOCK];
static struct peek_target target;
static struct peek_layout layout;

static void make(struct connection *one, int fd)
{
    memset(one, 0, sizeof(*one));
    one->session[AT_PEER] = (uintptr_t)one->peer;
    one->session[AT_ENGINE] = (uintptr_t)one->engine;
    one->session[AT_SOCKET] = (uintptr_t)one->socket;
    one->engine[AT_ENTRY] = (uintptr_t)one->entry;
    one->entry[0] = (uintptr_t)fd | (uintptr_t)UINT32_MAX << 32; /* an int, and what is behind it */
    one->entry[2] = (uintptr_t)one->entry;
    one->entry[3] = (uintptr_t)one->engine + 8;
}

static struct peek_engine_way way_of(const struct connection *one)
{
    return (struct peek_engine_way){.socket = (uintptr_t)one->socket,
                                    .peer = (uintptr_t)one->peer,
                                    .session = (uintptr_t)one->session,
                                    .fd = -2};
}

static int set_up(void **state)
{
    uint64_t start_ticks;
    int procfs_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)state;
    assert_int_equal(procfs_start_time(procfs_fd, getpid(), &start_ticks), 0);
    assert_int_equal(peek_target_open(&target, procfs_fd, getpid(), start_ticks), 0);
    close(procfs_fd);
    layout = (struct peek_layout){.entry = 0};
    for (int i = 0; i < (int)PEEK_ENGINE_BLOCK; i++)
        make(&connections[i], FD + i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peek_target_close(&target);
    return 0;
}

static int find_way(struct peek_engine_way way)
{
    ways[0] = way;
    peek_engine_find(&layout, &target, ways, 1);
    return ways[0].fd;
}

static int find(void)
{
    return find_way(way_of(&connections[0]));
}

static void find__connection__has_its_descriptor(void **state)
{
    (void)state;
    assert_int_equal(find(), FD);
    assert_int_equal(layout.entry, AT_ENTRY * WORD);
    assert_int_equal(layout.n_entry_searches, 1);
    assert_int_equal(find(), FD);
    assert_int_equal(layout.n_entry_searches, 1);
}

static void find__as_many_as_go_at_once__each_has_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < PEEK_ENGINE_BLOCK; i++)
        ways[i] = way_of(&connections[i]);
    ways[3].peer++;
    peek_engine_find(&layout, &target, ways, PEEK_ENGINE_BLOCK);
    for (int i = 0; i < (int)PEEK_ENGINE_BLOCK; i++)
        assert_int_equal(ways[i].fd, i == 3 ? -1 : FD + i);
}

/* An object that contradicts: nothing is known, of whatever was learned before. */
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        for (int is_learned = 0; is_learned < 2; is_learned++) {                                   \
            make(one, FD);                                                                         \
            layout = (struct peek_layout){.entry = 0};                                             \
            if (is_learned)                                                                        \
                assert_int_equal(find(), FD);                                                      \
            change;                                                                                \
            assert_int_equal(find(), -1);                                                          \
        }                                                                                          \
    } while (0)

static void find__objects_do_not_agree__is_not_known(void **state)
{
    struct connection *one = connections, *other = connections + 1;
    (void)state;
    REFUSED(one->session[AT_PEER] = (uintptr_t)other->peer);
    REFUSED(one->session[AT_SOCKET] = (uintptr_t)other->socket);
    REFUSED(one->session[AT_ENGINE] = 0);
    REFUSED(one->session[AT_ENGINE] = (uintptr_t)one->engine + 4);
    REFUSED(one->engine[AT_ENTRY] = 0);
    REFUSED(one->engine[AT_ENTRY] = (uintptr_t)one->entry + 4);
    REFUSED(one->engine[AT_ENTRY] = 8);
    REFUSED(one->entry[2] = (uintptr_t)other->entry);
    REFUSED(one->entry[3] = 0);
    REFUSED(one->entry[3] = (uintptr_t)one->engine + 65);
    REFUSED(one->entry[3] = (uintptr_t)one->engine - 65);
    REFUSED(one->entry[3] = (uintptr_t)other->engine);
}

static void find__events_near_the_engine__are_its_own(void **state)
{
    struct connection *one = connections;
    (void)state;
    one->entry[3] = (uintptr_t)one->engine + 64;
    assert_int_equal(find(), FD);
    one->entry[3] = (uintptr_t)one->engine - 64;
    assert_int_equal(find(), FD);
}

static void find__given_addresses_are_none__is_not_known(void **state)
{
    struct peek_engine_way way = way_of(connections);
    (void)state;
    assert_int_equal(find(), FD);
    way.session = 0;
    assert_int_equal(find_way(way), -1);
    way.session = 0x8000;
    assert_int_equal(find_way(way), -1);
    way.session = (uintptr_t)connections[0].session + 1;
    assert_int_equal(find_way(way), -1);
}

/* The engine's pointer is right before the socket's, wherever that is in what is read. */
static void find__socket_at_each_place_of_a_session__is_found_in_what_is_read(void **state)
{
    struct connection *one = connections;
    (void)state;
    for (size_t i = AT_PEER + 2; i <= LAST_WORD + 1; i++) {
        make(one, FD);
        one->session[AT_ENGINE] = one->session[AT_SOCKET] = 0;
        one->session[i - 1] = (uintptr_t)one->engine;
        one->session[i] = (uintptr_t)one->socket;
        assert_int_equal(find(), i <= LAST_WORD ? FD : -1);
    }
    make(one, FD);
    one->session[AT_ENGINE] = one->session[AT_SOCKET] = 0;
    one->session[AT_PEER + 1] = (uintptr_t)one->socket;
    assert_int_equal(find(), -1);
}

/* It lies within 40 bytes, of which the descriptor is first. */
static void find__entry_at_each_place__is_found_in_what_is_read(void **state)
{
    struct connection *one = connections;
    (void)state;
    for (size_t i = 1; i <= 4; i++) {
        make(one, FD);
        one->entry[2] = one->entry[3] = 0;
        one->entry[i] = (uintptr_t)one->entry;
        one->entry[i + 1] = (uintptr_t)one->engine;
        assert_int_equal(find(), i <= 3 ? FD : -1);
    }
}

static void find__pointer_at_each_place_of_an_engine__is_learned(void **state)
{
    struct connection *one = connections;
    static const size_t places[] = {1, 2, N_WORDS - 1};
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        make(one, FD);
        layout = (struct peek_layout){.entry = 0};
        one->engine[AT_ENTRY] = 0;
        one->engine[places[i]] = (uintptr_t)one->entry;
        assert_int_equal(find(), FD);
        assert_int_equal(layout.entry, places[i] * WORD);
    }
}

static void find__memory_ends_behind_the_engine__is_searched_as_far_as_it_goes(void **state)
{
    struct connection *one = connections;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(munmap(pages + 2 * page, page), 0);
    for (size_t n_words = 4; n_words <= page / WORD + 4; n_words += page / WORD - 1) {
        uintptr_t *engine = (uintptr_t *)(void *)(pages + 2 * page) - n_words;
        memset(pages, 0, 2 * page);
        make(one, FD);
        layout = (struct peek_layout){.entry = 0};
        engine[n_words < N_WORDS ? n_words - 1 : N_WORDS - 1] = (uintptr_t)one->entry;
        one->session[AT_ENGINE] = one->entry[3] = (uintptr_t)engine;
        assert_int_equal(find(), FD);
    }
    assert_int_equal(munmap(pages, 2 * page), 0);
}

static void find__engine_is_gone__is_not_known(void **state)
{
    struct connection *one = connections;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char *pages = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_int_equal(munmap(pages, page), 0);
    one->session[AT_ENGINE] = (uintptr_t)pages;
    assert_int_equal(find(), -1);
    assert_int_equal(layout.n_entry_searches, 1);
}

/* Of the first engines alone. */
static void find__no_engine_shows_it__is_given_up(void **state)
{
    (void)state;
    connections[0].engine[AT_ENTRY] = 0;
    for (int i = 0; i < MOST_TRIES - 1; i++)
        assert_int_equal(find(), -1);
    make(connections, FD);
    struct peek_layout before = layout;
    assert_int_equal(find(), FD);
    layout = before;
    connections[0].engine[AT_ENTRY] = 0;
    assert_int_equal(find(), -1);
    make(connections, FD);
    assert_int_equal(find(), -1);
    assert_int_equal(layout.n_entry_searches, MOST_TRIES);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(find__connection__has_its_descriptor),
        CASE(find__as_many_as_go_at_once__each_has_its_own),
        CASE(find__objects_do_not_agree__is_not_known),
        CASE(find__events_near_the_engine__are_its_own),
        CASE(find__given_addresses_are_none__is_not_known),
        CASE(find__socket_at_each_place_of_a_session__is_found_in_what_is_read),
        CASE(find__entry_at_each_place__is_found_in_what_is_read),
        CASE(find__pointer_at_each_place_of_an_engine__is_learned),
        CASE(find__memory_ends_behind_the_engine__is_searched_as_far_as_it_goes),
        CASE(find__engine_is_gone__is_not_known),
        CASE(find__no_engine_shows_it__is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
