/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/elf_object.h"

#include <elf.h>

#define VERSION_HIDDEN 0x8000u
#define VERSION_LOCAL  0u

struct tables {
    uintptr_t dynamic_end;
    uintptr_t symbols, symbols_end;
    const char *strings;
    size_t strings_size;
    uintptr_t gnu_hash, gnu_hash_end;
    uintptr_t hash, hash_end;
    uintptr_t versions, versions_end;
};

struct elf_object elf_object_of(const struct dl_phdr_info *info)
{
    struct elf_object self = {.name = info->dlpi_name ? info->dlpi_name : "",
                              .headers = info->dlpi_phdr,
                              .n_headers = info->dlpi_phdr ? info->dlpi_phnum : 0,
                              .base = info->dlpi_addr,
                              .begin = UINTPTR_MAX};
    for (size_t i = 0; i < self.n_headers; i++) {
        const ElfW(Phdr) *header = &self.headers[i];
        uintptr_t begin = self.base + header->p_vaddr;
        if (header->p_type == PT_DYNAMIC)
            self.dynamic = begin;
        if (header->p_type != PT_LOAD)
            continue;
        if (begin < self.begin)
            self.begin = begin;
        if (begin + header->p_memsz > self.end)
            self.end = begin + header->p_memsz;
    }
    return self;
}

bool elf_object_is_same(const struct elf_object *a, const struct elf_object *b)
{
    return a->base == b->base && a->begin == b->begin && a->end == b->end &&
           a->dynamic == b->dynamic;
}

static const ElfW(Phdr) everything = {.p_type = PT_LOAD, .p_flags = PF_R, .p_memsz = SIZE_MAX / 2};

struct elf_object elf_object_of_map(const struct link_map *map)
{
    return (struct elf_object){.name = map->l_name ? map->l_name : "",
                               .headers = &everything,
                               .n_headers = 1,
                               .base = map->l_addr,
                               .begin = map->l_addr,
                               .end = map->l_addr + SIZE_MAX / 2,
                               .dynamic = (uintptr_t)map->l_ld};
}

/* The end of the readable segment that `address` lies in; 0 if it lies in none. */
static uintptr_t segment_end(const struct elf_object *self, uintptr_t address)
{
    for (size_t i = 0; i < self->n_headers; i++) {
        const ElfW(Phdr) *header = &self->headers[i];
        uintptr_t begin = self->base + header->p_vaddr;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_R) && address >= begin &&
            address - begin < header->p_memsz)
            return begin + header->p_memsz;
    }
    return 0;
}

/* glibc has made most of them addresses already, others have not, nor glibc those of the vdso. */
static uintptr_t address_in(const struct elf_object *self, uintptr_t pointer)
{
    return elf_object_spans(self, pointer) ? pointer : self->base + pointer;
}

static bool has_room(uintptr_t address, size_t size, uintptr_t end)
{
    return address < end && end - address >= size;
}

static void place(const struct elf_object *self, uintptr_t pointer, uintptr_t *ret_begin,
                  uintptr_t *ret_end)
{
    uintptr_t begin = address_in(self, pointer);
    uintptr_t end = segment_end(self, begin);
    if (end) {
        *ret_begin = begin;
        *ret_end = end;
    }
}

static const ElfW(Dyn) * entry_at(const struct elf_object *self, size_t i, uintptr_t end)
{
    uintptr_t address = self->dynamic + i * sizeof(ElfW(Dyn));
    if (!has_room(address, sizeof(ElfW(Dyn)), end))
        return NULL;
    const ElfW(Dyn) *entry = (const void *)address;
    return entry->d_tag == DT_NULL ? NULL : entry;
}

static void read_entry(const struct elf_object *self, const ElfW(Dyn) * entry, struct tables *to)
{
    uintptr_t strings = 0, end = 0;
    switch (entry->d_tag) {
    case DT_SYMTAB:
        place(self, entry->d_un.d_ptr, &to->symbols, &to->symbols_end);
        break;
    case DT_GNU_HASH:
        place(self, entry->d_un.d_ptr, &to->gnu_hash, &to->gnu_hash_end);
        break;
    case DT_HASH:
        place(self, entry->d_un.d_ptr, &to->hash, &to->hash_end);
        break;
    case DT_VERSYM:
        place(self, entry->d_un.d_ptr, &to->versions, &to->versions_end);
        break;
    case DT_STRTAB:
        place(self, entry->d_un.d_ptr, &strings, &end);
        to->strings = (const char *)strings;
        break;
    case DT_STRSZ:
        to->strings_size = entry->d_un.d_val;
        break;
    default:
        break;
    }
}

/* What no linker has made so is no table. */
static void drop_misaligned(struct tables *tables)
{
    if (tables->symbols % _Alignof(ElfW(Sym)))
        tables->symbols = 0;
    if (tables->gnu_hash % _Alignof(ElfW(Addr)))
        tables->gnu_hash = 0;
    if (tables->hash % _Alignof(uint32_t))
        tables->hash = 0;
    if (tables->versions % _Alignof(ElfW(Half)))
        tables->versions = 0;
}

static bool read_tables(const struct elf_object *self, struct tables *ret)
{
    *ret = (struct tables){.dynamic_end = self->dynamic ? segment_end(self, self->dynamic) : 0};
    const ElfW(Dyn) * entry;
    for (size_t i = 0; (entry = entry_at(self, i, ret->dynamic_end)); i++)
        read_entry(self, entry, ret);
    drop_misaligned(ret);
    uintptr_t strings = (uintptr_t)ret->strings;
    return strings && has_room(strings, ret->strings_size, segment_end(self, strings));
}

/* A text of the table, with its NUL, or NULL. */
static const char *string_at(const struct tables *tables, size_t offset)
{
    for (size_t i = offset; i < tables->strings_size; i++) {
        if (tables->strings[i] == '\0')
            return tables->strings + offset;
    }
    return NULL;
}

static bool has_name(const struct tables *tables, size_t offset, const char *name)
{
    for (; offset < tables->strings_size && tables->strings[offset] == *name; offset++, name++) {
        if (*name == '\0')
            return true;
    }
    return false;
}

static bool is_default_version(const struct tables *tables, size_t i)
{
    if (!tables->versions)
        return true;
    uintptr_t address = tables->versions + i * sizeof(ElfW(Half));
    if (!has_room(address, sizeof(ElfW(Half)), tables->versions_end))
        return false;
    ElfW(Half) version = *(const ElfW(Half) *)address;
    return version != VERSION_LOCAL && !(version & VERSION_HIDDEN);
}

/* The value of symbol `i` if it is the one that is looked for, else 0. */
static uintptr_t match(const struct tables *tables, size_t i, const char *name)
{
    uintptr_t address = tables->symbols + i * sizeof(ElfW(Sym));
    if (!has_room(address, sizeof(ElfW(Sym)), tables->symbols_end))
        return 0;
    const ElfW(Sym) *symbol = (const void *)address;
    unsigned char type = ELF64_ST_TYPE(symbol->st_info), binding = ELF64_ST_BIND(symbol->st_info);
    bool is_usable = symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0 &&
                     (binding == STB_GLOBAL || binding == STB_WEAK || binding == STB_GNU_UNIQUE) &&
                     (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
    return is_usable && has_name(tables, symbol->st_name, name) && is_default_version(tables, i)
               ? symbol->st_value
               : 0;
}

static uint32_t hash_gnu(const char *name)
{
    uint32_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

/* Header of four words, a Bloom filter, buckets, and for each symbol its hash, of which the last
 * bit says that it is the last of its bucket. */
static uintptr_t find_gnu(const struct tables *tables, const char *name)
{
    const uint32_t *head = (const void *)tables->gnu_hash;
    if (!has_room(tables->gnu_hash, 4 * sizeof(*head), tables->gnu_hash_end))
        return 0;
    uint32_t n_buckets = head[0], first = head[1], n_filter = head[2], shift = head[3] % 32;
    uintptr_t filter = tables->gnu_hash + 4 * sizeof(*head);
    uintptr_t room = (tables->gnu_hash_end - filter) / sizeof(ElfW(Addr));
    if (n_buckets == 0 || n_filter == 0 || n_filter > room)
        return 0;

    const unsigned bits = 8 * sizeof(ElfW(Addr));
    uint32_t hash = hash_gnu(name);
    ElfW(Addr) word = ((const ElfW(Addr) *)filter)[hash / bits % n_filter];
    if (!(word >> (hash % bits) & 1) || !(word >> ((hash >> shift) % bits) & 1))
        return 0;

    const uint32_t *buckets = (const void *)(filter + n_filter * sizeof(ElfW(Addr)));
    size_t n_words = (tables->gnu_hash_end - (uintptr_t)buckets) / sizeof(*buckets);
    if (n_buckets > n_words)
        return 0;
    const uint32_t *hashes = buckets + n_buckets;
    n_words -= n_buckets;
    uint32_t i = buckets[hash % n_buckets];
    if (i < first)
        return 0;
    for (; i - first < n_words; i++) {
        uint32_t other = hashes[i - first];
        uintptr_t value = (other | 1) == (hash | 1) ? match(tables, i, name) : 0;
        if (value || (other & 1))
            return value;
    }
    return 0;
}

static uint32_t hash_sysv(const char *name)
{
    uint32_t hash = 0;
    for (; *name; name++) {
        hash = (hash << 4) + (unsigned char)*name;
        hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
    }
    return hash;
}

/* Two counts, buckets, and for each symbol the next one of its bucket. */
static uintptr_t find_sysv(const struct tables *tables, const char *name)
{
    const uint32_t *words = (const void *)tables->hash;
    if (!has_room(tables->hash, 2 * sizeof(*words), tables->hash_end))
        return 0;
    size_t n_words = (tables->hash_end - tables->hash) / sizeof(*words) - 2;
    uint32_t n_buckets = words[0], n_symbols = words[1];
    if (n_buckets == 0 || n_buckets > n_words || n_symbols > n_words - n_buckets)
        return 0;
    const uint32_t *next = words + 2 + n_buckets;
    uint32_t i = words[2 + hash_sysv(name) % n_buckets];
    for (uint32_t n = 0; i != 0 && i < n_symbols && n < n_symbols; n++, i = next[i]) {
        uintptr_t value = match(tables, i, name);
        if (value)
            return value;
    }
    return 0;
}

uintptr_t elf_object_find(const struct elf_object *self, const char *symbol)
{
    struct tables tables;
    if (!read_tables(self, &tables) || !tables.symbols)
        return 0;
    uintptr_t value = tables.gnu_hash ? find_gnu(&tables, symbol)
                      : tables.hash   ? find_sysv(&tables, symbol)
                                      : 0;
    return value ? self->base + value : 0;
}

const char *elf_object_soname(const struct elf_object *self)
{
    struct tables tables;
    const ElfW(Dyn) * entry;
    if (!read_tables(self, &tables))
        return NULL;
    for (size_t i = 0; (entry = entry_at(self, i, tables.dynamic_end)); i++) {
        if (entry->d_tag == DT_SONAME)
            return string_at(&tables, entry->d_un.d_val);
    }
    return NULL;
}

const char *elf_object_needed(const struct elf_object *self, size_t i)
{
    struct tables tables;
    const ElfW(Dyn) * entry;
    if (!read_tables(self, &tables))
        return NULL;
    for (size_t at = 0; (entry = entry_at(self, at, tables.dynamic_end)); at++) {
        if (entry->d_tag == DT_NEEDED && i-- == 0)
            return string_at(&tables, entry->d_un.d_val);
    }
    return NULL;
}
