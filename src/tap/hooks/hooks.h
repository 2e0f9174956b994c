/* SPDX-License-Identifier: MPL-2.0 */
/*
 * hooks - what the hooks of libzmq's functions share.
 *
 * A hook does what the function that it interposes does, no more: it finds the socket, calls the
 * real function, and counts the result. For a handle that the tap does not know it
 * calls the function that the caller would have reached without the tap.
 */
#ifndef TAP_HOOKS_H
#define TAP_HOOKS_H

#include "tap/counting/api_errors.h"
#include "tap/ground/hook.h"
#include "tap/ground/library.h"
#include "tap/registry/registry.h"

#include <errno.h>
#include <sys/uio.h>
#include <zmq.h>

/* Draft functions, which zmq.h does not declare where it is of a build without drafts. */
HOOK_EXPORT int zmq_ctx_set_ext(void *handle, int option, const void *value, size_t size);
HOOK_EXPORT int zmq_ctx_get_ext(void *handle, int option, void *ret_value, size_t *size);
HOOK_EXPORT int zmq_socket_monitor_versioned(void *handle, const char *address, uint64_t events,
                                             int version, int type);
HOOK_EXPORT uint32_t zmq_connect_peer(void *handle, const char *endpoint);

/* The context of a handle, or NULL for one that is not the tap's business. It is the entry until
 * the context's end, which the program does not call while it calls something else with it. */
struct registry_context *hooks_find_context(const void *handle);

/* zmq_ctx_new and zmq_init of the copy of libzmq that `own` is a function of, for a program that
 * has it from dlsym(). */
void *hooks_new_context(void *(*own)(void));
void *hooks_init_context(void *(*own)(int n_io_threads), int n_io_threads);

/* What zmq_msg_send and zmq_msg_recv do, for the hooks that are made of them. */
int hooks_msg_send(struct tap_message *message, void *handle, int flags, const void *caller);
int hooks_msg_receive(struct tap_message *message, void *handle, int flags, const void *caller);

/* Calls a function of a copy of libzmq, or fails as a function that is not there. */
#define HOOK_CALL(found, function, failure, ...)                                                   \
    ({                                                                                             \
        __typeof__(((struct library *)0)->function) hook_function =                                \
            (__typeof__(((struct library *)0)->function))(found);                                  \
        if (!hook_function)                                                                        \
            errno = ENOSYS;                                                                        \
        hook_function ? hook_function(__VA_ARGS__) : (failure);                                    \
    })

/* Passes a call on to the caller's own libzmq. */
#define HOOK_PASS(caller, function, failure, ...)                                                  \
    HOOK_CALL(library_find_function(library_inside, caller, LIBRARY_FUNCTION(function)), function, \
              failure, __VA_ARGS__)

/* Counts a call without a socket of the tap's, where it failed. */
#define HOOK_COUNT_FAILURE(failure, call)                                                          \
    ({                                                                                             \
        __typeof__(call) hook_result = (call);                                                     \
        if (HOOK_UNLIKELY(hook_result == (failure)))                                               \
            api_errors_count_process();                                                            \
        hook_result;                                                                               \
    })

/* Passes on a call with a socket, which belongs to the copy that made it. */
#define HOOK_PASS_SOCKET(handle, caller, function, failure, ...)                                   \
    HOOK_COUNT_FAILURE(failure, HOOK_CALL(library_find_function_of_socket(                         \
                                              handle, caller, LIBRARY_FUNCTION(function)),         \
                                          function, failure, __VA_ARGS__))

#endif
