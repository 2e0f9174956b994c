/* SPDX-License-Identifier: MPL-2.0 */
#include "support/cmocka.h"
#include "tap/ground/elf_object.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int find_libc(struct dl_phdr_info *info, size_t size, void *data)
{
    struct elf_object object = elf_object_of(info);
    const char *soname = elf_object_soname(&object);
    (void)size;
    if (!soname || strcmp(soname, "libc.so.6") != 0)
        return 0;
    *(struct elf_object *)data = object;
    return 1;
}

static struct elf_object libc(void)
{
    struct elf_object object = {0};
    assert_int_equal(dl_iterate_phdr(find_libc, &object), 1);
    return object;
}

static void find__function_of_libc__is_what_the_linker_finds(void **state)
{
    static const char *const names[] = {"getpid",      "rand",    "pthread_cond_wait",
                                        "posix_spawn", "qsort",   "environ",
                                        "dlopen",      "regexec", "fmemopen"};
    struct elf_object object = libc();
    void *handle = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD); /* a sanitizer has some as well */
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_ptr_equal((void *)elf_object_find(&object, names[i]), dlsym(handle, names[i]));
    dlclose(handle);
    assert_true(elf_object_find(&object, "no_such_function") == 0);
    assert_true(elf_object_find(&object, "") == 0);
    assert_true(elf_object_spans(&object, elf_object_find(&object, "getpid")));
}

static int visit_object(struct dl_phdr_info *info, size_t size, void *data)
{
    struct elf_object object = elf_object_of(info);
    (void)size;
    for (size_t i = 0; elf_object_needed(&object, i); i++)
        ++*(int *)data;
    /* An import is no definition, nor is the program's own stub of a function. */
    const char *soname = elf_object_soname(&object);
    if (!soname || strcmp(soname, "libc.so.6") != 0)
        assert_true(elf_object_find(&object, "getpid") == 0);
    return 0;
}

static void needed__all_objects__are_listed(void **state)
{
    int n = 0;
    (void)state;
    dl_iterate_phdr(visit_object, &n);
    assert_true(n >= 2);
}

/* A copy of libc's tables as an object that no linker has touched, with nothing behind it. */
struct copy {
    struct elf_object object;
    ElfW(Phdr) headers[16];
    unsigned char *bytes;
    size_t size, n_pages;
};

static void make_relative(struct elf_object *object, uintptr_t base)
{
    for (ElfW(Dyn) *entry = (void *)object->dynamic; entry->d_tag != DT_NULL; entry++) {
        bool is_pointer = entry->d_tag == DT_SYMTAB || entry->d_tag == DT_STRTAB ||
                          entry->d_tag == DT_GNU_HASH || entry->d_tag == DT_HASH ||
                          entry->d_tag == DT_VERSYM;
        if (is_pointer)
            entry->d_un.d_ptr -= base;
    }
}

static void make_copy(struct copy *ret)
{
    struct elf_object from = libc();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *ret = (struct copy){.object = from, .size = from.end - from.begin};
    ret->n_pages = (ret->size + page - 1) / page;
    unsigned char *room = mmap(NULL, (ret->n_pages + 2) * page, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    /* The last byte lies before a page that cannot be read. */
    mprotect(room + page, ret->n_pages * page, PROT_READ | PROT_WRITE);
    ret->bytes = room + page + ret->n_pages * page - ret->size;
    ret->bytes -= (uintptr_t)ret->bytes % 16;
    uintptr_t shift = (uintptr_t)ret->bytes - from.begin;
    assert_true(from.n_headers <= 16);
    memcpy(ret->headers, from.headers, from.n_headers * sizeof(*ret->headers));
    for (size_t i = 0; i < from.n_headers; i++) {
        const ElfW(Phdr) *header = &from.headers[i];
        if (header->p_type == PT_LOAD && (header->p_flags & PF_R))
            memcpy((void *)(from.base + header->p_vaddr + shift),
                   (const void *)(from.base + header->p_vaddr), header->p_memsz);
    }
    ret->object.headers = ret->headers;
    ret->object.base += shift;
    ret->object.begin += shift;
    ret->object.end += shift;
    ret->object.dynamic += shift;
    make_relative(&ret->object, from.base);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void look_at_all(const struct elf_object *object)
{
    elf_object_soname(object);
    for (size_t i = 0; i < 20; i++)
        elf_object_needed(object, i);
    elf_object_find(object, "getpid");
    elf_object_find(object, "pthread_cond_wait");
    elf_object_find(object, "no_such_function");
}

static void find__tables_that_no_linker_has_touched__are_read(void **state)
{
    struct copy copy;
    (void)state;
    make_copy(&copy);
    struct elf_object object = libc();
    assert_int_equal(elf_object_find(&copy.object, "getpid") - copy.object.base,
                     elf_object_find(&object, "getpid") - object.base);
    assert_string_equal(elf_object_soname(&copy.object), "libc.so.6");
}

/* Each round spoils a few words of the dynamic section, the hash table's head, or anywhere. */
static void find__tables_are_garbage__reads_nothing_outside(void **state)
{
    struct copy copy;
    uint64_t random = 88172645463325252;
    (void)state;
    make_copy(&copy);
    for (int round = 0; round < 20000; round++) {
        uint64_t *words[4], before[4];
        for (int i = 0; i < 4; i++) {
            uintptr_t dynamic = copy.object.dynamic - copy.object.begin;
            size_t at = i < 3 ? dynamic + next_random(&random) % (32 * sizeof(ElfW(Dyn)))
                              : next_random(&random) % (64 * 1024);
            words[i] = (uint64_t *)(void *)(copy.bytes + at / 8 * 8);
            before[i] = *words[i];
            *words[i] = next_random(&random) >> next_random(&random) % 64;
        }
        look_at_all(&copy.object);
        for (int i = 4; i-- > 0;)
            *words[i] = before[i];
    }
    assert_true(elf_object_find(&copy.object, "getpid") != 0);
}

static int compare_with_map(struct dl_phdr_info *info, size_t size, void *data)
{
    static const char *const names[] = {"getpid", "dlsym", "cmocka_fail", "_r_debug", "nothing"};
    struct elf_object object = elf_object_of(info);
    (void)size;
    for (const struct link_map *map = _r_debug.r_map; map; map = map->l_next) {
        if ((uintptr_t)map->l_ld != object.dynamic || !*map->l_name)
            continue;
        struct elf_object same = elf_object_of_map(map);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            assert_true(elf_object_find(&same, names[i]) == elf_object_find(&object, names[i]));
        ++*(int *)data;
    }
    return 0;
}

static void of_map__all_objects__find_what_the_others_do(void **state)
{
    int n = 0;
    (void)state;
    dl_iterate_phdr(compare_with_map, &n);
    assert_true(n >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find__function_of_libc__is_what_the_linker_finds),
        cmocka_unit_test(needed__all_objects__are_listed),
        cmocka_unit_test(of_map__all_objects__find_what_the_others_do),
        cmocka_unit_test(find__tables_that_no_linker_has_touched__are_read),
        cmocka_unit_test(find__tables_are_garbage__reads_nothing_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
