/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library - the real functions of one loaded copy of libzmq.
 *
 * Several copies can live in one process, and a copy opened RTLD_LOCAL is not found by RTLD_NEXT.
 * So a copy is found as the dynamic linker would have without the tap: in the global order
 * behind it, then in the tree of the object that made the call, then in any loaded object named
 * like libzmq that defines zmq_socket.
 *
 * A `struct library` is never freed, its object is pinned, its pointers never change: it may be
 * read without a lock by any thread. A pointer of a function that the copy does not export is
 * NULL; where `is_complete`, all of LIBRARY_REQUIRED are there.
 *
 * Thread: any. Takes the dynamic linker's lock: never call it with a lock of the tap held.
 */
#ifndef TAP_LIBRARY_H
#define TAP_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iovec;

/* Exported by every libzmq from 4.2.5. X(return type, name, parameters); zmq_msg_t is opaque to
 * the tap: 64 bytes, aligned to a pointer, handled by the real functions only. */
struct tap_message {
    _Alignas(8) unsigned char bytes[64];
};

#define LIBRARY_REQUIRED(X)                                                                        \
    X(void, version, (int *, int *, int *))                                                        \
    X(void *, ctx_new, (void))                                                                     \
    X(int, ctx_set, (void *, int, int))                                                            \
    X(int, ctx_get, (void *, int))                                                                 \
    X(int, ctx_shutdown, (void *))                                                                 \
    X(int, ctx_term, (void *))                                                                     \
    X(void *, socket, (void *, int))                                                               \
    X(int, close, (void *))                                                                        \
    X(int, setsockopt, (void *, int, const void *, size_t))                                        \
    X(int, getsockopt, (void *, int, void *, size_t *))                                            \
    X(int, bind, (void *, const char *))                                                           \
    X(int, connect, (void *, const char *))                                                        \
    X(int, unbind, (void *, const char *))                                                         \
    X(int, disconnect, (void *, const char *))                                                     \
    X(int, socket_monitor, (void *, const char *, int))                                            \
    X(int, send, (void *, const void *, size_t, int))                                              \
    X(int, send_const, (void *, const void *, size_t, int))                                        \
    X(int, recv, (void *, void *, size_t, int))                                                    \
    X(int, msg_init, (struct tap_message *))                                                       \
    X(int, msg_init_size, (struct tap_message *, size_t))                                          \
    X(int, msg_init_data,                                                                          \
      (struct tap_message *, void *, size_t, void (*)(void *, void *), void *))                    \
    X(int, msg_copy, (struct tap_message *, struct tap_message *))                                 \
    X(int, msg_close, (struct tap_message *))                                                      \
    X(void *, msg_data, (struct tap_message *))                                                    \
    X(size_t, msg_size, (const struct tap_message *))                                              \
    X(int, msg_more, (const struct tap_message *))                                                 \
    X(int, msg_send, (struct tap_message *, void *, int))                                          \
    X(int, msg_recv, (struct tap_message *, void *, int))                                          \
    X(int, sendiov, (void *, struct iovec *, size_t, int))                                         \
    X(int, recviov, (void *, struct iovec *, size_t *, int))                                       \
    X(int, proxy, (void *, void *, void *))                                                        \
    X(int, proxy_steerable, (void *, void *, void *, void *))                                      \
    X(int, device, (int, void *, void *))

/* Draft functions and those that some builds leave out. */
#define LIBRARY_OPTIONAL(X)                                                                        \
    X(int, ctx_set_ext, (void *, int, const void *, size_t))                                       \
    X(int, ctx_get_ext, (void *, int, void *, size_t *))                                           \
    X(int, socket_monitor_versioned, (void *, const char *, uint64_t, int, int))                   \
    X(uint32_t, connect_peer, (void *, const char *))

struct library {
    char path[240];     /* file it was loaded from */
    uint32_t index;     /* in the segment's table of libraries */
    int version_number; /* major * 10000 + minor * 100 + patch */
    bool is_draft;
    bool is_complete;
    uint32_t more_flag; /* offset in a socket, see more_flag.h; 0: not known */
    const void *object; /* of the dynamic linker, tells copies apart */
#define X(type, name, parameters) type(*name) parameters;
    LIBRARY_REQUIRED(X)
    LIBRARY_OPTIONAL(X)
#undef X
};

/* The copy that `return_address`'s object would have called without the tap, found now or
 * earlier; NULL if there is none (then there is nothing to call). Keeps errno. */
struct library *library_of_caller(const void *return_address);

/* The same, remembered by the range of the caller's object: for calls on handles that the tap
 * does not know, which may come at any rate. */
struct library *library_of_frequent_caller(const void *return_address);

/* The copy that an address lies in, NULL if its functions cannot be found by their names. */
struct library *library_of_address(const void *address);

/* The copy whose functions these are; NULL if there is no zmq_socket among them. */
struct zmqtap_symbol;
struct library *library_of_symbols(const struct zmqtap_symbol *symbols);

/* In a forked child: the lock may have been held by a thread that is not here. */
void library_forked(void);

#endif
