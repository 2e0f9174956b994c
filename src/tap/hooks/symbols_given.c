/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Design: a function that is given out belongs to one copy of libzmq for ever, whoever calls it and
 * whatever else is loaded later: callers are code that was generated, which lies in no object, or
 * libffi. So each copy has functions of its own. Such a function is the hook where its context or
 * socket is one that the tap follows and of that very copy, and else the copy's own, at the address
 * that dlsym() had returned: what is of another copy, or of a library that interposes this one
 * and asked dlsym() in order to call on, is counted there.
 */
#include "tap/hooks/symbols.h"

#include <string.h>

static const struct library *of_context(const void *handle)
{
    const struct registry_context *context = hooks_find_context(handle);
    return context ? context->library : NULL;
}

static const struct library *of_socket(const void *handle)
{
    const struct registry_slot *slot = handle ? registry_find(handle) : NULL;
    return slot ? slot->socket->library : NULL;
}

static const struct library *of_sockets(const void *a, const void *b, const void *c, const void *d)
{
    const struct library *library = of_socket(a);
    library = library ? library : of_socket(b);
    library = library ? library : of_socket(c);
    return library ? library : of_socket(d);
}

/* X(copy, return type, name, parameters, arguments, whose context or socket it is) */
#define FUNCTIONS(X, copy)                                                                         \
    X(copy, int, ctx_set, (void *a, int b, int c), (a, b, c), of_context(a))                       \
    X(copy, int, ctx_get, (void *a, int b), (a, b), of_context(a))                                 \
    X(copy, int, ctx_set_ext, (void *a, int b, const void *c, size_t d), (a, b, c, d),             \
      of_context(a))                                                                               \
    X(copy, int, ctx_get_ext, (void *a, int b, void *c, size_t *d), (a, b, c, d), of_context(a))   \
    X(copy, int, ctx_shutdown, (void *a), (a), of_context(a))                                      \
    X(copy, int, ctx_term, (void *a), (a), of_context(a))                                          \
    X(copy, int, ctx_destroy, (void *a), (a), of_context(a))                                       \
    X(copy, int, term, (void *a), (a), of_context(a))                                              \
    X(copy, void *, socket, (void *a, int b), (a, b), of_context(a))                               \
    X(copy, int, close, (void *a), (a), of_socket(a))                                              \
    X(copy, int, setsockopt, (void *a, int b, const void *c, size_t d), (a, b, c, d),              \
      of_socket(a))                                                                                \
    X(copy, int, bind, (void *a, const char *b), (a, b), of_socket(a))                             \
    X(copy, int, connect, (void *a, const char *b), (a, b), of_socket(a))                          \
    X(copy, uint32_t, connect_peer, (void *a, const char *b), (a, b), of_socket(a))                \
    X(copy, int, unbind, (void *a, const char *b), (a, b), of_socket(a))                           \
    X(copy, int, disconnect, (void *a, const char *b), (a, b), of_socket(a))                       \
    X(copy, int, socket_monitor, (void *a, const char *b, int c), (a, b, c), of_socket(a))         \
    X(copy, int, socket_monitor_versioned, (void *a, const char *b, uint64_t c, int d, int e),     \
      (a, b, c, d, e), of_socket(a))                                                               \
    X(copy, int, send, (void *a, const void *b, size_t c, int d), (a, b, c, d), of_socket(a))      \
    X(copy, int, send_const, (void *a, const void *b, size_t c, int d), (a, b, c, d),              \
      of_socket(a))                                                                                \
    X(copy, int, recv, (void *a, void *b, size_t c, int d), (a, b, c, d), of_socket(a))            \
    X(copy, int, msg_send, (zmq_msg_t * a, void *b, int c), (a, b, c), of_socket(b))               \
    X(copy, int, msg_recv, (zmq_msg_t * a, void *b, int c), (a, b, c), of_socket(b))               \
    X(copy, int, sendmsg, (void *a, zmq_msg_t *b, int c), (a, b, c), of_socket(a))                 \
    X(copy, int, recvmsg, (void *a, zmq_msg_t *b, int c), (a, b, c), of_socket(a))                 \
    X(copy, int, sendiov, (void *a, struct iovec *b, size_t c, int d), (a, b, c, d), of_socket(a)) \
    X(copy, int, recviov, (void *a, struct iovec *b, size_t *c, int d), (a, b, c, d),              \
      of_socket(a))                                                                                \
    X(copy, int, proxy, (void *a, void *b, void *c), (a, b, c), of_sockets(a, b, c, NULL))         \
    X(copy, int, proxy_steerable, (void *a, void *b, void *c, void *d), (a, b, c, d),              \
      of_sockets(a, b, c, d))                                                                      \
    X(copy, int, device, (int a, void *b, void *c), (a, b, c), of_sockets(b, c, NULL, NULL))

/* What makes a context, whose copy is the one that was asked for. */
#define MAKERS(X, copy)                                                                            \
    X(copy, void *, ctx_new, (void), (), NULL)                                                     \
    X(copy, void *, init, (int a), (a), NULL)

enum function {
#define NUMBER(copy, type, name, parameters, arguments, owner) FUNCTION_##name,
    FUNCTIONS(NUMBER, ) MAKERS(NUMBER, ) N_FUNCTIONS
};

/* What dlsym() had returned. */
static library_any_function own[SYMBOLS_MAX_COPIES][N_FUNCTIONS];

#define OWN(copy, type, name, parameters)                                                          \
    ((type(*) parameters)__atomic_load_n(&own[copy][FUNCTION_##name], __ATOMIC_RELAXED))

#define FUNCTION(copy, type, name, parameters, arguments, owner)                                   \
    static type name##_of_##copy parameters                                                        \
    {                                                                                              \
        return owner == &library_list[copy] ? zmq_##name arguments                                 \
                                            : OWN(copy, type, name, parameters) arguments;         \
    }

#define MAKER(copy)                                                                                \
    static void *ctx_new_of_##copy(void)                                                           \
    {                                                                                              \
        return hooks_new_context(OWN(copy, void *, ctx_new, (void)));                              \
    }                                                                                              \
    static void *init_of_##copy(int n)                                                             \
    {                                                                                              \
        return hooks_init_context(OWN(copy, void *, init, (int a)), n);                            \
    }

#define NAMED(copy, type, name, parameters, arguments, owner)                                      \
    [FUNCTION_##name] = (library_any_function)name##_of_##copy,

#define COPY(copy)                                                                                 \
    FUNCTIONS(FUNCTION, copy)                                                                      \
    MAKER(copy)                                                                                    \
    static const library_any_function given_of_##copy[N_FUNCTIONS] = {FUNCTIONS(NAMED, copy)       \
                                                                          MAKERS(NAMED, copy)};

COPY(0)
COPY(1)
COPY(2)
COPY(3)

static const char *const names[N_FUNCTIONS] = {
#define NAME(copy, type, name, parameters, arguments, owner) [FUNCTION_##name] = "zmq_" #name,
    FUNCTIONS(NAME, ) MAKERS(NAME, )};

void *symbols_given(uint32_t index, const char *name, void *real)
{
    static const library_any_function *const given[SYMBOLS_MAX_COPIES] = {given_of_0, given_of_1,
                                                                          given_of_2, given_of_3};
    if (index >= SYMBOLS_MAX_COPIES)
        return NULL;
    for (size_t i = 0; i < N_FUNCTIONS; i++) {
        if (strcmp(names[i], name) == 0) {
            __atomic_store_n(&own[index][i], (library_any_function)real, __ATOMIC_RELAXED);
            return (void *)given[index][i];
        }
    }
    return NULL;
}
