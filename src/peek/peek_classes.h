/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_classes - the classes of a copy of libzmq, found by their type information.
 *
 * A class's name is a string in the object that holds libzmq (a library, an add-on, the executable
 * itself); its type information's second word points to it; its virtual table's first function
 * follows a pointer to the type information, with 0 before that. All of it is in the process's
 * memory whether it has symbols or not, and no code of it runs. What was found is remembered for
 * the file, and checked by a few reads in the next process.
 *
 * Thread: one. Errors: PEEK_E_NO_CLASSES the object has no libzmq, or was built without type
 * information (normal); -ENOMEM.
 */
#ifndef PEEK_PEEK_CLASSES_H
#define PEEK_PEEK_CLASSES_H

#include "peek/peek_target.h"

#define PEEK_E_NO_CLASSES     1
#define PEEK_MAX_OBJECT_BYTES (UINT64_C(256) << 20) /* that are looked through of one file */
#define PEEK_MAX_NAMES        256u                  /* places where class names are found */

/* Of socket types, in the order of their numbers in zmq.h. */
#define PEEK_SOCKET_CLASSES(X)                                                                     \
    X(0, "N3zmq6pair_tE")                                                                          \
    X(1, "N3zmq5pub_tE")                                                                           \
    X(2, "N3zmq5sub_tE")                                                                           \
    X(3, "N3zmq5req_tE")                                                                           \
    X(4, "N3zmq5rep_tE")                                                                           \
    X(5, "N3zmq8dealer_tE")                                                                        \
    X(6, "N3zmq8router_tE")                                                                        \
    X(7, "N3zmq6pull_tE")                                                                          \
    X(8, "N3zmq6push_tE")                                                                          \
    X(9, "N3zmq6xpub_tE")                                                                          \
    X(10, "N3zmq6xsub_tE")                                                                         \
    X(11, "N3zmq8stream_tE")                                                                       \
    X(12, "N3zmq8server_tE")                                                                       \
    X(13, "N3zmq8client_tE")                                                                       \
    X(14, "N3zmq7radio_tE")                                                                        \
    X(15, "N3zmq6dish_tE")                                                                         \
    X(16, "N3zmq8gather_tE")                                                                       \
    X(17, "N3zmq9scatter_tE")                                                                      \
    X(18, "N3zmq7dgram_tE")                                                                        \
    X(19, "N3zmq6peer_tE")                                                                         \
    X(20, "N3zmq9channel_tE")

#define PEEK_OTHER_CLASSES(X)                                                                      \
    X(PIPE, "N3zmq6pipe_tE")                                                                       \
    X(MAILBOX, "N3zmq9mailbox_tE")                                                                 \
    X(SAFE_MAILBOX, "N3zmq14mailbox_safe_tE")                                                      \
    X(PLAIN_QUEUE, "N3zmq7ypipe_tINS_5msg_tELi256EEE")                                             \
    X(CONFLATING_QUEUE, "N3zmq16ypipe_conflate_tINS_5msg_tEEE")                                    \
    X(COMMAND_QUEUE, "N3zmq7ypipe_tINS_9command_tELi16EEE")                                        \
    X(IO_THREAD, "N3zmq11io_thread_tE")

enum peek_class {
#define X(number, name) PEEK_CLASS_SOCKET_##number = (number),
    PEEK_SOCKET_CLASSES(X)
#undef X
        PEEK_N_SOCKET_CLASSES,
    PEEK_CLASS_BEFORE_OTHERS = PEEK_N_SOCKET_CLASSES - 1,
#define X(id, name) PEEK_CLASS_##id,
    PEEK_OTHER_CLASSES(X)
#undef X
        PEEK_N_CLASSES
};

/* First words of the objects of each class; 0: it has none, as drafts in most builds. */
struct peek_classes {
    uintptr_t vtables[PEEK_N_CLASSES];
    uintptr_t base; /* where the object begins; names the copy within the process */
};

struct peek_class_files; /* what is known of files */
struct peek_class_files *peek_class_files_new(void);
void peek_class_files_destroy(struct peek_class_files **self_p);

/* Finds the classes in the object that `mapping` is a part of. */
int peek_classes_find(struct peek_class_files *files, struct peek_target *target,
                      const struct peek_mapping *mapping, struct peek_classes *ret_classes);

/* Whether they are still there, as they are not after execve(). */
bool peek_classes_check(const struct peek_classes *self, struct peek_target *target);

/* The socket type whose class has that virtual table, or -1. */
int peek_classes_type(const struct peek_classes *self, uintptr_t vtable);

#endif
