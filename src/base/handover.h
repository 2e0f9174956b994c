/* SPDX-License-Identifier: MPL-2.0 */
/*
 * handover - gives an object to another thread, which takes it when it has time to.
 *
 * The newest counts: one that was never taken comes back to the giver, who frees it. Neither side
 * waits. What is left in it at the end belongs to whoever finishes the handover.
 */
#ifndef BASE_HANDOVER_H
#define BASE_HANDOVER_H

struct handover {
    void *item; /* NULL: nothing new */
};

/* Returns what was there and was not taken, or NULL. */
static inline void *handover_give(struct handover *self, void *item)
{
    return __atomic_exchange_n(&self->item, item, __ATOMIC_ACQ_REL);
}

/* NULL: nothing new since the last time. */
static inline void *handover_take(struct handover *self)
{
    return __atomic_exchange_n(&self->item, (void *)0, __ATOMIC_ACQ_REL);
}

#endif
