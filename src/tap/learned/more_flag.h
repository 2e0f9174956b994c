/* SPDX-License-Identifier: MPL-2.0 */
/*
 * more_flag - where a socket keeps whether more frames follow the one it gave last (ZMQ_RCVMORE).
 *
 * Whole messages are counted where the flag is off. zmq_getsockopt would tell it, at more cost
 * than the rest of a receive's counting; a look at the byte costs two instructions. It lies in
 * the class that all socket types derive from, and it is written by the thread that receives,
 * before the call returns; so the hook reads it in the same thread. The place is learned as those
 * of pipe_layout are: as the only byte that agrees with a sequence of frames, on several types.
 */
#ifndef TAP_MORE_FLAG_H
#define TAP_MORE_FLAG_H

#include "tap/ground/library.h"

/* The offset in a socket; 0 if it was not found. Keeps errno. */
uint32_t more_flag_calibrate(const struct library *library);

#endif
