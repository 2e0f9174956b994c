/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/build_id.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NATIVE_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

/* What is needed of the file's and a program header, in either class. */
struct elf_header {
    bool is_64;
    uint64_t offset; /* of the program headers */
    uint16_t size, n;
};

struct elf_segment {
    uint32_t type;
    uint64_t offset, size;
};

static int read_at(int fd, uint64_t offset, void *place, size_t size)
{
    if (offset > INT64_MAX)
        return -EBADMSG;
    ssize_t got = pread(fd, place, size, (off_t)offset);
    if (got < 0)
        return -errno;
    return (size_t)got == size ? 0 : -EBADMSG;
}

static int read_header(int fd, struct elf_header *ret_header)
{
    union {
        unsigned char ident[EI_NIDENT];
        Elf32_Ehdr elf32;
        Elf64_Ehdr elf64;
    } file = {0};
    int r = read_at(fd, 0, &file, sizeof(file.elf32));
    if (r < 0)
        return r;
    if (memcmp(file.ident, ELFMAG, SELFMAG) != 0 || file.ident[EI_DATA] != NATIVE_ORDER)
        return -EBADMSG;

    struct elf_header header = {.is_64 = file.ident[EI_CLASS] == ELFCLASS64};
    if (header.is_64) {
        r = read_at(fd, 0, &file, sizeof(file.elf64));
        if (r < 0)
            return r;
        header.offset = file.elf64.e_phoff;
        header.size = file.elf64.e_phentsize;
        header.n = file.elf64.e_phnum;
    } else {
        header.offset = file.elf32.e_phoff;
        header.size = file.elf32.e_phentsize;
        header.n = file.elf32.e_phnum;
    }
    if (header.size != (header.is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
        return -EBADMSG;
    *ret_header = header;
    return 0;
}

static int read_segment(int fd, const struct elf_header *header, unsigned i,
                        struct elf_segment *ret_segment)
{
    union {
        Elf32_Phdr elf32;
        Elf64_Phdr elf64;
    } entry;
    uint64_t offset;
    if (__builtin_add_overflow(header->offset, (uint64_t)i * header->size, &offset))
        return -EBADMSG;
    int r = read_at(fd, offset, &entry, header->size);
    if (r < 0)
        return r;
    if (header->is_64)
        *ret_segment = (struct elf_segment){entry.elf64.p_type, entry.elf64.p_offset,
                                            entry.elf64.p_filesz};
    else
        *ret_segment = (struct elf_segment){entry.elf32.p_type, entry.elf32.p_offset,
                                            entry.elf32.p_filesz};
    return 0;
}

static uint64_t aligned(uint64_t size)
{
    return (size + 3) & ~UINT64_C(3);
}

/* Finds the id among the notes. Sizes are 32 bits and sums 64, so nothing overflows. */
static bool find_in_notes(const unsigned char *notes, uint64_t size, char *ret_text)
{
    Elf64_Nhdr note; /* the same 12 bytes in both classes */
    for (uint64_t at = 0; at + sizeof(note) <= size;) {
        memcpy(&note, notes + at, sizeof(note));
        uint64_t name = at + sizeof(note);
        uint64_t bytes = name + aligned(note.n_namesz);
        uint64_t end = bytes + note.n_descsz;
        if (end > size)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(notes + name, "GNU", 4) == 0 && note.n_descsz > 0 &&
            note.n_descsz <= BUILD_ID_MAX_BYTES) {
            for (uint32_t i = 0; i < note.n_descsz; i++)
                (void)snprintf(ret_text + 2 * (size_t)i, 3, "%02x", notes[bytes + i]);
            return true;
        }
        at = bytes + aligned(note.n_descsz);
    }
    return false;
}

int build_id_read(int fd, char ret_text[static BUILD_ID_TEXT_SIZE])
{
    struct elf_header header;
    int r = read_header(fd, &header);
    if (r < 0)
        return r;

    unsigned char notes[BUILD_ID_NOTES_MAX];
    for (unsigned i = 0; i < header.n && i < BUILD_ID_HEADERS_MAX; i++) {
        struct elf_segment segment;
        r = read_segment(fd, &header, i, &segment);
        if (r < 0)
            return r;
        if (segment.type != PT_NOTE)
            continue;
        uint64_t size = segment.size < sizeof(notes) ? segment.size : sizeof(notes);
        r = read_at(fd, segment.offset, notes, (size_t)size);
        if (r < 0)
            return r;
        if (find_in_notes(notes, size, ret_text))
            return 0;
    }
    return -ENODATA;
}
