/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a socket connects several times to another that is not called meanwhile, whose mailbox
 * must then hold just these pipes, in this order.
 */
#include "tap/learned/mailbox_calibration.h"

#include "queues/mailbox.h"
#include "tap/learned/pipe_trial.h"

#include <string.h>
#include <zmq.h>

#define MAX_TRIAL  24
#define MAX_PLACES 8

struct trial {
    const char *address;
    void *a, *b;
    uintptr_t pipes[MAX_TRIAL]; /* of b, that wait for it */
    size_t n;
};

static uintptr_t found_pipes[MAILBOX_MAX_PIPES]; /* calibrations are one at a time */

/* Connects `n` times more; b takes in what was there before, if it is asked to. */
static bool connect_some(struct pipe_lab *lab, const struct pipe_layout *layout, struct trial *self,
                         size_t n)
{
    uintptr_t vector[2], pipe;
    pipe_lab_process_commands(lab, self->b);
    for (size_t i = 0; i < n; i++) {
        if (lab->library->connect(self->a, self->address) != 0)
            return false;
    }
    if (!pipe_memory_read_one(&lab->memory, (uintptr_t)self->a + layout->pipes, vector,
                              sizeof(vector)) ||
        vector[1] - vector[0] < n * sizeof(pipe))
        return false;
    self->n = n;
    for (size_t i = 0; i < n; i++) {
        uintptr_t place = vector[1] - (n - i) * sizeof(pipe);
        if (!pipe_memory_read_one(&lab->memory, place, &pipe, sizeof(pipe)) ||
            !pipe_memory_read_one(&lab->memory, pipe + layout->peer, &self->pipes[i],
                                  sizeof(self->pipes[i])))
            return false;
    }
    return true;
}

static bool holds_the_pipes(struct pipe_lab *lab, struct trial *self,
                            const struct mailbox_layout *layout, const unsigned char *mailbox)
{
    return mailbox_has_commands(layout, mailbox) &&
           mailbox_find_pipes(&lab->memory, layout, mailbox, (uintptr_t)self->b, found_pipes) ==
               self->n &&
           memcmp(found_pipes, self->pipes, self->n * sizeof(self->pipes[0])) == 0;
}

/* Reads the command that must be the first, for where it names its pipe, and how it is called. */
static bool understand_command(struct pipe_lab *lab, const struct trial *self,
                               uint32_t queue_offset, const unsigned char *mailbox,
                               struct mailbox_layout *layout)
{
    unsigned char command[MAILBOX_COMMAND_BYTES];
    uintptr_t first = mailbox_first_command(mailbox, queue_offset);
    if (first == 0 || !pipe_memory_read_one(&lab->memory, first, command, sizeof(command)) ||
        pipe_pointer_at(command, 0) != (uintptr_t)self->b)
        return false;
    layout->vtable = pipe_pointer_at(mailbox, 0);
    layout->queue = queue_offset;
    layout->bind = pipe_u32_at(command, PIPE_POINTER);
    for (layout->pipe = 2 * PIPE_POINTER; layout->pipe < MAILBOX_COMMAND_BYTES;
         layout->pipe += PIPE_POINTER) {
        if (pipe_pointer_at(command, layout->pipe) == self->pipes[0])
            return true;
    }
    return false;
}

struct places {
    struct mailbox_layout layouts[MAX_PLACES];
    size_t n;
};

static void find_places_in(struct pipe_lab *lab, struct trial *self, const unsigned char *mailbox,
                           struct mailbox_layout layout, struct places *places)
{
    for (uint32_t i = PIPE_POINTER; i + MAILBOX_QUEUE_BYTES <= MAILBOX_BYTES; i += PIPE_POINTER) {
        if (places->n < MAX_PLACES && understand_command(lab, self, i, mailbox, &layout) &&
            holds_the_pipes(lab, self, &layout, mailbox))
            places->layouts[places->n++] = layout;
    }
}

/* What lies on the heap beside the socket, or beside the mailbox, may be one more place. */
static void find_places(struct pipe_lab *lab, struct trial *self, struct places *ret)
{
    static unsigned char object[LAB_OBJECT_SIZE];
    unsigned char mailbox[MAILBOX_BYTES];
    pipe_lab_read(lab, (uintptr_t)self->b, object, sizeof(object));
    ret->n = 0;
    for (uint32_t i = 0; i < sizeof(object); i += PIPE_POINTER) {
        uintptr_t address = pipe_pointer_at(object, i);
        if (address != 0 && address % PIPE_POINTER == 0 &&
            pipe_memory_read_one(&lab->memory, address, mailbox, sizeof(mailbox)))
            find_places_in(lab, self, mailbox, (struct mailbox_layout){.mailbox = i}, ret);
    }
}

static bool read_mailbox(struct pipe_lab *lab, const struct trial *self,
                         const struct mailbox_layout *layout,
                         unsigned char ret_mailbox[MAILBOX_BYTES])
{
    uintptr_t address;
    return pipe_memory_read_one(&lab->memory, (uintptr_t)self->b + layout->mailbox, &address,
                                sizeof(address)) &&
           pipe_memory_read_one(&lab->memory, address, ret_mailbox, MAILBOX_BYTES);
}

static void filter_places(struct pipe_lab *lab, struct trial *self, struct places *places)
{
    unsigned char mailbox[MAILBOX_BYTES];
    size_t n = 0;
    for (size_t i = 0; i < places->n; i++) {
        const struct mailbox_layout layout = places->layouts[i];
        bool is_held = read_mailbox(lab, self, &layout, mailbox) &&
                       (self->n > 0 ? holds_the_pipes(lab, self, &layout, mailbox)
                                    : !mailbox_has_commands(&layout, mailbox));
        if (is_held)
            places->layouts[n++] = layout;
    }
    places->n = n;
}

/* In another socket, with other numbers, of which the second is amid a chunk; the last is none. */
static bool prove_places(struct pipe_lab *lab, const struct pipe_layout *layout, struct trial *self,
                         struct places *places)
{
    static const size_t numbers[] = {3, 20, 1, 0};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (!connect_some(lab, layout, self, numbers[i]))
            return false;
        filter_places(lab, self, places);
    }
    return places->n > 0;
}

static bool open_trial(struct pipe_lab *lab, struct trial *self, const char *address)
{
    *self = (struct trial){.address = address};
    self->a = pipe_lab_socket(lab, ZMQ_PUSH, 10, 10);
    self->b = pipe_lab_socket(lab, ZMQ_PULL, 10, 10);
    return self->a && self->b && lab->library->bind(self->b, address) == 0;
}

static void close_trial(struct pipe_lab *lab, struct trial *self)
{
    pipe_lab_close_socket(lab, &self->a);
    pipe_lab_close_socket(lab, &self->b);
}

void mailbox_calibrate(struct pipe_lab *lab, const struct pipe_layout *layout,
                       struct mailbox_layout *ret_layout)
{
    struct trial first, second;
    static struct places places;
    places.n = 0;
    bool is_open = open_trial(lab, &first, "inproc://mailbox-1") &&
                   connect_some(lab, layout, &first, 18);
    if (is_open)
        find_places(lab, &first, &places);
    bool is_known = open_trial(lab, &second, "inproc://mailbox-2") && is_open &&
                    prove_places(lab, layout, &second, &places);
    *ret_layout = is_known ? places.layouts[0] : (struct mailbox_layout){0};
    close_trial(lab, &first);
    close_trial(lab, &second);
}
