/* SPDX-License-Identifier: MPL-2.0 */
/*
 * more_flag - where a socket stores whether more frames follow the last one it returned
 * (ZMQ_RCVMORE).
 *
 * Whole messages are counted where the flag is off. zmq_getsockopt would return it, at more cost
 * than the rest of a receive's counting; reading the byte costs two instructions. It lies in
 * the class that all socket types derive from, and it is written by the thread that receives,
 * before the call returns; so the hook reads it in the same thread. The offset is found as those
 * of pipe_layout are: as the only byte that agrees with a sequence of frames, on several types.
 */
#ifndef TAP_MORE_FLAG_H
#define TAP_MORE_FLAG_H

#include "tap/ground/library.h"

/* The offset in a socket; 0 if it was not found. Keeps errno. */
uint32_t more_flag_calibrate(const struct library *library);

#endif
