/* SPDX-License-Identifier: MPL-2.0 */
/*
 * library - the real functions of each loaded copy of libzmq.
 *
 * Several copies can live in one process, each opened in its own way: scope.h says which one a
 * call belongs to. They are found by reading what is loaded, without the dynamic linker's
 * functions, whose lock another thread may hold while it waits for this one.
 *
 * A copy has one `struct library` while it is loaded. Its functions are looked up when they are
 * first needed, or all at once where the tap follows the copy's sockets. Then it is pinned, too,
 * by the tap's thread, and may be read without a lock by any thread for ever. A copy that is not
 * pinned may be unloaded and another one come to its place: whoever keeps nothing of it from one
 * call to the next is always right. What is beyond LIBRARY_MAX copies is looked up for each call,
 * and not followed.
 *
 * Thread: any. Blocks: no. errno is kept.
 */
#ifndef TAP_LIBRARY_H
#define TAP_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIBRARY_MAX 16u

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

/* First what any copy has; the rest is there once it is followed. */
struct library {
    uintptr_t begin, end; /* its object, in memory; 0: none, or not there any more */
#define X(type, name, parameters) type(*name) parameters;
    LIBRARY_REQUIRED(X)
    LIBRARY_OPTIONAL(X)
#undef X
    char path[240];     /* file it was loaded from */
    uint32_t index;     /* in the segment's table of libraries */
    int version_number; /* major * 10000 + minor * 100 + patch */
    bool is_draft;
    bool is_complete;          /* all of LIBRARY_REQUIRED are there, and all else is filled in */
    const struct library *own; /* the same without interposers, for the tap's own work */
};

/* A function by its name, as a copy has it. */
struct library_function {
    const char *name;
    size_t offset; /* in struct library */
};
#define LIBRARY_FUNCTION(function)                                                                 \
    ({                                                                                             \
        static const struct library_function library_function = {                                  \
            "zmq_" #function, offsetof(struct library, function)};                                 \
        &library_function;                                                                         \
    })

typedef void (*library_any_function)(void);

/* The copy that `return_address`'s object would have called without the tap, with all of its
 * functions; NULL if there is none, or if it cannot be followed. */
struct library *library_of_caller(const void *return_address);

/* The same for one function of it, for a call to pass through; NULL if it is not there. Where
 * `inside`, it is that copy. */
library_any_function library_find_function(const struct library *inside, const void *return_address,
                                           const struct library_function *function);

/* The function of the copy that made a socket, or of the caller's. */
library_any_function library_find_function_of_socket(const void *handle, const void *return_address,
                                                     const struct library_function *function);

/* All that are known. */
extern struct library library_list[LIBRARY_MAX] __attribute__((visibility("hidden")));

/* The message path where no socket was ever followed: the copy that was met first, which in most
 * processes is the only one. `size` is 0 where there is none, or one was. */
struct library_direct {
    uintptr_t begin, size; /* of its object */
    int (*send)(void *, const void *, size_t, int);
    int (*recv)(void *, void *, size_t, int);
    int (*msg_send)(struct tap_message *, void *, int);
    int (*msg_recv)(struct tap_message *, void *, int);
} __attribute__((aligned(64)));
extern struct library_direct library_direct __attribute__((visibility("hidden")));

/* Whether that copy made the socket. */
static inline __attribute__((always_inline)) bool library_is_direct(const void *handle)
{
    if (!handle)
        return false;
    uintptr_t begin = __atomic_load_n(&library_direct.begin, __ATOMIC_ACQUIRE);
    return *(const uintptr_t *)handle - begin <
           __atomic_load_n(&library_direct.size, __ATOMIC_ACQUIRE);
}

/* A socket is about to be followed. */
void library_end_direct(void);

/* The copy that made a socket, if the tap has come across it: every object of libzmq begins with
 * a pointer into the copy that it is of. NULL: not known. */
struct library *library_of_handle(const void *handle);

/* The copy that an address lies in, NULL if its functions cannot be found by their names. */
struct library *library_of_address(const void *address);

/* The copy that defines a function of this name at this address; NULL if it is none, or if a
 * library of the program interposes some of libzmq's functions. */
struct library *library_of_function(const void *address, const char *name);

/* The copy whose functions these are; NULL if there is no zmq_socket among them. */
struct zmqtap_symbol;
struct library *library_of_symbols(const struct zmqtap_symbol *symbols);

/* Whether this copy raises events of handshakes: 4.3.0, or drafts (4.2.3). */
static inline bool library_tells_handshakes(const struct library *library)
{
    return library->version_number >= 40300 ||
           (library->version_number >= 40203 && library->is_draft);
}

/* The copy whose function the tap is calling in this thread, where that one calls others by their
 * exported names, as it does in most builds: zmq_socket_monitor makes a socket, zmq_ctx_set is
 * zmq_ctx_set_ext. What comes through a hook then is libzmq's own. NULL otherwise. */
extern _Thread_local const struct library *library_inside;

/* Keeps the copies that are followed loaded for ever: sockets that the tap reads may outlive the
 * dlclose() of the plug-in that made them. For the tap's thread alone. What the program itself
 * needs stays anyway; else a thread is made for it, since the dynamic linker's lock may be held for
 * long. */
void library_pin(void);

/* In a forked child: the lock may have been held by a thread that is not here. */
void library_forked(void);

#endif
