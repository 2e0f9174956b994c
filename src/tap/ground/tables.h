/* SPDX-License-Identifier: MPL-2.0 */
/*
 * tables - memory for what the parts keep of each socket, mapped with the first one.
 *
 * As arrays of the library these would be charged to every process that is given the tap, to its
 * address space and its data (ulimit -v, -d), while the linker loads it: whether it ever makes a
 * socket or not, and before the tap can stay out. What a call looks into whose handle may be no
 * socket remains an array: registry_slots, fake_socket_addresses.
 *
 * Thread:  tables_map: one at a time, before anything is kept. A child process has them, too.
 * Errors:  -ENOMEM
 */
#ifndef TAP_TABLES_H
#define TAP_TABLES_H

#include <stddef.h>

struct tables_row {
    void *pointer; /* to the variable that is set: a pointer */
    size_t size;
};

/* `pointer`, a variable of the file, is to have room for `n` of what it points to, all zero. */
#define TABLES_ROW(pointer, n)                                                                     \
    static const struct tables_row tables_row_##pointer                                            \
        __attribute__((section("tap_tables"), used)) = {&(pointer), sizeof(*(pointer)) * (n)}

/* Sets all of them. Does nothing if that was done. */
int tables_map(void);

#endif
