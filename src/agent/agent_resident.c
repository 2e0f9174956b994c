/* SPDX-License-Identifier: MPL-2.0 */
#include "agent/agent_resident.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* With relocations in its text, an object's read-only pages are not what its file has. */
static bool has_text_relocations(const struct dl_phdr_info *object)
{
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr +
                                                     object->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)))
                return true;
        }
        return false;
    }
    return true; /* not an object that the loader loaded */
}

static int drop_pages(struct dl_phdr_info *object, size_t size, void *state)
{
    const uintptr_t page_size = *(const uintptr_t *)state;
    (void)size;
    if (has_text_relocations(object))
        return 0;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W))
            continue;
        uintptr_t start = (object->dlpi_addr + part->p_vaddr) & ~(page_size - 1);
        uintptr_t end = object->dlpi_addr + part->p_vaddr + part->p_memsz;
        (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void agent_resident_trim(void)
{
    uintptr_t page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(drop_pages, &page_size);
    malloc_trim(0);
}
