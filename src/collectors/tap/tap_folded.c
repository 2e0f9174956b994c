/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/tap/tap_folded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void tap_folded_finish(struct tap_folded *self)
{
    free(self->images);
    *self = (struct tap_folded){0};
}

bool tap_folded_has(const struct tap_folded *self, const struct tap_process_id *id)
{
    for (size_t i = 0; i < self->n; i++) {
        if (memcmp(&self->images[i].id, id, sizeof(*id)) == 0)
            return true;
    }
    return false;
}

static void forget(struct tap_folded *self, size_t i)
{
    self->n--;
    memmove(&self->images[i], &self->images[i + 1], (self->n - i) * sizeof(*self->images));
}

static bool is_same_process(const struct tap_process_id *a, const struct tap_process_id *b)
{
    return a->pid == b->pid && a->start_ticks == b->start_ticks &&
           a->pid_namespace == b->pid_namespace;
}

/* The oldest image of the process, if it has as many as it may, or the oldest of all. */
static void make_room(struct tap_folded *self, const struct tap_process_id *id)
{
    size_t n = 0, oldest = 0;
    for (size_t i = self->n; i-- > 0;) {
        if (is_same_process(&self->images[i].id, id)) {
            n++;
            oldest = i;
        }
    }
    if (n >= SEGMENT_MAX_IMAGES)
        forget(self, oldest);
    else if (self->n >= TAP_MAX_FOLDED)
        forget(self, 0);
}

int tap_folded_add(struct tap_folded *self, const struct tap_process_id *id,
                   const struct tap_life *life)
{
    if (tap_folded_has(self, id))
        return 0;
    make_room(self, id);
    if (self->n == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 16;
        struct tap_folded_image *images = reallocarray(self->images, capacity, sizeof(*images));
        if (!images)
            return -ENOMEM;
        self->images = images;
        self->capacity = capacity;
    }
    struct tap_folded_image image = {.id = *id, .life = life ? *life : TAP_LIFE_NONE};
    image.life.pidfd = -1;
    image.is_looked_for = image.life.pid != 0;
    self->images[self->n++] = image;
    return 0;
}

/* Of a process that is in another namespace, and not to be found from here, nothing is ever known:
 * it is remembered. */
static void update_life(struct tap_folded_image *image, const struct tap_host *host,
                        bool *is_walked)
{
    const struct tap_life_name name = {image->id.pid, image->id.start_ticks,
                                       image->id.pid_namespace};
    bool is_far = name.pid_namespace != host->pid_namespace;
    if (image->is_looked_for) {
        tap_life_update(&image->life, host, false);
        return;
    }
    if (is_far && *is_walked)
        return;
    *is_walked = *is_walked || is_far;
    tap_life_begin(&image->life, host, &name, 0);
    tap_life_unwatch(&image->life);
    image->is_looked_for = true;
}

void tap_folded_clean(struct tap_folded *self, const struct tap_host *host)
{
    bool is_walked = false;
    for (size_t i = 0; i < TAP_FOLDED_LOOKS && i < self->n; i++) {
        if (self->next >= self->n)
            self->next = 0;
        update_life(&self->images[self->next], host, &is_walked);
        if (self->images[self->next].life.state == TAP_LIFE_DEAD)
            forget(self, self->next);
        else
            self->next++;
    }
}
