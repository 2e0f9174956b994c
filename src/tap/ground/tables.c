/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/tables.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

/* Enough for any table's own alignment, and it keeps one's pages from another's. */
#define STRIDE 4096u

/* The linker's names for the section's ends. */
extern const struct tables_row __start_tap_tables[] __attribute__((visibility("hidden"), weak));
extern const struct tables_row __stop_tap_tables[] __attribute__((visibility("hidden"), weak));

static bool is_mapped;

static size_t room_of(const struct tables_row *row)
{
    return (row->size + STRIDE - 1) / STRIDE * STRIDE;
}

/* Most of it is never touched: no page is reserved, none is made larger than it must be, and a core
 * dump of the program is about the program. */
static char *map(size_t size)
{
    void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    (void)madvise(room, size, MADV_DONTDUMP);
    (void)madvise(room, size, MADV_NOHUGEPAGE);
    return room;
}

int tables_map(void)
{
    size_t size = 0;
    if (is_mapped)
        return 0;
    for (const struct tables_row *row = __start_tap_tables; row < __stop_tap_tables; row++)
        size += room_of(row);
    char *next = map(size);
    if (!next)
        return -ENOMEM;
    for (const struct tables_row *row = __start_tap_tables; row < __stop_tap_tables; row++) {
        memcpy(row->pointer, &next, sizeof(next));
        next += room_of(row);
    }
    is_mapped = true;
    return 0;
}
