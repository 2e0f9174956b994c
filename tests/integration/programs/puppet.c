/* SPDX-License-Identifier: MPL-2.0 */
#include "puppet.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define MAX_THINGS 4096

struct thing {
    char name[32];
    void *handle;
    int type;
};

static struct thing sockets[MAX_THINGS], contexts[16];

long puppet_number(const struct puppet_words *words, size_t i, long otherwise)
{
    return i < words->n ? strtol(words->word[i], NULL, 0) : otherwise;
}

const char *puppet_text(const struct puppet_words *words, size_t i)
{
    return i < words->n ? words->word[i] : "";
}

void puppet_answer(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

void puppet_answer_errno(void)
{
    puppet_answer("error %d", errno);
}

static void answer_rc(int rc)
{
    if (rc < 0)
        puppet_answer_errno();
    else
        puppet_answer("ok %d", rc);
}

static struct thing *find(struct thing *things, size_t n, const char *name)
{
    struct thing *empty = NULL;
    for (size_t i = 0; i < n; i++) {
        if (things[i].handle && strcmp(things[i].name, name) == 0)
            return &things[i];
        if (!things[i].handle && !empty)
            empty = &things[i];
    }
    if (empty)
        snprintf(empty->name, sizeof empty->name, "%s", name);
    return empty;
}

static struct thing *find_context(const char *name)
{
    struct thing *context = find(contexts, 16, *name ? name : "main");
    if (context && !context->handle)
        context->handle = zmq_ctx_new();
    return context;
}

static void do_socket(struct thing *socket, const struct puppet_words *words)
{
    socket->type = (int)puppet_number(words, 2, 0);
    socket->handle = zmq_socket(find_context(puppet_text(words, 3))->handle, socket->type);
    answer_rc(socket->handle ? 0 : -1);
}

static void do_set(struct thing *socket, const struct puppet_words *words)
{
    int option = (int)puppet_number(words, 2, 0);
    int value = (int)puppet_number(words, 3, 0);
    answer_rc(zmq_setsockopt(socket->handle, option, &value, sizeof value));
}

static void do_set64(struct thing *socket, const struct puppet_words *words)
{
    int option = (int)puppet_number(words, 2, 0);
    int64_t value = puppet_number(words, 3, 0);
    answer_rc(zmq_setsockopt(socket->handle, option, &value, sizeof value));
}

static void do_set_text(struct thing *socket, const struct puppet_words *words)
{
    const char *text = puppet_text(words, 3);
    answer_rc(zmq_setsockopt(socket->handle, (int)puppet_number(words, 2, 0), text, strlen(text)));
}

static void do_get(struct thing *socket, const struct puppet_words *words)
{
    int value = 0;
    size_t size = sizeof value;
    int rc = zmq_getsockopt(socket->handle, (int)puppet_number(words, 2, 0), &value, &size);
    if (rc < 0)
        puppet_answer_errno();
    else
        puppet_answer("ok %d", value);
}

static void do_bind(struct thing *socket, const struct puppet_words *words)
{
    char endpoint[512] = "";
    size_t size = sizeof endpoint;
    if (zmq_bind(socket->handle, puppet_text(words, 2)) < 0) {
        puppet_answer_errno();
        return;
    }
    zmq_getsockopt(socket->handle, ZMQ_LAST_ENDPOINT, endpoint, &size);
    puppet_answer("ok %s", endpoint);
}

static void do_connect(struct thing *socket, const struct puppet_words *words)
{
    answer_rc(zmq_connect(socket->handle, puppet_text(words, 2)));
}

static void do_unbind(struct thing *socket, const struct puppet_words *words)
{
    answer_rc(zmq_unbind(socket->handle, puppet_text(words, 2)));
}

static void do_disconnect(struct thing *socket, const struct puppet_words *words)
{
    answer_rc(zmq_disconnect(socket->handle, puppet_text(words, 2)));
}

static void do_close(struct thing *socket, const struct puppet_words *words)
{
    (void)words;
    answer_rc(zmq_close(socket->handle));
    socket->handle = NULL;
}

static void do_poll(struct thing *socket, const struct puppet_words *words)
{
    zmq_pollitem_t item = {socket->handle, 0, (short)puppet_number(words, 2, ZMQ_POLLIN), 0};
    int rc = zmq_poll(&item, 1, puppet_number(words, 3, 0));
    if (rc < 0)
        puppet_answer_errno();
    else
        puppet_answer("ok %d", item.revents);
}

static void do_send(struct thing *socket, const struct puppet_words *words)
{
    puppet_send(socket->handle, words);
}

static void do_receive(struct thing *socket, const struct puppet_words *words)
{
    puppet_receive(socket->handle, words);
}

static void *handle_of(const struct puppet_words *words, size_t i)
{
    const char *name = puppet_text(words, i);
    return *name && strcmp(name, "-") != 0 ? find(sockets, MAX_THINGS, name)->handle : NULL;
}

/* `proxy FRONTEND SPELLING BACKEND [CAPTURE|- [CONTROL]]`: answers when it has ended. */
static void do_proxy(struct thing *frontend, const struct puppet_words *words)
{
    const char *spelling = puppet_text(words, 2);
    void *backend = handle_of(words, 3), *capture = handle_of(words, 4);
    if (strcmp(spelling, "steerable") == 0)
        answer_rc(zmq_proxy_steerable(frontend->handle, backend, capture, handle_of(words, 5)));
    else if (strcmp(spelling, "device") == 0)
        answer_rc(zmq_device(ZMQ_QUEUE, frontend->handle, backend));
    else
        answer_rc(zmq_proxy(frontend->handle, backend, capture));
}

static void do_join(struct thing *socket, const struct puppet_words *words)
{
    puppet_join(socket->handle, words);
}

static void do_connect_peer(struct thing *socket, const struct puppet_words *words)
{
    puppet_connect_peer(socket->handle, words);
}

static void do_receive_id(struct thing *socket, const struct puppet_words *words)
{
    (void)words;
    puppet_receive_id(socket->handle);
}

static void do_send_frames(struct thing *socket, const struct puppet_words *words)
{
    puppet_send_frames(socket->handle, words);
}

static void do_receive_frames(struct thing *socket, const struct puppet_words *words)
{
    puppet_receive_frames(socket->handle, words);
}

static void do_context_set(struct thing *context, const struct puppet_words *words)
{
    answer_rc(zmq_ctx_set(context->handle, (int)puppet_number(words, 2, 0),
                          (int)puppet_number(words, 3, 0)));
}

static void do_context_get(struct thing *context, const struct puppet_words *words)
{
    answer_rc(zmq_ctx_get(context->handle, (int)puppet_number(words, 2, 0)));
}

static void do_shutdown(struct thing *context, const struct puppet_words *words)
{
    (void)words;
    answer_rc(zmq_ctx_shutdown(context->handle));
}

static void do_term(struct thing *context, const struct puppet_words *words)
{
    (void)words;
    int rc = zmq_ctx_term(context->handle);
    if (rc == 0)
        context->handle = NULL;
    answer_rc(rc);
}

struct command {
    const char *name;
    void (*run)(struct thing *thing, const struct puppet_words *words);
};

static const struct command socket_commands[] = {
    {"set", do_set},
    {"set64", do_set64},
    {"set_text", do_set_text},
    {"get", do_get},
    {"bind", do_bind},
    {"connect", do_connect},
    {"unbind", do_unbind},
    {"disconnect", do_disconnect},
    {"close", do_close},
    {"poll", do_poll},
    {"proxy", do_proxy},
    {"send", do_send},
    {"recv", do_receive},
    {"recv_id", do_receive_id},
    {"join", do_join},
    {"connect_peer", do_connect_peer},
    {"send_frames", do_send_frames},
    {"recv_frames", do_receive_frames},
};

static const struct command context_commands[] = {
    {"context_set", do_context_set},
    {"context_get", do_context_get},
    {"shutdown", do_shutdown},
    {"term", do_term},
};

static const struct command *find_command(const struct command *commands, size_t n,
                                          const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void run(const struct puppet_words *words)
{
    const char *name = puppet_text(words, 0);
    struct thing *socket = find(sockets, MAX_THINGS, puppet_text(words, 1));
    const struct command *command;
    if (strcmp(name, "socket") == 0 && !socket->handle) {
        do_socket(socket, words);
    } else if (strcmp(name, "send_to_none") == 0) {
        answer_rc(zmq_send(NULL, "x", 1, 0));
    } else if ((command = find_command(context_commands,
                                       sizeof context_commands / sizeof *context_commands, name))) {
        command->run(find_context(puppet_text(words, 1)), words);
    } else if ((command = find_command(socket_commands,
                                       sizeof socket_commands / sizeof *socket_commands, name)) &&
               socket->handle) {
        command->run(socket, words);
    } else {
        puppet_answer("unknown %s %s", name, puppet_text(words, 1));
    }
}

int main(void)
{
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin)) {
        struct puppet_words words = {0};
        char *rest = NULL;
        for (char *word = strtok_r(line, " \n", &rest); word && words.n < PUPPET_MAX_WORDS;
             word = strtok_r(NULL, " \n", &rest))
            words.word[words.n++] = word;
        if (words.n && strcmp(words.word[0], "exit") == 0)
            return (int)puppet_number(&words, 1, 0);
        if (words.n)
            run(&words);
    }
    return 0;
}
