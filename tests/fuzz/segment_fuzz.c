/* SPDX-License-Identifier: MPL-2.0 */
/* Any file in a segment's place: whatever the reader gives lies within what it promises. */
#include "segment_input.h"

#include "segment/segment_reader.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int is_true)
{
    if (!is_true)
        abort();
}

#define IS_ENDED(text) (memchr((text), '\0', sizeof(text)) != NULL)

static void check_header(const struct segment_header *header)
{
    demand(header->n_groups <= SEGMENT_MAX_GROUPS && header->n_lanes <= SEGMENT_MAX_LANES);
    demand(header->n_libraries <= SEGMENT_MAX_LIBRARIES);
    demand(header->n_contexts <= SEGMENT_MAX_CONTEXTS);
    demand(IS_ENDED(header->program) && IS_ENDED(header->command) && IS_ENDED(header->boot_id));
    for (unsigned i = 0; i < SEGMENT_MAX_CAPABILITIES; i++)
        demand(IS_ENDED(header->capabilities[i].reason));
    for (unsigned i = 0; i < SEGMENT_MAX_LIBRARIES; i++)
        demand(IS_ENDED(header->libraries[i].path));
}

static int read_all(struct segment_reader *reader)
{
    struct segment_group group;
    struct segment_lane lanes[3];
    int r = segment_reader_begin(reader, false);
    if (r != 0)
        return r;
    check_header(&reader->layout);
    for (uint32_t i = 0; r == 0 && i < reader->layout.n_groups; i++) {
        r = segment_reader_groups(reader, i, 1, &group);
        demand(r != 0 || (IS_ENDED(group.endpoint) && IS_ENDED(group.name)));
    }
    for (uint32_t i = 0; r == 0 && i < reader->layout.n_lanes; i += 3) {
        uint32_t n = reader->layout.n_lanes - i;
        r = segment_reader_lanes(reader, i, n < 3 ? n : 3, lanes);
    }
    return r == 0 ? segment_reader_end(reader) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("segment", MFD_CLOEXEC);
    struct segment_input input = segment_input_make(data, size);
    segment_input_write(&input, fd);
    struct segment_reader reader = {.fd = fd};
    int first = read_all(&reader);
    int second = read_all(&reader);
    demand(second == (first == 0 && reader.generation ? SEGMENT_E_UNCHANGED : first));
    free(input.bytes);

    char name[64] = "";
    struct segment_name parsed;
    memcpy(name, data, size < 63 ? size : 63);
    demand(!segment_name_parse(name, &parsed) || parsed.image < SEGMENT_MAX_IMAGES);
    return 0;
}
