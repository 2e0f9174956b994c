/* SPDX-License-Identifier: MPL-2.0 */
/*
 * next_symbol - the definition after the tap of a function that it interposes: RTLD_NEXT.
 *
 * Thread:  any. Blocks: no, for what came with the program. Calls no function of libc's then, so
 *          that it works before anything in the process has begun.
 */
#ifndef TAP_GROUND_NEXT_SYMBOL_H
#define TAP_GROUND_NEXT_SYMBOL_H

#include <stdint.h>

/* 0: there is none. */
uintptr_t next_symbol_find(const char *symbol);

#endif
