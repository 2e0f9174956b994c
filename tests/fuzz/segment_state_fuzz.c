/* SPDX-License-Identifier: MPL-2.0 */
/* Any text as a state file: what is understood is written again, and understood the same. */
#include "segment/segment_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BOOT "boot"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int copy_folded(const struct segment_state_process *process, void *data)
{
    segment_state_add_folded(data, process);
    return 0;
}

static int copy_process(const struct segment_state_process *process, void *data)
{
    segment_state_add_process(data, process);
    return 0;
}

static int copy_program(const struct segment_state_program *program, void *data)
{
    segment_state_add_program(data, program, program->counters, SEGMENT_STATE_N_PROCESS_COUNTERS);
    return 0;
}

static int copy_group(const struct segment_state_group *group, void *data)
{
    segment_state_add_group(data, group, group->counters);
    return 0;
}

/* The canonical text of what is understood; an error where it is not all understood. */
static int copy(const struct string_buffer *text, struct string_buffer *ret_copy)
{
    static const struct segment_state_visitor visitor = {copy_folded, copy_process, copy_program,
                                                         copy_group};
    segment_state_begin(ret_copy, BOOT);
    int r = segment_state_parse(text->data ? text->data : "", text->size, BOOT, &visitor, ret_copy);
    segment_state_end(ret_copy);
    return r;
}

static void check(const struct string_buffer *text)
{
    struct string_buffer first = {0}, second = {0};
    int r = copy(text, &first);
    if (r < 0 || (r == 0 && copy(&first, &second) != 0))
        abort();
    if (r == 0 && (first.size != second.size || memcmp(first.data, second.data, first.size) != 0))
        abort();
    string_buffer_finish(&first);
    string_buffer_finish(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct string_buffer text = {0};
    string_buffer_append(&text, (const char *)data, size);
    check(&text);
    /* Also with the check line that no fuzzer finds. */
    segment_state_end(&text);
    check(&text);
    string_buffer_finish(&text);
    return 0;
}
