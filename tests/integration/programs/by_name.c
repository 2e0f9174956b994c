/* SPDX-License-Identifier: MPL-2.0 */
/*
 * by_name - a program without libzmq that asks dlsym() for each function of it, as ffi libraries
 * do, and does what its arguments say, in their order.
 *
 *     open FILE, apart FILE    opens a libzmq; apart: dlmopen() into a namespace of its own
 *     functions K   takes the functions of the K-th one
 *     use K N       sends N messages of 5 bytes from a PUSH to a PULL over tcp, and leaves them
 *                   open; says whether both are of that copy
 *     mix J K       lets a function of copy J work on a socket of copy K
 *     end K         closes the sockets and ends the context of each use
 *     missing K     asks for what the K-th one does not have, and prints dlerror()
 *     libc          a few look-ups that are not about libzmq
 *     close K       dlclose()
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MAX 16

#define FUNCTIONS(X)                                                                               \
    X(void *, ctx_new, (void))                                                                     \
    X(void *, init, (int))                                                                         \
    X(int, ctx_set, (void *, int, int))                                                            \
    X(int, ctx_get, (void *, int))                                                                 \
    X(int, ctx_term, (void *))                                                                     \
    X(void *, socket, (void *, int))                                                               \
    X(int, close, (void *))                                                                        \
    X(int, setsockopt, (void *, int, const void *, size_t))                                        \
    X(int, getsockopt, (void *, int, void *, size_t *))                                            \
    X(int, bind, (void *, const char *))                                                           \
    X(int, connect, (void *, const char *))                                                        \
    X(int, send, (void *, const void *, size_t, int))                                              \
    X(int, recv, (void *, void *, size_t, int))                                                    \
    X(int, msg_init, (zmq_msg_t *))                                                                \
    X(int, msg_init_size, (zmq_msg_t *, size_t))                                                   \
    X(void *, msg_data, (zmq_msg_t *))                                                             \
    X(int, msg_send, (zmq_msg_t *, void *, int))                                                   \
    X(int, msg_recv, (zmq_msg_t *, void *, int))                                                   \
    X(int, msg_close, (zmq_msg_t *))

struct copy {
    void *handle;
    void *contexts[MAX], *sockets[MAX][2];
    int n_used;
#define X(type, name, parameters) type(*name) parameters;
    FUNCTIONS(X)
#undef X
};

static struct copy copies[MAX];
static int n_copies;

static void open_file(const char *file, int is_apart)
{
    struct copy *copy = &copies[n_copies++];
    copy->handle = is_apart ? dlmopen(LM_ID_NEWLM, file, RTLD_NOW)
                            : dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!copy->handle) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
}

static void take_functions(struct copy *copy)
{
#define X(type, name, parameters)                                                                  \
    *(void **)&copy->name = dlsym(copy->handle, "zmq_" #name);                                     \
    if (!copy->name)                                                                               \
        exit(3);
    FUNCTIONS(X)
#undef X
    printf("error: %s\n", dlerror() ? "some" : "none");
}

/* Whether the socket was made by the copy: its first word points into that one. */
static int is_of(const struct copy *copy, void *socket)
{
    Dl_info of_socket, of_copy;
    return dladdr(*(void **)socket, &of_socket) &&
           dladdr(dlsym(copy->handle, "zmq_version"), &of_copy) &&
           of_socket.dli_fbase == of_copy.dli_fbase;
}

static int exchange(const struct copy *copy, void *push, void *pull, int i)
{
    char data[8];
    zmq_msg_t message;
    if (i % 2 == 0)
        return copy->send(push, "hello", 5, 0) == 5 && copy->recv(pull, data, sizeof data, 0) == 5;
    if (copy->msg_init_size(&message, 5) != 0)
        return 0;
    memcpy(copy->msg_data(&message), "hello", 5);
    if (copy->msg_send(&message, push, 0) != 5 || copy->msg_init(&message) != 0)
        return 0;
    int n = copy->msg_recv(&message, pull, 0);
    copy->msg_close(&message);
    return n == 5;
}

static int use(struct copy *copy, int n)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    int done = 0, at = copy->n_used++;
    void *context = copy->contexts[at] = at % 2 ? copy->init(1) : copy->ctx_new();
    void *push = copy->sockets[at][0] = copy->socket(context, ZMQ_PUSH);
    void *pull = copy->sockets[at][1] = copy->socket(context, ZMQ_PULL);
    if (!push || !pull || copy->bind(pull, "tcp://127.0.0.1:*") != 0 ||
        copy->getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0 ||
        copy->connect(push, endpoint) != 0)
        return -1;
    while (done < n && exchange(copy, push, pull, done))
        done++;
    printf("own: %d %d, sockets at most: %d\n", is_of(copy, push), is_of(copy, pull),
           copy->ctx_get(context, ZMQ_MAX_SOCKETS));
    return done;
}

/* A function of one copy, given what another one made: an option of it is set, no more. */
static void mix(const struct copy *copy, const struct copy *other)
{
    const int zero = 0;
    void *socket = other->sockets[0][0];
    printf("mixed: %d\n", copy->setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero));
}

static void end(struct copy *copy)
{
    const int zero = 0;
    for (int i = 0; i < copy->n_used; i++) {
        for (int at = 0; at < 2; at++) {
            copy->setsockopt(copy->sockets[i][at], ZMQ_LINGER, &zero, sizeof zero);
            printf("close: %d\n", copy->close(copy->sockets[i][at]));
        }
        printf("term: %d\n", copy->ctx_term(copy->contexts[i]));
    }
    copy->n_used = 0;
}

static void print_error(const char *what, int is_found)
{
    const char *text = dlerror();
    printf("%s: %d, %s", what, is_found, text ? text : "none");
    printf(", %s\n", dlerror() ? "some" : "none");
}

static void ask_for_missing(const struct copy *copy)
{
    print_error("missing", dlsym(copy->handle, "zmq_no_such_function") != NULL);
    print_error("there", dlsym(copy->handle, "zmq_send") != NULL);
    print_error("draft", dlsym(copy->handle, "zmq_connect_peer") != NULL);
    print_error("other", dlsym(copy->handle, "no_such_function") != NULL);
    print_error("version", dlvsym(copy->handle, "zmq_send", "NONE_1.0") != NULL);
    print_error("file", dlopen("/nowhere/lib.so", RTLD_NOW) != NULL);
    dlopen("/nowhere/lib.so", RTLD_NOW);
    print_error("reset", dlsym(copy->handle, "zmq_send") != NULL);
}

static void ask_libc(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    printf("libc: %d", dlsym(libc, "getpid") == dlsym(RTLD_DEFAULT, "getpid"));
    printf(", %d", dlsym(RTLD_NEXT, "getpid") == dlsym(libc, "getpid"));
    printf(", %d", dlsym(libc, "z") == NULL && dlsym(libc, "") == NULL);
    printf(", %d\n", dlsym(libc, "dlopen") != NULL);
}

static void do_one(const char *what, const char *const *words)
{
    int first = words[0] ? atoi(words[0]) : 0;
    struct copy *copy = &copies[first];
    if (strcmp(what, "functions") == 0)
        take_functions(copy);
    else if (strcmp(what, "use") == 0)
        printf("%d: %d\n", first, use(copy, atoi(words[1])));
    else if (strcmp(what, "mix") == 0)
        mix(copy, &copies[atoi(words[1])]);
    else if (strcmp(what, "end") == 0)
        end(copy);
    else if (strcmp(what, "missing") == 0)
        ask_for_missing(copy);
    else if (strcmp(what, "close") == 0)
        printf("closed: %d\n", dlclose(copy->handle));
    else
        open_file(words[0], strcmp(what, "apart") == 0);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        const char *what = argv[i];
        if (strcmp(what, "libc") == 0) {
            ask_libc();
            continue;
        }
        do_one(what, (const char *const *)&argv[i + 1]);
        i += strcmp(what, "use") == 0 || strcmp(what, "mix") == 0 ? 2 : 1;
    }
    puts("end");
    while (getchar() != EOF)
        ;
    return 0;
}
