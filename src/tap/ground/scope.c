/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: what an object was opened with cannot be asked for. An object that needs the caller,
 * itself or through others, may have brought it in, and so may the caller itself; the linker's
 * list has them in the order in which they came, and the first of them is what the linker would
 * have looked in first. All this is done only in a process with several copies.
 */
#include "tap/ground/scope.h"

#include "base/fnv.h"

#include <string.h>

#define MAX_NEEDS 32768u
#define UNKNOWN   (LOADED_NONE - 1)

static struct {
    uint64_t generation;                   /* of the list that it is of */
    uint32_t names[LOADED_MAX_OBJECTS][2]; /* hashes of the object's names */
    uint32_t first_need[LOADED_MAX_OBJECTS + 1];
    uint16_t needs[MAX_NEEDS];            /* indices of the objects that it needs */
    uint32_t answers[LOADED_MAX_OBJECTS]; /* for a caller in this object */
    uint32_t global;
} graph;

static struct {
    uint16_t objects[LOADED_MAX_OBJECTS];
    uint32_t n;
    bool is_in[LOADED_MAX_OBJECTS];
} tree;

static uint32_t hash_of(const char *text)
{
    return fnv_text_32(FNV_BASIS_32, text ? text : "");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool has_name(const struct elf_object *object, const char *wanted)
{
    const char *soname = elf_object_soname(object);
    return strcmp(base_name(object->name), wanted) == 0 || (soname && strcmp(soname, wanted) == 0);
}

static uint32_t find_named(const struct loaded *loaded, const char *needed)
{
    const char *name = base_name(needed);
    uint32_t hash = hash_of(name);
    for (uint32_t i = 0; i < loaded->n_objects; i++) {
        if ((graph.names[i][0] == hash || graph.names[i][1] == hash) &&
            has_name(&loaded->objects[i], name))
            return i;
    }
    return LOADED_NONE;
}

static void read_graph(const struct loaded *loaded)
{
    uint32_t n = 0;
    if (graph.generation == loaded->generation)
        return;
    for (uint32_t i = 0; i < loaded->n_objects; i++) {
        graph.names[i][0] = hash_of(base_name(loaded->objects[i].name));
        graph.names[i][1] = hash_of(elf_object_soname(&loaded->objects[i]));
        graph.answers[i] = UNKNOWN;
    }
    for (uint32_t i = 0; i < loaded->n_objects; i++) {
        const char *needed;
        graph.first_need[i] = n;
        for (size_t at = 0; (needed = elf_object_needed(&loaded->objects[i], at)); at++) {
            uint32_t found = find_named(loaded, needed);
            if (found != LOADED_NONE && n < MAX_NEEDS)
                graph.needs[n++] = (uint16_t)found;
        }
    }
    graph.first_need[loaded->n_objects] = n;
    graph.global = UNKNOWN;
    graph.generation = loaded->generation;
}

static void append_to_tree(uint32_t object)
{
    if (!tree.is_in[object])
        tree.objects[tree.n++] = (uint16_t)object;
    tree.is_in[object] = true;
}

/* `root`, what it needs, what these need, and so on. */
static void read_tree(const struct loaded *loaded, uint32_t root)
{
    memset(tree.is_in, 0, loaded->n_objects);
    tree.n = 0;
    append_to_tree(root);
    for (uint32_t i = 0; i < tree.n; i++) {
        uint32_t object = tree.objects[i];
        for (uint32_t at = graph.first_need[object]; at < graph.first_need[object + 1]; at++)
            append_to_tree(graph.needs[at]);
    }
}

static bool is_behind(const struct loaded *loaded, uint32_t object)
{
    for (uint32_t i = 0; i < loaded->n_behind; i++) {
        if (loaded->candidates[i] == object)
            return true;
    }
    return false;
}

static uint32_t find_in_trees(const struct loaded *loaded, uint32_t caller)
{
    for (uint32_t root = 0; root < loaded->n_objects; root++) {
        read_tree(loaded, root);
        if (!tree.is_in[caller])
            continue;
        for (uint32_t i = 0; i < tree.n; i++) {
            if (is_behind(loaded, tree.objects[i]))
                return tree.objects[i];
        }
    }
    return LOADED_NONE;
}

/* What was opened RTLD_GLOBAL later than the caller was no choice when the caller was bound. */
static uint32_t find_for(const struct loaded *loaded, uint32_t caller)
{
    if (graph.global < caller)
        return graph.global;
    uint32_t found = find_in_trees(loaded, caller);
    if (found == LOADED_NONE)
        found = graph.global;
    return found == LOADED_NONE ? loaded->candidates[0] : found;
}

static uint32_t find_among_several(const struct loaded *loaded,
                                   const struct scope_question *question, bool *ret_must_ask)
{
    if (loaded->candidates[0] < loaded->n_startup)
        return loaded->candidates[0];
    if (question->has_asked) {
        uint32_t object = loaded_find(loaded, question->global);
        graph.global = is_behind(loaded, object) ? object : LOADED_NONE;
    }
    *ret_must_ask = graph.global == UNKNOWN;
    if (*ret_must_ask)
        return LOADED_NONE;
    uint32_t caller = loaded_find(loaded, question->caller);
    if (caller == LOADED_NONE || caller == loaded->own)
        return graph.global == LOADED_NONE ? loaded->candidates[0] : graph.global;
    if (graph.answers[caller] == UNKNOWN)
        graph.answers[caller] = find_for(loaded, caller);
    return graph.answers[caller];
}

static uint32_t find_inside(const struct loaded *loaded, uintptr_t address)
{
    for (uint32_t i = 0; i < loaded->n_candidates; i++) {
        if (elf_object_spans(&loaded->objects[loaded->candidates[i]], address))
            return loaded->candidates[i];
    }
    return LOADED_NONE;
}

/* All are before the tap, so the call came here by dlsym(): not from one of them, surely. */
static uint32_t find_before(const struct loaded *loaded, uintptr_t caller)
{
    for (uint32_t i = 0; i < loaded->n_candidates; i++) {
        if (!elf_object_spans(&loaded->objects[loaded->candidates[i]], caller))
            return loaded->candidates[i];
    }
    return LOADED_NONE;
}

uint32_t scope_find(const struct loaded *loaded, const struct scope_question *question,
                    bool *ret_must_ask)
{
    *ret_must_ask = false;
    uint32_t inside = question->inside ? find_inside(loaded, question->inside) : LOADED_NONE;
    if (inside != LOADED_NONE)
        return inside;
    if (loaded->n_behind == 0)
        return find_before(loaded, question->caller);
    if (loaded->n_behind == 1)
        return loaded->candidates[0];
    read_graph(loaded);
    return find_among_several(loaded, question, ret_must_ask);
}

bool scope_is_permanent(const struct loaded *loaded, const struct elf_object *object)
{
    read_graph(loaded);
    read_tree(loaded, 0);
    for (uint32_t i = 0; i < tree.n; i++) {
        if (elf_object_is_same(&loaded->objects[tree.objects[i]], object))
            return true;
    }
    return false;
}
