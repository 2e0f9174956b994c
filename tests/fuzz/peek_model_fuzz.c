/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whatever a reader says. Records are given short: a byte for the kind, and a few for the fields
 * that choose the way; or, where the first byte is odd, whole as they come over the socket.
 */
#include "collectors/peek/peek_model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SHORT 8u

static struct peek_record expand(const uint8_t *data)
{
    struct peek_record record = peek_record_of(data[0] % (PEEK_RECORD_N_KINDS + 1));
    if (record.kind == PEEK_RECORD_SOCKET) {
        record.socket.serial = data[1];
        record.socket.type = data[2] % 40;
        record.socket.is_closed = data[3] & 1;
        record.socket.is_valid = data[3] >> 1 & 1;
        record.socket.n_pipes = data[4];
        record.socket.n_written_more = (uint64_t)data[5] << (data[6] % 60);
        record.socket.send_queue = (uint64_t)data[6] << (data[5] % 60);
        memcpy(record.socket.endpoint, data + 6, 2);
    } else {
        record.process.pid = data[1];
        record.process.start_ticks = data[2];
        record.process.n_sockets = data[3] % 8;
        record.process.reason = data[4] % (PEEK_N_REASONS + 1);
        record.process.program[0] = (char)data[5];
    }
    return record;
}

static void check(const struct peek_model *model)
{
    for (size_t i = 0; i < model->n_processes; i++) {
        const struct peek_model_process *process = model->processes[i];
        for (size_t j = 0; j < process->n_sockets; j++) {
            if (process->sockets[j].group >= process->n_groups)
                abort();
        }
        if (process->n_groups > PEEK_MODEL_MAX_GROUPS + SEGMENT_N_TYPES)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peek_model model = {.processes = NULL};
    uint64_t now_ns = 0;
    int r = 0;
    bool is_whole = size > 0 && data[0] & 1;
    size_t step = is_whole ? sizeof(struct peek_record) : SHORT;
    for (size_t i = 1; i + step <= size && r == 0; i += step) {
        struct peek_record record;
        if (is_whole)
            memcpy(&record, data + i, sizeof(record));
        else
            record = expand(data + i);
        now_ns += (uint64_t)data[i] * 10000000;
        r = peek_model_take(&model, &record, now_ns);
        if (data[i] == 0xff)
            peek_model_restart(&model);
        if (data[i] == 0xfe)
            peek_model_clean(&model);
        check(&model);
    }
    peek_model_finish(&model);
    return 0;
}
