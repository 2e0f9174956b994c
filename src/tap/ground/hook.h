/* SPDX-License-Identifier: MPL-2.0 */
/* hook - how the compiler is to treat hooks and the functions that they end in. */
#ifndef TAP_HOOK_H
#define TAP_HOOK_H

#define HOOK_LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define HOOK_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define HOOK_INLINE              inline __attribute__((always_inline))
#define HOOK_COLD                __attribute__((noinline, cold))
#define HOOK_CALLER              __builtin_return_address(0)
#define HOOK_EXPORT              __attribute__((visibility("default")))

#endif
