/* SPDX-License-Identifier: MPL-2.0 */
/* library_entries - what library.c, library_direct.c and library_pin.c share, used inside
 * loaded_visit(). */
#ifndef TAP_LIBRARY_ENTRIES_H
#define TAP_LIBRARY_ENTRIES_H

#include "tap/ground/library.h"
#include "tap/ground/loaded.h"

struct library_entry {
    struct elf_object object;
    uint32_t place;   /* in the list of loaded objects */
    bool is_followed; /* now or once: then what was learned of the copy is kept with its index */
    bool is_pinned;
    bool is_given; /* its functions were not found by their names */
};

extern struct library_entry library_entries[LIBRARY_MAX];
extern uint32_t library_n;
extern bool library_has_unpinned; /* some are followed and not yet pinned */

/* Compares the entries with a list that is new. */
void library_look_through(const struct loaded *loaded);

/* What library_direct is now. */
void library_set_direct(const struct loaded *loaded);

/* In a forked child: the thread that pins is not here. */
void library_pin_forked(void);

#endif
