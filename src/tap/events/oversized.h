/* SPDX-License-Identifier: MPL-2.0 */
/*
 * oversized - connections that libzmq ended because a message was over ZMQ_MAXMSGSIZE.
 *
 * To the program, and by its event, such an end is like any other; but where this end has made
 * the connection, libzmq does not make it again (session_base.cpp, engine_error). What tells it
 * is errno, which is still EMSGSIZE in libzmq's own thread when that sends the event to the
 * monitor (v2_decoder.cpp and stream_engine_base.cpp, error; 4.2.5 to 4.3.5), with zmq_msg_send.
 * That call comes past the hook unless libzmq was linked to call itself directly: which is tried
 * once for each library.
 *
 * The sender sees a disconnect and no more, here as there.
 */
#ifndef TAP_OVERSIZED_H
#define TAP_OVERSIZED_H

#include "tap/library.h"

/* Tries a library, once, before its first socket is tracked. Returns NULL, or why not. */
const char *oversized_add_library(const struct library *library);

/* A message for a socket that is none of the program's, in whichever thread. Keeps errno, but
 * clears EMSGSIZE once it was noted, so that it is not found again at the next event. */
void oversized_look(const struct library *library, struct tap_message *message);

/* With the registry's lock: whether this connection, which has ended, ended so. */
bool oversized_take(int fd);

void oversized_forked(void);

#endif
