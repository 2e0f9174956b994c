/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/more_flag.h"

#include "tap/learned/pipe_lab.h"

#include <string.h>
#include <zmq.h>

#define N_FRAMES 32
#define HWM      100                  /* more than is sent */
#define PATTERN  UINT32_C(0x356b2d1b) /* the last frame ends its message */

struct places {
    unsigned char is_possible[LAB_OBJECT_SIZE];
};

static bool has_more(int frame)
{
    return PATTERN >> (N_FRAMES - 1 - frame) & 1 && frame < N_FRAMES - 1;
}

/* A message is given to the reader when its last frame is sent, so they go out first. */
static bool observe_frames(struct pipe_lab *lab, void *from, void *to, struct places *places)
{
    static unsigned char object[LAB_OBJECT_SIZE];
    char byte = 'x';
    for (int i = 0; i < N_FRAMES; i++) {
        int flags = ZMQ_DONTWAIT | (has_more(i) ? ZMQ_SNDMORE : 0);
        if (lab->library->send(from, &byte, 1, flags) != 1)
            return false;
    }
    for (int i = 0; i < N_FRAMES; i++) {
        if (lab->library->recv(to, &byte, 1, ZMQ_DONTWAIT) != 1)
            return false;
        pipe_lab_read(lab, (uintptr_t)to, object, sizeof(object));
        for (size_t at = 0; at < sizeof(object); at++)
            places->is_possible[at] &= object[at] == (has_more(i) ? 1 : 0);
    }
    return true;
}

static bool observe_pair(struct pipe_lab *lab, int type_from, int type_to, struct places *places)
{
    void *from = pipe_lab_socket(lab, type_from, HWM, HWM);
    void *to = pipe_lab_socket(lab, type_to, HWM, HWM);
    bool is_seen = from && to && pipe_lab_connect(lab, from, to, false) &&
                   observe_frames(lab, from, to, places);
    pipe_lab_close_socket(lab, &from);
    pipe_lab_close_socket(lab, &to);
    return is_seen;
}

static uint32_t single_place(const struct places *places)
{
    const unsigned char *first = memchr(places->is_possible, 1, LAB_OBJECT_SIZE);
    if (!first)
        return 0;
    size_t at = (size_t)(first - places->is_possible);
    bool is_single = !memchr(first + 1, 1, LAB_OBJECT_SIZE - at - 1);
    return is_single ? (uint32_t)at : 0;
}

uint32_t more_flag_calibrate(const struct library *library)
{
    struct pipe_lab lab;
    static struct places places;
    if (pipe_lab_open(library, &lab) != NULL)
        return 0;
    memset(&places, 1, sizeof(places));
    bool is_seen = observe_pair(&lab, ZMQ_PAIR, ZMQ_PAIR, &places) &&
                   observe_pair(&lab, ZMQ_PUSH, ZMQ_PULL, &places) &&
                   observe_pair(&lab, ZMQ_DEALER, ZMQ_DEALER, &places);
    pipe_lab_close(&lab);
    return is_seen ? single_place(&places) : 0;
}
