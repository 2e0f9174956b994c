/* SPDX-License-Identifier: MPL-2.0 */
/*
 * untapped - why a process that was given the tap has no segment.
 *
 * The tap and a libzmq are loaded, or the environment asks for the tap and the kernel did not let
 * it in; libzmq's threads run, so there are sockets; and yet the process tells nothing. Said is the
 * likely reason, by what is seen from outside. Where the process has pids of its own, as in a
 * container, nothing is: its segment has another name than is looked for. Of its environment only
 * the variables of the tap are looked at, and nothing but the reason and a hash is kept.
 *
 * Thread: one at a time. What is not known is UNTAPPED_NONE.
 */
#ifndef LIBRARIES_UNTAPPED_H
#define LIBRARIES_UNTAPPED_H

#include "base/string_buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* X(id, label, what to do) */
#define UNTAPPED_REASONS(X)                                                                        \
    X(NONE, "", "")                                                                                \
    X(OFF, "off", "ZMQ_EXPORTER_TAP=off is in its environment")                                    \
    X(SET_USER_ID, "set_user_id",                                                                  \
      "it is set-user-id or has capabilities, so the linker preloads nothing; what it starts may " \
      "be tapped")                                                                                 \
    X(C_LIBRARY, "c_library", "its C library is not glibc 2.28 or later")                          \
    X(OTHER_DIRECTORY, "other_directory",                                                          \
      "its ZMQ_EXPORTER_DIR is not the exporter's --tap.directory")                                \
    X(DIRECTORY, "directory",                                                                      \
      "it cannot write into the segment directory: not there in its root, read-only (give a "      \
      "service ReadWritePaths=), full, or not its user's to write")                                \
    X(DLSYM, "dlsym",                                                                              \
      "ZMQ_EXPORTER_TAP_DLSYM=off is in its environment, and it looks libzmq's "                   \
      "functions up by name")                                                                      \
    X(DEEPBIND, "deepbind",                                                                        \
      "it reaches libzmq past the tap, as what is opened with RTLD_DEEPBIND does (PHP's "          \
      "extensions); ZMQ_EXPORTER_TAP_LOG=stderr says if it is something else")

enum untapped_reason {
#define X(id, label, remedy) UNTAPPED_##id,
    UNTAPPED_REASONS(X)
#undef X
        UNTAPPED_N_REASONS
};

const char *untapped_label(enum untapped_reason reason);
const char *untapped_remedy(enum untapped_reason reason);

#define UNTAPPED_DEFAULT_DIRECTORY                                                                 \
    "/run/zmq_exporter" /* of segments, where no variable says another */

/* What a process that was given the tap and has sockets shows of itself. NONE: nothing is wrong, or
 * it was not given the tap. Else what would be the reason if it has no segment. */
struct untapped {
    enum untapped_reason reason;
    uint64_t directory; /* untapped_hash() of where its segment is to be */
};

uint64_t untapped_hash(const char *directory);

/* The same, as the exporter with its own directory sees it. */
enum untapped_reason untapped_reason_in(const struct untapped *self, const char *directory);

/* What the text of /proc/<pid>/maps says. */
struct untapped_maps {
    bool has_tap, has_glibc;
};
struct untapped_maps untapped_read_maps(const char *maps);

/* Of the process `pid`, which has a libzmq. `text` is scratch. */
struct untapped untapped_find(int root_fd, pid_t pid, struct untapped_maps maps,
                              struct string_buffer *text);

#endif
