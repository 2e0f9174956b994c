/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: three passes over the object's mappings: for the names; for words that point to one of
 * them, which are second words of type information; for words that point to one of these, which
 * precede a virtual table's functions. Copies of a name, as in the table of symbols, have nothing
 * that points to them.
 */
#include "peek/peek_classes.h"

#include "queues/pipe_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK       ((size_t)256 << 10)
#define OVERLAP     ((size_t)64) /* that the next chunk begins before: more than a name */
#define MAX_FILES   256u
#define LONGEST_GAP ((uintptr_t)1 << 31) /* between two mappings of one object */

static const char *const names[PEEK_N_CLASSES] = {
#define X(number, name) [PEEK_CLASS_SOCKET_##number] = name,
    PEEK_SOCKET_CLASSES(X)
#undef X
#define X(id, name) [PEEK_CLASS_##id] = name,
        PEEK_OTHER_CLASSES(X)
#undef X
};

struct file {
    uint64_t device, inode;
    bool has_classes;
    uintptr_t offsets[PEEK_N_CLASSES]; /* from the object's base; 0: not there */
};

struct peek_class_files {
    struct file files[MAX_FILES];
    size_t n, next; /* `next` gives up its place when all are taken */
};

struct place {
    uintptr_t address;
    int class;
};

struct places {
    struct place items[PEEK_MAX_NAMES];
    size_t n;
};

struct search {
    struct peek_target *target;
    const struct peek_mapping *first, *last; /* of the object */
    int file_fd;
    unsigned char *chunk;
    struct places names, infos;
    uintptr_t vtables[PEEK_N_CLASSES];
};

struct peek_class_files *peek_class_files_new(void)
{
    return calloc(1, sizeof(struct peek_class_files));
}

void peek_class_files_destroy(struct peek_class_files **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

/* All mappings of the file that belong together, and those of no file in between: .bss. */
static void find_extent(const struct peek_maps *maps, const struct peek_mapping *mapping,
                        const struct peek_mapping **ret_first, const struct peek_mapping **ret_last)
{
    const struct peek_mapping *first = mapping, *last = mapping, *end = maps->items + maps->n;
    for (const struct peek_mapping *m = mapping; m > maps->items; m--) {
        if (!peek_mapping_is_same_file(&m[-1], mapping) || m[-1].offset > m->offset ||
            m->begin - m[-1].end > LONGEST_GAP)
            break;
        first = &m[-1];
    }
    for (const struct peek_mapping *m = mapping + 1; m < end; m++) {
        if (!peek_mapping_is_same_file(m, mapping) || m->offset < m[-1].offset)
            break;
        last = m;
    }
    *ret_first = first;
    *ret_last = last;
}

typedef void (*look_fn)(struct search *self, uintptr_t address, size_t size, bool is_last);

static void each_chunk(struct search *self, const struct peek_mapping *mapping, look_fn look)
{
    for (uintptr_t at = mapping->begin; at < mapping->end;) {
        size_t left = mapping->end - at, size = left < CHUNK ? left : CHUNK;
        struct pipe_memory_range range = {.address = at, .to = self->chunk, .size = (uint32_t)size};
        peek_target_read_file(self->target, self->file_fd, mapping, &range);
        look(self, at, size, size == left);
        at += size == left ? size : size - OVERLAP;
    }
}

static void each_mapping(struct search *self, bool is_code, look_fn look)
{
    uint64_t n_bytes = 0;
    for (const struct peek_mapping *m = self->first; m <= self->last; m++) {
        n_bytes += m->end - m->begin;
        if (m->is_readable && m->is_executable == is_code && n_bytes <= PEEK_MAX_OBJECT_BYTES)
            each_chunk(self, m, look);
    }
}

static void enter(struct places *places, uintptr_t address, int class)
{
    for (size_t i = 0; i < places->n; i++) {
        if (places->items[i].address == address)
            return; /* an overlap is looked at twice */
    }
    if (places->n < PEEK_MAX_NAMES)
        places->items[places->n++] = (struct place){address, class};
}

static int class_at(const unsigned char *text, size_t size)
{
    for (int i = 0; i < PEEK_N_CLASSES; i++) {
        size_t length = strlen(names[i]) + 1;
        if (length <= size && memcmp(text, names[i], length) == 0)
            return i;
    }
    return -1;
}

static void look_for_names(struct search *self, uintptr_t address, size_t size, bool is_last)
{
    static const char prefix[] = "N3zmq";
    const unsigned char *at = self->chunk, *end = self->chunk + size;
    (void)is_last;
    while ((at = memmem(at, (size_t)(end - at), prefix, sizeof(prefix) - 1))) {
        int class = class_at(at, (size_t)(end - at));
        if (class >= 0)
            enter(&self->names, address + (uintptr_t)(at - self->chunk), class);
        at++;
    }
}

static int compare_places(const void *a, const void *b)
{
    const struct place *one = a, *other = b;
    return one->address < other->address ? -1 : one->address > other->address;
}

static const struct place *find_place(const struct places *places, uintptr_t address)
{
    if (places->n == 0 || address < places->items[0].address ||
        address > places->items[places->n - 1].address)
        return NULL;
    return bsearch(&(struct place){.address = address}, places->items, places->n,
                   sizeof(struct place), compare_places);
}

static void look_for_infos(struct search *self, uintptr_t address, size_t size, bool is_last)
{
    (void)is_last;
    for (uint32_t i = PIPE_POINTER; i + PIPE_POINTER <= size; i += PIPE_POINTER) {
        const struct place *name = find_place(&self->names, pipe_pointer_at(self->chunk, i));
        if (name)
            enter(&self->infos, address + i - PIPE_POINTER, name->class);
    }
}

static bool is_code(const struct search *self, uintptr_t address)
{
    const struct peek_mapping *mapping = peek_maps_find(&self->target->maps, address);
    return mapping && mapping->is_executable;
}

static void look_for_vtables(struct search *self, uintptr_t address, size_t size, bool is_last)
{
    (void)is_last;
    for (uint32_t i = PIPE_POINTER; i + 2 * PIPE_POINTER <= size; i += PIPE_POINTER) {
        const struct place *info = find_place(&self->infos, pipe_pointer_at(self->chunk, i));
        if (info && pipe_pointer_at(self->chunk, i - PIPE_POINTER) == 0 &&
            is_code(self, pipe_pointer_at(self->chunk, i + PIPE_POINTER)))
            self->vtables[info->class] = address + i + PIPE_POINTER;
    }
}

static void sort(struct places *places)
{
    qsort(places->items, places->n, sizeof(places->items[0]), compare_places);
}

static bool has_pipe_name(const struct search *self)
{
    for (size_t i = 0; i < self->names.n; i++) {
        if (self->names.items[i].class == PEEK_CLASS_PIPE)
            return true;
    }
    return false;
}

/* Constants lie beside code in objects that old linkers made. */
static void search(struct search *self)
{
    each_mapping(self, false, look_for_names);
    if (!has_pipe_name(self))
        each_mapping(self, true, look_for_names);
    if (!has_pipe_name(self))
        return;
    sort(&self->names);
    each_mapping(self, false, look_for_infos);
    if (self->infos.n == 0)
        each_mapping(self, true, look_for_infos);
    sort(&self->infos);
    each_mapping(self, false, look_for_vtables);
    if (self->vtables[PEEK_CLASS_PIPE] == 0)
        each_mapping(self, true, look_for_vtables);
}

/*
 * What is known of a file
 */
static bool is_named(struct peek_target *target, uintptr_t vtable, const char *name)
{
    uintptr_t info, text;
    char found[OVERLAP] = "";
    size_t length = strlen(name) + 1;
    return pipe_memory_read_one(&target->memory, vtable - PIPE_POINTER, &info, sizeof(info)) &&
           pipe_memory_read_one(&target->memory, info + PIPE_POINTER, &text, sizeof(text)) &&
           pipe_memory_read_one(&target->memory, text, found, length) &&
           memcmp(found, name, length) == 0;
}

bool peek_classes_check(const struct peek_classes *classes, struct peek_target *target)
{
    for (int i = PEEK_CLASS_BEFORE_OTHERS + 1; i < PEEK_N_CLASSES; i++) {
        if (classes->vtables[i] != 0 && !is_named(target, classes->vtables[i], names[i]))
            return false;
    }
    return classes->vtables[PEEK_CLASS_PIPE] != 0;
}

static struct file *find_file(struct peek_class_files *files, const struct peek_mapping *mapping)
{
    for (size_t i = 0; i < files->n; i++) {
        if (files->files[i].device == mapping->device && files->files[i].inode == mapping->inode)
            return &files->files[i];
    }
    return NULL;
}

static struct file *take_place(struct peek_class_files *files)
{
    if (files->n < MAX_FILES)
        return &files->files[files->n++];
    return &files->files[files->next++ % MAX_FILES];
}

static void remember(struct peek_class_files *files, const struct peek_mapping *mapping,
                     const struct peek_classes *classes)
{
    struct file *file = find_file(files, mapping);
    if (!file)
        file = take_place(files);
    *file = (struct file){.device = mapping->device, .inode = mapping->inode};
    for (int i = 0; i < PEEK_N_CLASSES; i++) {
        file->offsets[i] = classes->vtables[i] ? classes->vtables[i] - classes->base : 0;
        file->has_classes = file->has_classes || classes->vtables[i] != 0;
    }
}

static void recall(const struct file *file, struct peek_classes *classes)
{
    for (int i = 0; i < PEEK_N_CLASSES; i++)
        classes->vtables[i] = file->offsets[i] ? classes->base + file->offsets[i] : 0;
}

/* Of a process that ended, or had not yet loaded all, less was found than there is. */
static bool is_sure(const struct search *self)
{
    if (!self->target->memory.is_by_call || !peek_target_is_alive(self->target))
        return false;
    if (!has_pipe_name(self))
        return true;
    return self->vtables[PEEK_CLASS_PIPE] && self->vtables[PEEK_CLASS_MAILBOX] &&
           self->vtables[PEEK_CLASS_PLAIN_QUEUE] && self->vtables[PEEK_CLASS_COMMAND_QUEUE] &&
           self->vtables[PEEK_CLASS_IO_THREAD] && self->vtables[PEEK_CLASS_SOCKET_8];
}

static int search_file(struct peek_target *target, const struct peek_mapping *extent[2],
                       struct peek_classes *ret_classes, bool *ret_is_sure)
{
    struct search *self = calloc(1, sizeof(*self) + CHUNK);
    if (!self)
        return -ENOMEM;
    self->target = target;
    self->first = extent[0];
    self->last = extent[1];
    self->chunk = (unsigned char *)(self + 1);
    self->file_fd = peek_target_open_file(target, extent[0]);
    search(self);
    if (self->file_fd >= 0)
        close(self->file_fd);
    memcpy(ret_classes->vtables, self->vtables, sizeof(ret_classes->vtables));
    *ret_is_sure = is_sure(self);
    free(self);
    return 0;
}

int peek_classes_find(struct peek_class_files *files, struct peek_target *target,
                      const struct peek_mapping *mapping, struct peek_classes *ret_classes)
{
    const struct peek_mapping *extent[2];
    if (mapping->inode == 0)
        return PEEK_E_NO_CLASSES;
    find_extent(&target->maps, mapping, &extent[0], &extent[1]);
    *ret_classes = (struct peek_classes){.base = extent[0]->begin};
    const struct file *file = find_file(files, mapping);
    if (file && !file->has_classes)
        return PEEK_E_NO_CLASSES;
    if (file)
        recall(file, ret_classes);
    if (!file || !peek_classes_check(ret_classes, target)) {
        bool is_sure;
        int r = search_file(target, extent, ret_classes, &is_sure);
        if (r < 0)
            return r;
        if (is_sure)
            remember(files, mapping, ret_classes);
    }
    return ret_classes->vtables[PEEK_CLASS_PIPE] != 0 ? 0 : PEEK_E_NO_CLASSES;
}

int peek_classes_type(const struct peek_classes *self, uintptr_t vtable)
{
    for (int i = 0; vtable != 0 && i < PEEK_N_SOCKET_CLASSES; i++) {
        if (self->vtables[i] == vtable)
            return i;
    }
    return -1;
}
