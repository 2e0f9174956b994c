/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_sockets.h"

#include "collectors/tap/tap_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* As a tap would tell of the process; what it does not measure is said once for all. */
static void fill_header(struct segment_header *header, const struct peek_model_process *process)
{
    header->pid = process->pid;
    header->start_ticks = process->start_ticks;
    header->net_namespace = process->told.net_namespace;
    memcpy(header->program, process->program, sizeof(header->program));
    memcpy(header->command, process->program, sizeof(header->command));
    header->capabilities[SEGMENT_CAPABILITY_MESSAGES].state = SEGMENT_CAPABILITY_ON;
    header->capabilities[SEGMENT_CAPABILITY_QUEUE_DEPTH].state = SEGMENT_CAPABILITY_ON;
}

static int visit_process(const struct peek_model_process *process, struct segment_header *header,
                         int (*visit)(const struct tap_socket *socket, void *data), void *data)
{
    int r = 0;
    fill_header(header, process);
    for (size_t i = 0; r == 0 && i < process->n_sockets; i++) {
        const struct peek_model_socket *socket = &process->sockets[i];
        const struct segment_group *group = &process->groups[socket->group].name;
        struct segment_lane lane;
        if (socket->now.is_closed)
            continue;
        peek_model_fill_lane(&lane, &socket->now);
        lane.words[SEGMENT_SERIAL] = socket->now.serial;
        lane.words[SEGMENT_OPENED_NS] = SEGMENT_UNKNOWN;
        lane.words[SEGMENT_SENT_MESSAGES] = socket->now.n_written;
        lane.words[SEGMENT_RECEIVED_MESSAGES] = socket->now.n_read;
        lane.words[SEGMENT_ATTACHED] = 1; /* no hook sees it */
        lane.words[SEGMENT_SEND_AT_HWM_NS] = 0;
        r = visit(&(struct tap_socket){.process = header,
                                       .group = group,
                                       .type = tap_type_name(group->type),
                                       .words = lane.words,
                                       .is_peeked = true,
                                       .is_without_tap = process->told.is_without_tap},
                  data);
    }
    return r;
}

int peek_sockets_each(struct peek_link *link,
                      int (*visit)(const struct tap_socket *socket, void *data), void *data)
{
    struct segment_header *header = calloc(1, sizeof(*header));
    if (!header)
        return -ENOMEM;
    int r = 0;
    const struct peek_model *model = peek_link_lock(link);
    for (size_t i = 0; r == 0 && i < model->n_processes; i++) {
        const struct peek_model_process *process = model->processes[i];
        bool is_seen = process->is_known && !process->is_gone && !process->is_shadowed &&
                       process->reason == PEEK_REASON_NONE;
        if (is_seen)
            r = visit_process(process, header, visit, data);
    }
    peek_link_unlock(link);
    free(header);
    return r;
}
