/* SPDX-License-Identifier: MPL-2.0 */
/*
 * bare_writer - a segment without a tap or libzmq, for processors and word sizes that have none
 * here. Publishes numbers that need more than 32 bits, says "ready" and waits for the end of its
 * input.
 */
#include "segment/segment_writer.h"

#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct segment_table *table;
    struct segment_writer *writer;
    uint32_t lane;
    if (segment_table_new(16, &table) < 0 ||
        segment_writer_new(table, getenv(SEGMENT_DIRECTORY_VARIABLE), &writer) < 0)
        return 1;
    for (unsigned i = 0; i < SEGMENT_N_CAPABILITIES; i++)
        table->header->capabilities[i].state = SEGMENT_CAPABILITY_ON;
    table->header->samples = UINT64_C(5000000000);
    for (unsigned i = 0; i < 20; i++) {
        uint32_t group = segment_table_group(table, 8, i % 2 ? "tcp://*:1" : "tcp://*:2", NULL);
        if (segment_table_take_lane(table, group, &lane) < 0)
            return 2;
        uint64_t *words = segment_table_words(table, lane);
        segment_word_add(&words[SEGMENT_SENT_MESSAGES], UINT64_C(10000000001));
        segment_word_set(&words[SEGMENT_SEND_QUEUE], i);
        segment_word_set(&words[SEGMENT_OPTION_LINGER], (uint64_t)-1);
    }
    if (segment_writer_publish(writer) < 0)
        return 3;
    printf("ready %zu\n", sizeof(void *) * 8);
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    segment_writer_close(writer);
    return 0;
}
