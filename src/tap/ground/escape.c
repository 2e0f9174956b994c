/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/escape.h"

/* The older pair of functions behind pthread_cleanup_push(3): what they register is called for by a
 * cancellation and by longjmp(3) as well (glibc, nptl/cleanup.c and jmp-unwind.c; musl, for a
 * cancellation). The newer ones need the C++ runtime in every program. */
extern void _pthread_cleanup_push(struct escape *escape, void (*routine)(void *), void *argument)
    __attribute__((weak));
extern void _pthread_cleanup_pop(struct escape *escape, int is_run) __attribute__((weak));

void escape_begin(struct escape *self, void (*routine)(void *), void *argument)
{
    if (_pthread_cleanup_push && _pthread_cleanup_pop)
        _pthread_cleanup_push(self, routine, argument);
}

void escape_end(struct escape *self)
{
    if (_pthread_cleanup_push && _pthread_cleanup_pop)
        _pthread_cleanup_pop(self, 0);
}
