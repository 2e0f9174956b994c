/* SPDX-License-Identifier: MPL-2.0 */
#include "cli/top_history.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#define UNKNOWN   255
#define FULL      200 /* of a queue at its high water mark */
#define N_HEIGHTS 8u

static uint8_t point_of(uint64_t billionths)
{
    if (billionths == SEGMENT_UNKNOWN)
        return UNKNOWN;
    uint64_t point = (billionths * FULL + 999999999) / 1000000000;
    return point < FULL ? (uint8_t)point : FULL;
}

static void shift(uint8_t looks[TOP_HISTORY_LOOKS], uint64_t billionths)
{
    memmove(looks, looks + 1, TOP_HISTORY_LOOKS - 1);
    looks[TOP_HISTORY_LOOKS - 1] = point_of(billionths);
}

struct top_history *top_history_next(const struct problem_view *view,
                                     const struct problem_view *former,
                                     const struct top_history *former_histories)
{
    struct top_history *histories = malloc((view->n ? view->n : 1) * sizeof(*histories));
    for (size_t i = 0; histories && i < view->n; i++) {
        const struct problem_socket *socket = &view->sockets[i];
        const struct problem_socket *before = former->n && former_histories
                                                  ? bsearch(socket, former->sockets, former->n,
                                                            sizeof(*socket), problem_socket_compare)
                                                  : NULL;
        if (before)
            histories[i] = former_histories[before - former->sockets];
        else
            memset(&histories[i], UNKNOWN, sizeof(*histories));
        shift(histories[i].send, socket->send_fullest);
        shift(histories[i].receive, socket->receive_fullest);
    }
    return histories;
}

void top_history_append(struct string_buffer *line, const uint8_t looks[TOP_HISTORY_LOOKS])
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    for (size_t i = 0; i < TOP_HISTORY_LOOKS; i++) {
        unsigned height = looks[i] == 0 ? 0 : 1 + (looks[i] - 1u) * (N_HEIGHTS - 1) / FULL;
        if (looks[i] == UNKNOWN)
            string_buffer_append(line, " ", 1);
        else
            string_buffer_append_text(line, (is_utf8 ? blocks : ascii)[height]);
    }
}
