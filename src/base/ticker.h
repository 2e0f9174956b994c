/* SPDX-License-Identifier: MPL-2.0 */
/* ticker - a thread that calls a function at equal intervals. */
#ifndef BASE_TICKER_H
#define BASE_TICKER_H

#include <stdint.h>

struct ticker;

/* `tick` is 1 at the first call, which is made at once, and grows by one an interval. A call that
 * takes longer than the interval leaves out those ticks that have passed meanwhile.
 * Thread: the ticker's own. */
typedef void ticker_func(void *state, uint64_t tick);

/* `name` is the thread's, of at most 15 bytes. Errors: -ENOMEM, -EAGAIN (no thread). */
int ticker_new(const char *name, uint64_t interval_ns, ticker_func *func, void *state,
               struct ticker **ret_ticker);
/* Blocks: for a call that is being made. None is made afterwards. */
void ticker_destroy(struct ticker **self_p);

#endif
