/* SPDX-License-Identifier: MPL-2.0 */
#include "libraries/build_id.h"

#include "support/cmocka.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_of(const void *bytes, size_t size)
{
    int fd = memfd_create("build_id_test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    return fd;
}

static int read_bytes(const void *bytes, size_t size, char *ret_text)
{
    int fd = file_of(bytes, size);
    int r = build_id_read(fd, ret_text);
    close(fd);
    return r;
}

/* The id of this program as its own memory has it, which the loader mapped from the notes. */
static int visit_object(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    char *text = data;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_NOTE)
            continue;
        const unsigned char *at = (const unsigned char *)(info->dlpi_addr +
                                                          info->dlpi_phdr[i].p_vaddr);
        const unsigned char *end = at + info->dlpi_phdr[i].p_memsz;
        while (at < end) {
            ElfW(Nhdr) note;
            memcpy(&note, at, sizeof(note));
            const unsigned char *bytes = at + sizeof(note) + ((note.n_namesz + 3) & ~3u);
            for (unsigned b = 0; note.n_type == NT_GNU_BUILD_ID && b < note.n_descsz; b++)
                (void)sprintf(text + 2 * b, "%02x", bytes[b]);
            at = bytes + ((note.n_descsz + 3) & ~3u);
        }
    }
    return 1; /* the program is the first object */
}

static void read__this_program__gives_the_id_the_loader_mapped(void **state)
{
    (void)state;
    char expected[BUILD_ID_TEXT_SIZE] = "", text[BUILD_ID_TEXT_SIZE];
    dl_iterate_phdr(visit_object, expected);
    if (!*expected)
        skip(); /* the linker was told to write none */
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_int_equal(build_id_read(fd, text), 0);
    close(fd);
    assert_string_equal(text, expected);
}

struct small_elf {
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    Elf64_Nhdr note;
    char name[4];
    unsigned char id[20];
};

static struct small_elf small_elf(void)
{
    return (struct small_elf){
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64,
                               __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
                                                                         : ELFDATA2MSB},
                   .e_phoff = offsetof(struct small_elf, segment),
                   .e_phentsize = sizeof(Elf64_Phdr),
                   .e_phnum = 1},
        .segment = {.p_type = PT_NOTE,
                    .p_offset = offsetof(struct small_elf, note),
                    .p_filesz = sizeof(Elf64_Nhdr) + 24},
        .note = {.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID},
        .name = "GNU",
        .id = {0xde, 0xad},
    };
}

static void read__well_formed__is_hexadecimal(void **state)
{
    (void)state;
    char text[BUILD_ID_TEXT_SIZE];
    struct small_elf file = small_elf();
    assert_int_equal(read_bytes(&file, sizeof(file), text), 0);
    assert_string_equal(text, "dead000000000000000000000000000000000000");
}

static void read__lies_in_the_headers__are_refused(void **state)
{
    (void)state;
    char text[BUILD_ID_TEXT_SIZE];
    struct small_elf file = small_elf();
    for (size_t size = 0; size < offsetof(struct small_elf, id) + sizeof(file.id); size++)
        assert_true(read_bytes(&file, size, text) < 0);

    file.header.e_phoff = UINT64_MAX - 8;
    assert_int_equal(read_bytes(&file, sizeof(file), text), -EBADMSG);
    file = small_elf();
    file.header.e_phentsize = 1;
    assert_int_equal(read_bytes(&file, sizeof(file), text), -EBADMSG);
    file = small_elf();
    file.segment.p_offset = INT64_MAX - 4;
    assert_true(read_bytes(&file, sizeof(file), text) < 0);
    file = small_elf();
    file.segment.p_filesz = UINT64_MAX;
    assert_true(read_bytes(&file, sizeof(file), text) < 0);
    file = small_elf();
    file.note.n_namesz = UINT32_MAX;
    assert_int_equal(read_bytes(&file, sizeof(file), text), -ENODATA);
    file = small_elf();
    file.note.n_descsz = UINT32_MAX;
    assert_int_equal(read_bytes(&file, sizeof(file), text), -ENODATA);
    file = small_elf();
    file.header.e_phnum = 0;
    assert_int_equal(read_bytes(&file, sizeof(file), text), -ENODATA);
    assert_int_equal(read_bytes("#!/bin/sh\n", 10, text), -EBADMSG);
}

#define LONGEST BUILD_ID_MAX_BYTES
#define NAMED(n)                                                                                   \
    {                                                                                              \
        .n_namesz = 4, .n_descsz = (n), .n_type = NT_GNU_BUILD_ID                                  \
    }

/* A file with one segment of notes: `size` bytes of the id are in it, `claimed` are said to be. */
static int read_id(uint32_t claimed, uint64_t size, char *ret_text)
{
    struct {
        struct small_elf elf;
        unsigned char more[128];
    } file = {.elf = small_elf()};
    file.elf.note = (Elf64_Nhdr)NAMED(claimed);
    file.elf.segment.p_filesz = sizeof(Elf64_Nhdr) + 4 + size;
    return read_bytes(&file, sizeof(file), ret_text);
}

/* A byte more than there is room for would be written behind the text, whatever the segment has. */
static void read__id_at_its_limits__is_read_or_left(void **state)
{
    (void)state;
    char text[BUILD_ID_TEXT_SIZE + 64] = "";
    assert_int_equal(read_id(LONGEST, LONGEST, text), 0);
    assert_int_equal(strlen(text), 2 * LONGEST);
    assert_int_equal(read_id(1, 1, text), 0);
    assert_int_equal(strlen(text), 2);

    memset(text, '#', sizeof(text));
    assert_int_equal(read_id(LONGEST + 1, LONGEST + 1, text), -ENODATA);
    assert_int_equal(read_id(LONGEST + 32, LONGEST + 32, text), -ENODATA);
    assert_int_equal(read_id(0, 0, text), -ENODATA);
    /* An id that would end behind its segment, by a byte and by many. */
    assert_int_equal(read_id(20, 19, text), -ENODATA);
    assert_int_equal(read_id(LONGEST, 20, text), -ENODATA);
    for (size_t i = 0; i < sizeof(text); i++)
        assert_int_equal(text[i], '#');
}

static void read__notes_of_others__are_passed_over(void **state)
{
    (void)state;
    char text[BUILD_ID_TEXT_SIZE];
    struct {
        struct small_elf elf;
        Elf64_Nhdr second;
        char name[4];
        unsigned char id[2];
    } file = {.elf = small_elf(), .second = NAMED(2), .name = "GNU", .id = {0xbe, 0xef}};
    file.elf.segment.p_filesz = sizeof(file) - offsetof(struct small_elf, note);

    file.elf.note.n_type = NT_GNU_ABI_TAG;
    file.elf.note.n_descsz = offsetof(__typeof__(file), second) - offsetof(struct small_elf, id);
    assert_int_equal(read_bytes(&file, sizeof(file), text), 0);
    assert_string_equal(text, "beef");
    file.elf.note.n_type = NT_GNU_BUILD_ID;
    memcpy(file.elf.name, "Go\0", 4);
    assert_int_equal(read_bytes(&file, sizeof(file), text), 0);
    assert_string_equal(text, "beef");
    file.elf.note.n_descsz -= 2; /* what follows begins at the next multiple of four */
    assert_int_equal(read_bytes(&file, sizeof(file), text), 0);
    assert_string_equal(text, "beef");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read__this_program__gives_the_id_the_loader_mapped),
        cmocka_unit_test(read__well_formed__is_hexadecimal),
        cmocka_unit_test(read__lies_in_the_headers__are_refused),
        cmocka_unit_test(read__id_at_its_limits__is_read_or_left),
        cmocka_unit_test(read__notes_of_others__are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
