/* SPDX-License-Identifier: MPL-2.0 */
/* An object whose tables are made by hand: what is found in them, where each of them must end, and
 * what no linker would have written. */
#include "support/cmocka.h"
#include "tap/ground/elf_object.h"

#include <elf.h>
#include <string.h>

#define N_SYMBOLS 8u /* the first is none */
#define N_BUCKETS 2u
#define WORD_BITS (8 * sizeof(ElfW(Addr)))

static const char *const names[N_SYMBOLS] = {"",      "alpha", "beta", "gamma",
                                             "delta", "eps",   "z",    "eta"};

/* Each table may be the last one, with nothing behind it. */
static struct image {
    ElfW(Dyn) dynamic[12];
    ElfW(Sym) symbols[N_SYMBOLS];
    char strings[64];
    ElfW(Half) versions[N_SYMBOLS];
    union {
        uint32_t sysv[2 + N_BUCKETS + N_SYMBOLS];
        struct {
            uint32_t n_buckets, first, n_filter, shift;
            ElfW(Addr) filter[2];
            uint32_t buckets[N_BUCKETS], hashes[N_SYMBOLS - 1];
        } gnu;
    };
} image;
static ElfW(Phdr) header;
static struct elf_object object;
static size_t n_entries;

static void append(ElfW(Sxword) tag, uintptr_t value)
{
    image.dynamic[n_entries].d_tag = tag;
    image.dynamic[n_entries++].d_un.d_val = value;
}

static void append_table(ElfW(Sxword) tag, const void *table)
{
    append(tag, (uintptr_t)table - (uintptr_t)&image); /* as in the file */
}

static uint32_t hash_sysv(const char *name)
{
    uint32_t hash = 0, high;
    for (; *name; name++) {
        hash = (hash << 4) + (unsigned char)*name;
        high = hash & 0xf0000000;
        hash = (hash ^ high >> 24) & ~high;
    }
    return hash;
}

static uint32_t hash_gnu(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = (hash << 5) + hash + (unsigned char)*name;
    return hash;
}

static void make_sysv(void)
{
    uint32_t *buckets = image.sysv + 2, *next = buckets + N_BUCKETS;
    memset(image.sysv, 0, sizeof(image.sysv));
    image.sysv[0] = N_BUCKETS;
    image.sysv[1] = N_SYMBOLS;
    for (uint32_t i = N_SYMBOLS - 1; i >= 1; i--) {
        uint32_t *bucket = &buckets[hash_sysv(names[i]) % N_BUCKETS];
        next[i] = *bucket;
        *bucket = i;
    }
}

/* Of its symbols the first bucket has those of an even hash, so they are put in order. */
static size_t order[N_SYMBOLS];

static void make_gnu(void)
{
    memset(&image.gnu, 0, sizeof(image.gnu));
    image.gnu.n_buckets = N_BUCKETS;
    image.gnu.first = 1;
    image.gnu.n_filter = 2;
    image.gnu.shift = 5;
    size_t n = 1;
    for (uint32_t bucket = 0; bucket < N_BUCKETS; bucket++) {
        image.gnu.buckets[bucket] = (uint32_t)n;
        for (size_t i = 1; i < N_SYMBOLS; i++) {
            uint32_t hash = hash_gnu(names[i]);
            if (hash % N_BUCKETS != bucket)
                continue;
            image.gnu.filter[hash / WORD_BITS % 2] |= (ElfW(Addr))1 << hash % WORD_BITS |
                                                      (ElfW(Addr))1 << (hash >> 5) % WORD_BITS;
            image.gnu.hashes[n - 1] = hash & ~1u;
            order[n++] = i;
        }
        image.gnu.hashes[n - 2] |= 1;
    }
}

static void make(ElfW(Sxword) hash)
{
    size_t at = 1;
    memset(&image, 0, sizeof(image));
    n_entries = 0;
    for (size_t i = 0; i < N_SYMBOLS; i++)
        order[i] = i;
    hash == DT_HASH ? make_sysv() : make_gnu();
    for (size_t i = 1; i < N_SYMBOLS; i++) {
        ElfW(Sym) *symbol = &image.symbols[i];
        *symbol = (ElfW(Sym)){.st_name = (ElfW(Word))at,
                              .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                              .st_shndx = 1,
                              .st_value = 0x1000 * i};
        strcpy(image.strings + at, names[order[i]]);
        at += strlen(names[order[i]]) + 1;
        image.versions[i] = 2;
    }
    append_table(DT_SYMTAB, image.symbols);
    append_table(DT_STRTAB, image.strings);
    append(DT_STRSZ, at);
    append_table(hash, image.sysv);
    append_table(DT_VERSYM, image.versions);
    append(DT_SONAME, 1);
    append(DT_NEEDED, image.symbols[2].st_name);
    append(DT_NEEDED, image.symbols[3].st_name);
    size_t end = hash == DT_HASH ? offsetof(struct image, sysv) + sizeof(image.sysv)
                                 : offsetof(struct image, gnu.hashes) + sizeof(image.gnu.hashes);
    header = (ElfW(Phdr)){.p_type = PT_LOAD, .p_flags = PF_R, .p_memsz = end};
    object = (struct elf_object){.headers = &header,
                                 .n_headers = 1,
                                 .base = (uintptr_t)&image,
                                 .begin = (uintptr_t)&image,
                                 .end = (uintptr_t)(&image + 1),
                                 .dynamic = (uintptr_t)&image};
}

static ElfW(Sym) * symbol_of(size_t name)
{
    size_t i = 1;
    while (order[i] != name)
        i++;
    return &image.symbols[i];
}

static bool is_found(size_t name)
{
    uintptr_t address = elf_object_find(&object, names[name]);
    assert_true(address == 0 || address == object.base + symbol_of(name)->st_value);
    return address != 0;
}

static size_t count_found(void)
{
    size_t n = 0;
    for (size_t i = 1; i < N_SYMBOLS; i++)
        n += is_found(i);
    return n;
}

static const ElfW(Sxword) kinds[] = {DT_HASH, DT_GNU_HASH};

static void find__either_hash_table__finds_all_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        make(kinds[i]);
        assert_int_equal(count_found(), N_SYMBOLS - 1);
        static const char *const others[] = {"", "alph", "alphaa", "no", "Beta", "q"};
        for (size_t j = 0; j < 6; j++)
            assert_true(elf_object_find(&object, others[j]) == 0);
        for (size_t j = 0; j < 5; j++) /* as the linker has left them */
            image.dynamic[j].d_un.d_ptr += j == 2 ? 0 : object.base;
        assert_int_equal(count_found(), N_SYMBOLS - 1);
        image.dynamic[3].d_tag = DT_DEBUG;
        assert_int_equal(count_found(), 0);
    }
}

static void find__the_table_ends_a_byte_too_early__finds_nothing_beyond(void **state)
{
    (void)state;
    make(DT_HASH);
    header.p_memsz--;
    assert_int_equal(count_found(), 0); /* its counts say more */
    make(DT_GNU_HASH);
    header.p_memsz--;
    assert_false(is_found(order[N_SYMBOLS - 1]));
    assert_true(is_found(order[N_SYMBOLS - 2]));
    header.p_memsz = offsetof(struct image, gnu.hashes);
    assert_int_equal(count_found(), 0);
    header.p_memsz -= 1;
    assert_int_equal(count_found(), 0);
    header.p_memsz = offsetof(struct image, gnu.filter);
    assert_int_equal(count_found(), 0);
    header.p_memsz -= 1;
    assert_int_equal(count_found(), 0);
}

static void find__counts_of_the_sysv_table_are_wrong__finds_nothing(void **state)
{
    static const uint32_t wrong[] = {0, N_BUCKETS + N_SYMBOLS + 1, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        make(DT_HASH);
        image.sysv[0] = wrong[i];
        assert_int_equal(count_found(), 0);
    }
    make(DT_HASH);
    image.sysv[0] = N_BUCKETS + N_SYMBOLS; /* no room for symbols */
    assert_int_equal(count_found(), 0);
    make(DT_HASH);
    image.sysv[1]++;
    assert_int_equal(count_found(), 0);
    make(DT_HASH);
    image.sysv[1] = N_SYMBOLS - 1; /* the last one is none */
    assert_false(is_found(N_SYMBOLS - 1));
    make(DT_HASH);
    header.p_memsz = offsetof(struct image, sysv) + 8;
    assert_int_equal(count_found(), 0);
    header.p_memsz -= 1;
    assert_int_equal(count_found(), 0);
    make(DT_HASH); /* a circle */
    for (uint32_t i = 0; i < N_SYMBOLS; i++)
        image.sysv[2 + N_BUCKETS + i] = i;
    assert_true(elf_object_find(&object, "no") == 0);
}

static void find__head_of_the_gnu_table_is_wrong__finds_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        make(DT_GNU_HASH);
        switch (i) {
        case 0:
            image.gnu.n_buckets = 0;
            break;
        case 1:
            image.gnu.n_filter = 0;
            break;
        case 2:
            image.gnu.n_filter = 1000;
            break;
        case 3:
            image.gnu.n_buckets = 1000;
            break;
        case 4:
            image.gnu.first = N_SYMBOLS; /* beyond all that the buckets have */
            break;
        default:
            memset(image.gnu.filter, 0, sizeof(image.gnu.filter));
        }
        assert_int_equal(count_found(), 0);
    }
    make(DT_GNU_HASH);
    image.gnu.shift += 32; /* taken modulo 32 */
    assert_int_equal(count_found(), N_SYMBOLS - 1);
}

/* Both of its bits must be there. */
static void find__a_bit_of_the_filter_is_missing__finds_it_not(void **state)
{
    (void)state;
    for (size_t i = 1; i < N_SYMBOLS; i++) {
        uint32_t hash = hash_gnu(names[i]);
        for (int second = 0; second < 2; second++) {
            make(DT_GNU_HASH);
            assert_true(is_found(i));
            image.gnu.filter[hash / WORD_BITS % 2] &= ~((ElfW(Addr))1
                                                        << (second ? hash >> 5 : hash) % WORD_BITS);
            assert_false(is_found(i));
        }
    }
}

/* The bit that ends a bucket ends the search; the next bucket's symbol has another hash. */
static void find__behind_the_end_of_its_bucket__is_not_found(void **state)
{
    (void)state;
    make(DT_GNU_HASH);
    image.gnu.hashes[0] |= 1;
    assert_true(is_found(order[1]));
    assert_int_equal(count_found(), 1 + N_SYMBOLS - image.gnu.buckets[1]);
    make(DT_GNU_HASH);
    image.gnu.hashes[0] ^= 2; /* another hash than the name has */
    assert_false(is_found(order[1]));
}

static void find__symbols_of_all_kinds__only_definitions_for_others(void **state)
{
    static const struct {
        unsigned char binding, type;
        bool is_usable;
    } rows[] = {{STB_GLOBAL, STT_FUNC, true},       {STB_WEAK, STT_FUNC, true},
                {STB_GNU_UNIQUE, STT_OBJECT, true}, {STB_GLOBAL, STT_NOTYPE, true},
                {STB_LOCAL, STT_FUNC, false},       {STB_GLOBAL, STT_TLS, false},
                {STB_GLOBAL, STT_SECTION, false},   {STB_GLOBAL, STT_GNU_IFUNC, false}};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(*rows); i++) {
        make(kinds[i % 2]);
        symbol_of(3)->st_info = (unsigned char)ELF64_ST_INFO(rows[i / 2].binding, rows[i / 2].type);
        assert_int_equal(is_found(3), rows[i / 2].is_usable);
        assert_true(is_found(2));
    }
    make(DT_HASH);
    symbol_of(3)->st_shndx = SHN_UNDEF;
    symbol_of(4)->st_value = 0;
    assert_false(is_found(3) || is_found(4));
}

static void find__versions__only_the_default_one(void **state)
{
    (void)state;
    make(DT_HASH);
    image.versions[1] = 0x8002; /* an old one */
    image.versions[2] = 0;      /* not for others */
    image.versions[3] = 1;
    assert_false(is_found(1) || is_found(2));
    assert_true(is_found(3) && is_found(4));
    make(DT_HASH); /* the table ends with its segment */
    ElfW(Phdr) headers[2] = {header, header};
    headers[0].p_memsz = offsetof(struct image, versions) + 4 * sizeof(ElfW(Half));
    headers[1].p_vaddr = offsetof(struct image, sysv);
    headers[1].p_memsz -= offsetof(struct image, sysv);
    object.headers = headers;
    object.n_headers = 2;
    assert_true(is_found(3));
    assert_false(is_found(4));
    headers[0].p_memsz--;
    assert_false(is_found(3));
    assert_true(is_found(2));
    image.dynamic[4].d_tag = DT_DEBUG; /* none: all are default */
    assert_int_equal(count_found(), N_SYMBOLS - 1);
}

static void find__symbols_end_with_their_segment__none_is_beyond(void **state)
{
    (void)state;
    make(DT_HASH);
    ElfW(Phdr) headers[3] = {header, header, header};
    headers[0].p_memsz = offsetof(struct image, symbols) + 4 * sizeof(ElfW(Sym));
    headers[1].p_vaddr = offsetof(struct image, strings);
    headers[1].p_memsz -= offsetof(struct image, strings);
    headers[2].p_flags = PF_X; /* cannot be read */
    object.headers = headers;
    object.n_headers = 3;
    assert_true(is_found(3));
    assert_false(is_found(4));
    headers[0].p_memsz--;
    assert_false(is_found(3));
    headers[0].p_flags = PF_W;
    headers[2].p_flags = PF_R;
    assert_true(is_found(4)); /* in the one that can be read */
    headers[2].p_type = PT_NOTE;
    assert_int_equal(count_found(), 0);
}

static void find__tables_lie_askew__finds_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t at = 0; at < 4; at += 3) {
            make(kinds[i]);
            image.dynamic[at].d_un.d_ptr += at == 0 ? 4 : i == 0 ? 2 : 4;
            assert_int_equal(count_found(), 0);
        }
    }
    make(DT_HASH);
    image.dynamic[4].d_un.d_ptr++; /* of versions: as if there were none */
    memset(image.versions, 0, sizeof(image.versions));
    assert_int_equal(count_found(), N_SYMBOLS - 1);
}

static void names__end_with_the_table__are_none_without_their_end(void **state)
{
    (void)state;
    make(DT_HASH);
    assert_string_equal(elf_object_soname(&object), names[1]);
    assert_string_equal(elf_object_needed(&object, 0), names[2]);
    assert_string_equal(elf_object_needed(&object, 1), names[3]);
    assert_null(elf_object_needed(&object, 2));
    image.dynamic[2].d_un.d_val = image.symbols[3].st_name + strlen(names[3]); /* no NUL */
    assert_string_equal(elf_object_needed(&object, 0), names[2]);
    assert_null(elf_object_needed(&object, 1));
    assert_true(is_found(2));
    assert_false(is_found(3) || is_found(4));
    image.dynamic[2].d_un.d_val++;
    assert_string_equal(elf_object_needed(&object, 1), names[3]);
    assert_true(is_found(3));
    image.dynamic[2].d_un.d_val = header.p_memsz; /* longer than what can be read */
    assert_null(elf_object_soname(&object));
    assert_null(elf_object_needed(&object, 0));
    assert_int_equal(count_found(), 0);
    image.dynamic[2].d_un.d_val = header.p_memsz - offsetof(struct image, strings);
    assert_string_equal(elf_object_soname(&object), names[1]);
    image.dynamic[2].d_un.d_val++;
    assert_null(elf_object_soname(&object));
    make(DT_HASH);
    image.dynamic[5].d_tag = DT_NULL; /* the end */
    assert_null(elf_object_soname(&object));
    assert_null(elf_object_needed(&object, 0));
    make(DT_HASH);
    object.dynamic = 0;
    assert_null(elf_object_soname(&object));
    assert_int_equal(count_found(), 0);
}

static void dynamic__ends_with_its_segment__nothing_beyond_is_read(void **state)
{
    (void)state;
    make(DT_HASH);
    ElfW(Phdr) headers[2] = {header, header};
    headers[0].p_memsz = 7 * sizeof(ElfW(Dyn));
    headers[1].p_vaddr = offsetof(struct image, symbols);
    headers[1].p_memsz -= offsetof(struct image, symbols);
    object.headers = headers;
    object.n_headers = 2;
    assert_string_equal(elf_object_needed(&object, 0), names[2]);
    assert_null(elf_object_needed(&object, 1));
    headers[0].p_memsz--;
    assert_null(elf_object_needed(&object, 0));
    assert_string_equal(elf_object_soname(&object), names[1]);
}

/*
 * An object as the linker tells of it
 */
static void of_info__segments_in_any_order__spans_all(void **state)
{
    const ElfW(Phdr) headers[] = {{.p_type = PT_NOTE, .p_vaddr = 0x100, .p_memsz = 0x90000},
                                  {.p_type = PT_LOAD, .p_vaddr = 0x5000, .p_memsz = 0x1234},
                                  {.p_type = PT_LOAD, .p_vaddr = 0x2000, .p_memsz = 0x100},
                                  {.p_type = PT_DYNAMIC, .p_vaddr = 0x5010, .p_memsz = 0x90},
                                  {.p_type = PT_LOAD, .p_vaddr = 0x3000, .p_memsz = 0x10}};
    struct dl_phdr_info info = {
        .dlpi_addr = 0x700000, .dlpi_name = "a", .dlpi_phdr = headers, .dlpi_phnum = 5};
    (void)state;
    struct elf_object a = elf_object_of(&info);
    assert_string_equal(a.name, "a");
    assert_int_equal(a.begin, 0x702000);
    assert_int_equal(a.end, 0x706234);
    assert_int_equal(a.dynamic, 0x705010);
    assert_true(elf_object_spans(&a, 0x702000) && elf_object_spans(&a, 0x706233));
    assert_false(elf_object_spans(&a, 0x701fff) || elf_object_spans(&a, 0x706234));
    info.dlpi_name = NULL;
    info.dlpi_phdr = NULL;
    a = elf_object_of(&info);
    assert_string_equal(a.name, "");
    assert_int_equal(a.n_headers, 0);
    struct link_map map = {.l_addr = 0x1000, .l_ld = image.dynamic};
    assert_string_equal(elf_object_of_map(&map).name, "");
}

static void is_same__one_address_differs__is_not(void **state)
{
    struct elf_object other;
    uintptr_t *const fields[] = {&other.base, &other.begin, &other.end, &other.dynamic};
    (void)state;
    make(DT_HASH);
    for (size_t i = 0; i < 4; i++) {
        other = object;
        other.name = "of another path";
        assert_true(elf_object_is_same(&object, &other));
        ++*fields[i];
        assert_false(elf_object_is_same(&object, &other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__either_hash_table__finds_all_and_nothing_else),
        cmocka_unit_test(find__the_table_ends_a_byte_too_early__finds_nothing_beyond),
        cmocka_unit_test(find__counts_of_the_sysv_table_are_wrong__finds_nothing),
        cmocka_unit_test(find__head_of_the_gnu_table_is_wrong__finds_nothing),
        cmocka_unit_test(find__a_bit_of_the_filter_is_missing__finds_it_not),
        cmocka_unit_test(find__behind_the_end_of_its_bucket__is_not_found),
        cmocka_unit_test(find__symbols_of_all_kinds__only_definitions_for_others),
        cmocka_unit_test(find__versions__only_the_default_one),
        cmocka_unit_test(find__symbols_end_with_their_segment__none_is_beyond),
        cmocka_unit_test(find__tables_lie_askew__finds_nothing),
        cmocka_unit_test(names__end_with_the_table__are_none_without_their_end),
        cmocka_unit_test(dynamic__ends_with_its_segment__nothing_beyond_is_read),
        cmocka_unit_test(of_info__segments_in_any_order__spans_all),
        cmocka_unit_test(is_same__one_address_differs__is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
