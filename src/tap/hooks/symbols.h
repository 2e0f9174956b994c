/* SPDX-License-Identifier: MPL-2.0 */
/*
 * symbols - functions of libzmq that a program asks dlsym() for.
 *
 * Bindings that know libzmq by name alone (ctypes, cffi, Ruby FFI, LuaJIT, Mono, …) ask dlsym() of
 * a handle for its functions, past everything that interposes them. So the tap interposes
 * dlsym() and dlvsym(), too: of a copy of libzmq that the tap knows it gives out functions of its
 * own, which are bound to this copy. All else is the real one's answer, and its dlerror().
 *
 * ZMQ_EXPORTER_TAP_DLSYM turns it on and off.
 *
 * Thread: any.
 */
#ifndef TAP_HOOKS_SYMBOLS_H
#define TAP_HOOKS_SYMBOLS_H

#include "tap/hooks/hooks.h"

/* For symbols_<processor>.S, which does the rest. The real functions; NULL: not yet looked for. */
typedef void *symbols_dlsym(void *handle, const char *name);
typedef void *symbols_dlvsym(void *handle, const char *name, const char *version);
extern symbols_dlsym *symbols_real_dlsym;
extern symbols_dlvsym *symbols_real_dlvsym;
symbols_dlsym *symbols_resolve_dlsym(void);
symbols_dlvsym *symbols_resolve_dlvsym(void);

/* dlsym() and dlvsym() for a name that begins with "zmq_" and a handle. */
void *symbols_find(void *handle, const char *name);
void *symbols_find_version(void *handle, const char *name, const char *version);

/* Of more copies the real functions are given out. */
#define SYMBOLS_MAX_COPIES 4u

/* The tap's function in place of `name` of the copy `index`, whose own is `real`; NULL: none. */
void *symbols_given(uint32_t index, const char *name, void *real);

#endif
