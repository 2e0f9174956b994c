/* SPDX-License-Identifier: MPL-2.0 */
/* Berkeley DB's hash and ndb, made byte by byte: what is visited, in which order, and what is
 * refused. The files that Berkeley DB has written itself are in library_rpm_test. */
#include "libraries/limited_file.h"
#include "libraries/rpm_blobs.h"

#include "support/cmocka.h"

#include <byteswap.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BROKEN LIMITED_FILE_E_BROKEN

static struct {
    uint8_t bytes[32768];
    size_t size;
    bool is_swapped;
} file;

static void put_long(size_t at, uint32_t value)
{
    value = file.is_swapped ? bswap_32(value) : value;
    memcpy(file.bytes + at, &value, sizeof(value));
}

static void put_short(size_t at, uint16_t value)
{
    value = file.is_swapped ? bswap_16(value) : value;
    memcpy(file.bytes + at, &value, sizeof(value));
}

/* What was visited, one after the other, and what was only asked about. */
static struct {
    uint8_t bytes[16384];
    size_t sizes[16], size, n, n_asked, n_left, started[16];
    bool wants;
} seen;

static bool wants(void *data, const uint8_t *start, size_t n, size_t size)
{
    assert_ptr_equal(data, &seen);
    assert_true(n > 0 && n <= size && n <= RPM_BLOBS_START);
    assert_true(*start != 0xff); /* what is not of a blob */
    seen.started[seen.n_asked] = n;
    seen.n_asked++;
    return seen.wants;
}

static bool visit(void *data, const uint8_t *blob, size_t size)
{
    assert_ptr_equal(data, &seen);
    assert_true(seen.size + size <= sizeof(seen.bytes));
    memcpy(seen.bytes + seen.size, blob, size);
    seen.size += size;
    seen.sizes[seen.n++] = size;
    return --seen.n_left > 0;
}

typedef int (*each_fn)(int fd, const struct rpm_blobs_visitor *visitor);

static int run(each_fn each)
{
    const struct rpm_blobs_visitor visitor = {&seen, wants, visit};
    bool is_wanted = seen.wants;
    size_t n_left = seen.n_left;
    int fd = memfd_create("Packages", MFD_CLOEXEC);
    assert_int_equal(write(fd, file.bytes, file.size), file.size);
    memset(&seen, 0, sizeof(seen));
    seen.wants = is_wanted;
    seen.n_left = n_left;
    int r = each(fd, &visitor);
    seen.n_left = n_left;
    close(fd);
    return r;
}

/*
 * Berkeley DB: bucket 0 in page 1, with "abc" and a chain of pages 3 and 4; bucket 1 in pages 2 and
 * 5, with "de" and "f".
 */
#define PAGE    512u
#define CHAIN   700u
#define FIRST   (PAGE - 26u) /* bytes of the chain in its first page */
#define N_PAGES 6u

static void put_page(uint32_t page, uint8_t type, uint32_t next, uint16_t count, uint16_t length)
{
    size_t at = (size_t)page * PAGE;
    memset(file.bytes + at, 0xff, PAGE);
    put_long(at + 16, next);
    put_short(at + 20, count);
    put_short(at + 22, length);
    file.bytes[at + 25] = type;
}

/* Entry `i` of the page, which ends where the one before begins. */
static size_t put_entry(uint32_t page, size_t i, size_t end, const void *bytes, size_t size)
{
    size_t at = (size_t)page * PAGE;
    put_short(at + 26 + 2 * i, (uint16_t)(end - size));
    memcpy(file.bytes + at + end - size, bytes, size);
    return end - size;
}

static void put_text_pair(uint32_t page, const char *value)
{
    size_t end = put_entry(page, 0, PAGE, "\1key", 4);
    (void)put_entry(page, 1, end, value, strlen(value));
}

static void make_bdb(bool is_swapped)
{
    memset(&file, 0, sizeof(file));
    file.is_swapped = is_swapped;
    file.size = (size_t)N_PAGES * PAGE;
    put_long(12, 0x00061561);
    put_long(16, 9);
    put_long(20, PAGE);
    file.bytes[25] = 8;
    put_long(32, N_PAGES - 1);
    put_long(72, 1); /* the last bucket */
    put_long(96, 1);
    put_long(100, 1);
    for (size_t i = 2; i < 32; i++)
        put_long(96 + 4 * i, 100);

    uint8_t elsewhere[12] = {3};
    put_page(1, 13, 0, 4, 0);
    put_text_pair(1, "\1abc");
    size_t end = put_entry(1, 2, PAGE - 8, "\1k", 2);
    end = put_entry(1, 3, end, elsewhere, sizeof(elsewhere));
    put_long(PAGE + end + 4, 3);
    put_long(PAGE + end + 8, CHAIN);
    put_page(2, 2, 5, 2, 0);
    put_text_pair(2, "\1de");
    put_page(5, 13, 0, 2, 0);
    put_text_pair(5, "\1f");
    put_page(3, 7, 4, 0, FIRST);
    memset(file.bytes + 3 * PAGE + 26, 'x', FIRST);
    put_page(4, 7, 0, 0, CHAIN - FIRST);
    memset(file.bytes + 4 * PAGE + 26, 'y', CHAIN - FIRST);
    seen.wants = true;
    seen.n_left = 100;
}

#define ELSEWHERE (PAGE + PAGE - 8 - 2 - 12) /* the entry in the file */

static void bdb__all_wanted__visits_each_in_order(void **state)
{
    (void)state;
    for (int is_swapped = 0; is_swapped < 2; is_swapped++) {
        make_bdb(is_swapped);
        assert_true(rpm_bdb_is(file.bytes));
        assert_int_equal(run(rpm_bdb_each), 0);
        assert_int_equal(seen.n, 4);
        assert_int_equal(seen.n_asked, 4);
        assert_memory_equal(seen.bytes, "abc", 3);
        assert_int_equal(seen.sizes[1], CHAIN);
        assert_int_equal(seen.started[1], FIRST);
        for (size_t i = 0; i < CHAIN; i++)
            assert_int_equal(seen.bytes[3 + i], i < FIRST ? 'x' : 'y');
        assert_memory_equal(seen.bytes + 3 + CHAIN, "def", 3);
        assert_int_equal(seen.size, 3 + CHAIN + 3);
    }
}

static void bdb__none_or_some_wanted__ends_there(void **state)
{
    (void)state;
    make_bdb(false);
    seen.wants = false;
    file.bytes[4 * PAGE + 25] = 0; /* of what is not wanted only the first page is read */
    assert_int_equal(run(rpm_bdb_each), 0);
    assert_int_equal(seen.n_asked, 4);
    assert_int_equal(seen.n, 0);
    for (size_t n = 1; n <= 4; n++) {
        make_bdb(false);
        seen.n_left = n;
        assert_int_equal(run(rpm_bdb_each), 0);
        assert_int_equal(seen.n, n);
        assert_int_equal(seen.n_asked, n);
    }
}

struct change {
    size_t at;
    enum { AS_BYTE, AS_SHORT, AS_LONG } as;
    uint32_t value;
    int result;
    size_t n; /* visited */
};

static void check_changes(void (*make)(bool is_swapped), each_fn each, const struct change *changes,
                          size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct change *change = &changes[i];
        make(false);
        if (change->as == AS_BYTE)
            file.bytes[change->at] = (uint8_t)change->value;
        else if (change->as == AS_SHORT)
            put_short(change->at, (uint16_t)change->value);
        else
            put_long(change->at, change->value);
        print_message("# %u at %zu\n", change->value, change->at);
        assert_int_equal(run(each), change->result);
        assert_int_equal(seen.n, change->n);
    }
}

static void bdb__numbers_at_their_limits__are_refused_beyond(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {12, AS_LONG, 0x00053162, BROKEN, 0}, /* a tree */
        {16, AS_LONG, 7, BROKEN, 0},
        {16, AS_LONG, 8, 0, 4},
        {16, AS_LONG, 10, 0, 4},
        {16, AS_LONG, 11, BROKEN, 0},
        {20, AS_LONG, 256, BROKEN, 0},
        {20, AS_LONG, 513, BROKEN, 0},
        {20, AS_LONG, 0, BROKEN, 0},
        {20, AS_LONG, 131072, BROKEN, 0},
        {24, AS_BYTE, 1, BROKEN, 0}, /* encrypted */
        {26, AS_BYTE, 1, BROKEN, 0}, /* checksums move a page's data */
        {26, AS_BYTE, 2, 0, 4},
        {32, AS_LONG, 4, BROKEN, 3}, /* page 5 is past the last */
        {32, AS_LONG, 9, 0, 4},
        {72, AS_LONG, 0, 0, 2},
        {72, AS_LONG, 2, BROKEN, 4}, /* a bucket beyond the file */
        {96, AS_LONG, 0, BROKEN, 0}, /* the first bucket has no page */
        {PAGE + 25, AS_BYTE, 7, BROKEN, 0},
        {PAGE + 25, AS_BYTE, 2, 0, 4},
        {PAGE + 20, AS_SHORT, 0, 0, 2},
        {PAGE + 20, AS_SHORT, 1, 0, 2},
        {PAGE + 20, AS_SHORT, 3, 0, 3},
        {PAGE + 20, AS_SHORT, (PAGE - 26) / 2, BROKEN, 2}, /* entries of no order */
        {PAGE + 20, AS_SHORT, (PAGE - 26) / 2 + 1, BROKEN, 0},
        {PAGE + 26, AS_SHORT, PAGE + 1, BROKEN, 0}, /* ends after its page */
        {PAGE + 28, AS_SHORT, PAGE - 4, BROKEN, 0}, /* is empty */
        {ELSEWHERE, AS_BYTE, 2, 0, 3},              /* of a kind that is not known */
        {ELSEWHERE + 4, AS_LONG, 0, BROKEN, 1},
        {ELSEWHERE + 4, AS_LONG, N_PAGES, BROKEN, 1},
        {ELSEWHERE + 8, AS_LONG, 0, 0, 3},
        {ELSEWHERE + 8, AS_LONG, RPM_BLOBS_SIZE_MAX + 1, 0, 3},
        {ELSEWHERE + 8, AS_LONG, RPM_BLOBS_SIZE_MAX, BROKEN, 1},
        {ELSEWHERE + 8, AS_LONG, FIRST, 0, 4},
        {ELSEWHERE + 8, AS_LONG, FIRST - 1, BROKEN, 1},
        {ELSEWHERE + 8, AS_LONG, CHAIN + 1, BROKEN, 1},
        {ELSEWHERE + 8, AS_LONG, CHAIN - 1, BROKEN, 1},
        {3 * PAGE + 25, AS_BYTE, 13, BROKEN, 1},
        {4 * PAGE + 25, AS_BYTE, 13, BROKEN, 1},
        {3 * PAGE + 22, AS_SHORT, 0, BROKEN, 1},
        {3 * PAGE + 22, AS_SHORT, FIRST + 1, BROKEN, 1},
        {2 * PAGE + 16, AS_LONG, 0, 0, 3},
    };
    check_changes(make_bdb, rpm_bdb_each, changes, sizeof(changes) / sizeof(*changes));
}

static void bdb__pages_in_a_circle__are_given_up(void **state)
{
    (void)state;
    make_bdb(false);
    seen.wants = false;
    put_long(5 * PAGE + 16, 5);
    put_short(5 * PAGE + 20, 0);
    assert_int_equal(run(rpm_bdb_each), BROKEN);
    assert_int_equal(seen.n_asked, 3);
    make_bdb(false);
    put_long(4 * PAGE + 16, 4);
    put_long(ELSEWHERE + 8, CHAIN + 10 * (CHAIN - FIRST) + 1);
    assert_int_equal(run(rpm_bdb_each), BROKEN);
    assert_int_equal(seen.n, 1);
}

static void file__cut_anywhere__is_broken(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 12, 255, 256, PAGE, PAGE + 1, (N_PAGES * PAGE) - 1};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        make_bdb(false);
        file.size = sizes[i];
        assert_int_equal(run(rpm_bdb_each), BROKEN);
    }
    const struct rpm_blobs_visitor visitor = {&seen, wants, visit};
    assert_int_equal(rpm_bdb_each(-1, &visitor), -EBADF);
    assert_int_equal(rpm_ndb_each(-1, &visitor), -EBADF);
}

/*
 * ndb: two pages of slots, blobs of 5 bytes, of 20 and of 5,000, a free slot between.
 */
#define SLOTS  8192u
#define BLOB_0 SLOTS
#define BLOB_1 (SLOTS + 64u)
#define BLOB_2 (SLOTS + 128u)
#define LARGE  5000u

static void put_blob(size_t slot, size_t at, char letter, uint32_t size)
{
    put_long(slot * 16 + 4, 1);
    put_long(slot * 16 + 8, (uint32_t)(at / 16));
    put_long(slot * 16 + 12, (size + 28 + 15) / 16);
    memcpy(file.bytes + at, "BlbS", 4);
    put_long(at + 12, size);
    memset(file.bytes + at + 16, letter, size);
}

static void make_ndb(bool is_swapped)
{
    assert_false(is_swapped);
    memset(&file, 0, sizeof(file));
    file.size = BLOB_2 + 16 + LARGE;
    memcpy(file.bytes, "RpmP", 4);
    put_long(12, 2);
    for (size_t slot = 2; slot < SLOTS / 16; slot++)
        memcpy(file.bytes + slot * 16, "Slot", 4);
    put_blob(2, BLOB_0, 'a', 5);
    put_blob(4, BLOB_1, 'b', 20);
    put_blob(SLOTS / 16 - 1, BLOB_2, 'c', LARGE);
    seen.wants = true;
    seen.n_left = 100;
}

static void ndb__all_or_some_wanted__visits_them(void **state)
{
    (void)state;
    make_ndb(false);
    assert_true(rpm_ndb_is(file.bytes));
    assert_int_equal(run(rpm_ndb_each), 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.n_asked, 3);
    assert_memory_equal(seen.bytes, "aaaaabbbbbbbbbbbbbbbbbbbbc", 26);
    assert_int_equal(seen.size, 25 + LARGE);
    assert_int_equal(seen.bytes[seen.size - 1], 'c');
    assert_int_equal(seen.started[1], 20);
    assert_int_equal(seen.started[2], RPM_BLOBS_START);
    for (size_t n = 1; n <= 3; n++) {
        seen.n_left = n;
        assert_int_equal(run(rpm_ndb_each), 0);
        assert_int_equal(seen.n, n);
        assert_int_equal(seen.n_asked, n);
    }
    seen.wants = false;
    assert_int_equal(run(rpm_ndb_each), 0);
    assert_int_equal(seen.n_asked, 3);
    assert_int_equal(seen.n, 0);
}

static void ndb__numbers_at_their_limits__are_refused_beyond(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {0, AS_BYTE, 'r', BROKEN, 0},
        {4, AS_LONG, 1, BROKEN, 0}, /* a version that is not known */
        {12, AS_LONG, 0, 0, 0},
        {12, AS_LONG, 1, 0, 2},
        {12, AS_LONG, 3, BROKEN, 3}, /* where the blobs are */
        {12, AS_LONG, 1025, BROKEN, 0},
        {32, AS_BYTE, 's', BROKEN, 0},
        {48, AS_BYTE, 's', BROKEN, 1}, /* a free one, too */
        {2 * 16 + 8, AS_LONG, 0, 0, 2},
        {2 * 16 + 8, AS_LONG, 0xffffffff, BROKEN, 0}, /* beyond the file */
        {BLOB_0, AS_BYTE, 'b', BROKEN, 0},
        {BLOB_0 + 12, AS_LONG, 0, 0, 2},
        {BLOB_0 + 12, AS_LONG, RPM_BLOBS_SIZE_MAX + 1, 0, 2},
        {BLOB_0 + 12, AS_LONG, RPM_BLOBS_SIZE_MAX, BROKEN, 0},
        {BLOB_2 + 12, AS_LONG, LARGE + 1, BROKEN, 2},
        {BLOB_2 + 12, AS_LONG, RPM_BLOBS_START, 0, 3},
    };
    check_changes(make_ndb, rpm_ndb_each, changes, sizeof(changes) / sizeof(*changes));
}

static void read__limit__is_of_all_that_is_read(void **state)
{
    (void)state;
    char text[16];
    int fd = memfd_create("limited", MFD_CLOEXEC);
    struct limited_file limited = {fd, 10};
    assert_int_equal(write(fd, "0123456789abcdef", 16), 16);
    assert_int_equal(limited_file_read(&limited, text, 11, 0), BROKEN);
    assert_int_equal(limited_file_read(&limited, text, 4, 6), 0);
    assert_memory_equal(text, "6789", 4);
    assert_int_equal(limited_file_read(&limited, text, 7, 0), BROKEN);
    assert_int_equal(limited_file_read(&limited, text, 6, 10), 0);
    assert_memory_equal(text, "abcdef", 6);
    assert_int_equal(limited_file_read(&limited, text, 1, 0), BROKEN);
    limited.n_left = 100;
    assert_int_equal(limited_file_read(&limited, text, 7, 10), BROKEN);
    assert_int_equal(limited_file_read(&limited, text, 1, (uint64_t)INT64_MAX + 1), BROKEN);
    assert_int_equal(limited.n_left, 93);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bdb__all_wanted__visits_each_in_order),
        cmocka_unit_test(bdb__none_or_some_wanted__ends_there),
        cmocka_unit_test(bdb__numbers_at_their_limits__are_refused_beyond),
        cmocka_unit_test(bdb__pages_in_a_circle__are_given_up),
        cmocka_unit_test(file__cut_anywhere__is_broken),
        cmocka_unit_test(ndb__all_or_some_wanted__visits_them),
        cmocka_unit_test(ndb__numbers_at_their_limits__are_refused_beyond),
        cmocka_unit_test(read__limit__is_of_all_that_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
