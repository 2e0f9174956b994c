/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_engine - which descriptor a pipe's messages go to: from the pipe to the kernel's socket.
 *
 * A connection's pipe gives its events to a session, which has an engine, which has an entry in the
 * poller of its I/O thread; the entry holds the descriptor (session_base.hpp, stream_engine.hpp and
 * stream_engine_base.hpp, epoll.hpp; 4.2.5 to master). Each step is believed only where the objects
 * agree: the session names its pipe and its socket, the entry names itself and the engine.
 *
 * Where libzmq waits with poll(2) or select(2) there is no such entry, and nothing is known.
 *
 * Thread: one. Errors: none; what is not known has no descriptor.
 */
#ifndef PEEK_PEEK_ENGINE_H
#define PEEK_PEEK_ENGINE_H

#include "peek/peek_layout.h"

#define PEEK_ENGINE_BLOCK 64u

/* Of one pipe. */
struct peek_engine_way {
    uintptr_t socket, peer, session; /* given: the pipe's peer and who takes its events */
    int fd;                          /* found; -1: not */
};

/* Follows up to PEEK_ENGINE_BLOCK ways at once, of sockets of one layout. */
void peek_engine_find(struct peek_layout *layout, struct peek_target *target,
                      struct peek_engine_way *ways, size_t n);

#endif
