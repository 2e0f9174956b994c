/* SPDX-License-Identifier: MPL-2.0 */
#include "support/tap_objects.h"

#include "support/cmocka.h"

#include <string.h>

struct object objects[OBJECTS_MAX];
uint32_t n_objects;

void objects_begin(void)
{
    memset(objects, 0, sizeof(objects));
    n_objects = 0;
}

uint32_t objects_append(const char *name, const char *soname, const char *symbols)
{
    assert_true(n_objects < OBJECTS_MAX);
    objects[n_objects] = (struct object){
        .name = name,
        .soname = soname,
        .symbols = symbols,
        .header = {.p_type = PT_LOAD, .p_vaddr = 0, .p_memsz = OBJECTS_SIZE - OBJECTS_GAP},
        .begin = (n_objects + 1) * OBJECTS_SIZE,
        .end = (n_objects + 2) * OBJECTS_SIZE,
    };
    return n_objects++;
}

void objects_move(uint32_t object, uintptr_t begin)
{
    objects[object].begin = begin;
    objects[object].end = begin + OBJECTS_SIZE;
}

void objects_need(uint32_t object, const char *needed)
{
    size_t i = 0;
    while (objects[object].needed[i])
        i++;
    assert_true(i < 4);
    objects[object].needed[i] = needed;
}

struct elf_object objects_elf_of(uint32_t i)
{
    const struct object *object = &objects[i];
    return (struct elf_object){.name = object->name,
                               .headers = &object->header,
                               .n_headers = 1,
                               .base = object->begin,
                               .begin = object->begin,
                               .end = object->end,
                               .dynamic = object->begin + 8};
}

struct elf_object elf_object_of(const struct dl_phdr_info *info)
{
    uint32_t i = 0;
    while (i < n_objects && objects[i].begin != info->dlpi_addr)
        i++;
    assert_true(i < n_objects);
    return objects_elf_of(i);
}

static const struct object *object_of(const struct elf_object *elf)
{
    for (uint32_t i = 0; i < n_objects; i++) {
        if (objects[i].begin == elf->begin)
            return &objects[i];
    }
    fail();
    return NULL;
}

uintptr_t elf_object_find(const struct elf_object *self, const char *symbol)
{
    const struct object *object = object_of(self);
    size_t size = strlen(symbol);
    uintptr_t at = object->begin;
    for (const char *word = object->symbols; word && *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        at += 16;
        if (length == size && strncmp(word, symbol, size) == 0) {
            bool is_real = object->real.name && strcmp(symbol, object->real.name) == 0;
            return is_real ? (uintptr_t)object->real.function : at;
        }
        word += length;
    }
    return 0;
}

const char *elf_object_soname(const struct elf_object *self)
{
    return object_of(self)->soname;
}

const char *elf_object_needed(const struct elf_object *self, size_t i)
{
    const struct object *object = object_of(self);
    size_t n_more = object->n_first > 1 ? object->n_first - 1 : 0;
    i = i > n_more ? i - n_more : 0;
    return i < 4 ? object->needed[i] : NULL;
}

bool elf_object_is_same(const struct elf_object *a, const struct elf_object *b)
{
    return a->begin == b->begin && a->dynamic == b->dynamic;
}

uintptr_t objects_address(uint32_t object, const char *symbol)
{
    struct elf_object elf = objects_elf_of(object);
    return elf_object_find(&elf, symbol);
}

void objects_list(struct loaded *loaded, const uint32_t *candidates, uint32_t n_behind)
{
    loaded->generation++;
    loaded->n_objects = n_objects;
    for (uint32_t i = 0; i < n_objects; i++)
        loaded->objects[i] = objects_elf_of(i);
    for (uint32_t i = 0; i < n_behind; i++)
        loaded->candidates[i] = candidates[i];
    loaded->n_candidates = loaded->n_behind = n_behind;
}
