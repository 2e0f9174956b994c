/* SPDX-License-Identifier: MPL-2.0 */
/*
 * segment_state_file - the state file's name in the directory, which any user can write to.
 *
 * Loaded only if it is a regular file of the agent's own user, or root, that nobody else may
 * write. Saved whole under another name, then renamed: a reader, and an agent that is killed
 * at any moment, finds the old text or the new one.
 */
#ifndef SEGMENT_SEGMENT_STATE_FILE_H
#define SEGMENT_SEGMENT_STATE_FILE_H

#include "base/string_buffer.h"

#define SEGMENT_STATE_FILE "state"

/* -ENOENT: there is none. -EPERM: of another user. -EFBIG. */
int segment_state_file_load(int directory_fd, struct string_buffer *ret_text);

int segment_state_file_save(int directory_fd, const struct string_buffer *text);

#endif
