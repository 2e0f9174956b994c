/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_inside - a file that has libzmq linked in: an executable, or an add-on of an interpreter.
 *
 * The file has another name, so only its type information tells that libzmq is in it. No string in
 * libzmq is its version, but the paths of its source, which its assertions hold, often have it
 * ("…/zeromq-4.3.5/src/ctx.cpp"); and zmq_version() stores three constants, which its code shows
 * where the compiler made it the usual way. Without either, or if they differ, it is unknown.
 *
 * Thread: one.
 */
#ifndef PEEK_PEEK_INSIDE_H
#define PEEK_PEEK_INSIDE_H

#include "libraries/build_id.h"
#include "peek/peek_record.h"
#include "peek/peek_target.h"

#define PEEK_INSIDE_MAX_BYTES (UINT64_C(64) << 20) /* of a file that are looked through */

struct peek_inside {
    uint64_t device, inode;
    bool is_deleted;
    char build_id[BUILD_ID_TEXT_SIZE];
    char version[16]; /* empty: it does not tell */
    char path[PEEK_RECORD_PATH];
};

/* False: it is a library of libzmq's own, by its name, or the kernel does not name it. */
bool peek_inside_read(const struct peek_target *target, const struct peek_mapping *mapping,
                      struct peek_inside *ret_inside);

/* The version that a stretch of a file tells: of the paths in it, else of its code. "" if none.
 * `ret_text` is empty before the first stretch, and "?" once two of them differ. */
void peek_inside_find_version(const unsigned char *bytes, size_t size, char ret_text[static 16]);

#endif
