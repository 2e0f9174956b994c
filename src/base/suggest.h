/* SPDX-License-Identifier: MPL-2.0 */
/*
 * suggest - the known word that a mistyped one was meant to be.
 *
 * For messages about flags, keys and commands: "unknown key 'tagret' (did you mean 'target'?)".
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/* The nearest of `n` words by edits (insert, delete, replace, swap of neighbours), or NULL if
 * none is near: at most a third of the longer word. `words` may hold NULLs, which are skipped. */
const char *suggest_nearest(const char *word, const char *const *words, size_t n);

#endif
