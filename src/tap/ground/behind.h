/* SPDX-License-Identifier: MPL-2.0 */
/*
 * behind - the next definition of a function that the tap interposes, as RTLD_NEXT would find it.
 *
 * Thread:  any. Blocks: no, for what came with the program. Calls no function of libc's then, so
 *          that it works before anything in the process has begun.
 */
#ifndef TAP_GROUND_BEHIND_H
#define TAP_GROUND_BEHIND_H

#include <stdint.h>

/* 0: there is none. */
uintptr_t behind_find(const char *symbol);

#endif
