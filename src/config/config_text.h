/* SPDX-License-Identifier: MPL-2.0 */
/*
 * config_text - whether a text may be given to libfyaml at all.
 *
 * libfyaml ends a document silently at a byte that is not UTF-8. And 0.7.12 crashes when it frees
 * a parser that failed behind a '?' that begins an explicit key ("? y:<tab>|": fy_fetch_value()
 * recycles its key twice). What is a key is not told from text, so a '?' by itself is refused
 * wherever it stands, but for lines of comment and for what looks like a quoted text in one line:
 * CURVE keys have such. Who lets one of these through must not free a parser that fails.
 *
 * Thread: any.   Blocks: no.
 */
#ifndef CONFIG_CONFIG_TEXT_H
#define CONFIG_CONFIG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct config_text_place {
    unsigned line, column; /* from 1 */
};

/* NULL if it may be parsed; else why not, a literal, and where. `ret_has_question`: there is a
 * quoted '?' by itself. */
const char *config_text_check(const char *text, size_t size, struct config_text_place *ret_place,
                              bool *ret_has_question);

#endif
