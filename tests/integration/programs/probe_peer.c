/* SPDX-License-Identifier: MPL-2.0 */
/*
 * probe_peer - sockets of every type with one mechanism, made with libzmq or with CZMQ.
 *
 * usage: probe_peer zmq|czmq NULL|PLAIN|CURVE SECRET_KEY [STATUS]
 *
 * Prints "TYPE ENDPOINT" for each, then "ready", and lives until its standard input ends. PLAIN
 * lets in user "probe" with password "geheim"; CURVE has that secret key. With a STATUS the ZAP
 * handler gives everybody that answer; CZMQ's own handler knows one, 400.
 */
#include <czmq.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int type;
    const char *name;
} types[] = {
    {ZMQ_PUB, "PUB"},       {ZMQ_XPUB, "XPUB"}, {ZMQ_SUB, "SUB"},   {ZMQ_XSUB, "XSUB"},
    {ZMQ_ROUTER, "ROUTER"}, {ZMQ_REP, "REP"},   {ZMQ_PULL, "PULL"}, {ZMQ_PUSH, "PUSH"},
    {ZMQ_DEALER, "DEALER"}, {ZMQ_REQ, "REQ"},   {ZMQ_PAIR, "PAIR"},
};
#define N_TYPES (sizeof(types) / sizeof(*types))

static void check(int is_good, const char *what)
{
    if (is_good)
        return;
    perror(what);
    exit(1);
}

static struct {
    const char *mechanism, *secret_key, *status; /* status NULL: as the password is */
} settings;

static int has_zap(void)
{
    return settings.status || strcmp(settings.mechanism, "PLAIN") == 0;
}

static void secure(void *handle)
{
    int one = 1;
    if (strcmp(settings.mechanism, "PLAIN") == 0) {
        check(zmq_setsockopt(handle, ZMQ_PLAIN_SERVER, &one, sizeof(one)) == 0, "plain");
    } else if (strcmp(settings.mechanism, "CURVE") == 0) {
        check(zmq_setsockopt(handle, ZMQ_CURVE_SERVER, &one, sizeof(one)) == 0, "curve");
        check(zmq_setsockopt(handle, ZMQ_CURVE_SECRETKEY, settings.secret_key, 41) == 0, "key");
    }
    if (has_zap())
        check(zmq_setsockopt(handle, ZMQ_ZAP_DOMAIN, "test", 4) == 0, "domain");
}

static void tell(void *handle, const char *name)
{
    char endpoint[256];
    size_t size = sizeof(endpoint);
    check(zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
    printf("%s %s\n", name, endpoint);
}

/* RFC 27 by hand: version, id, domain, address, identity, mechanism, user, password. */
static void answer_zap(void *zap)
{
    char frames[8][256];
    int n = 0, more = 1;
    while (more && n < 8) {
        size_t size = sizeof(more);
        int length = zmq_recv(zap, frames[n], sizeof(frames[n]) - 1, 0);
        check(length >= 0, "zap");
        frames[n++][length] = '\0';
        check(zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &size) == 0, "more");
    }
    int is_good = n == 8 && strcmp(frames[6], "probe") == 0 && strcmp(frames[7], "geheim") == 0;
    const char *status = settings.status ? settings.status : is_good ? "200" : "400";
    const char *reply[] = {"1.0", frames[1], status, "", "", ""};
    for (int i = 0; i < 6; i++)
        zmq_send(zap, reply[i], strlen(reply[i]), i < 5 ? ZMQ_SNDMORE : 0);
}

static void serve_until_input_ends(void *zap)
{
    zmq_pollitem_t items[] = {{NULL, STDIN_FILENO, ZMQ_POLLIN, 0}, {zap, 0, ZMQ_POLLIN, 0}};
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        check(zmq_poll(items, zap ? 2 : 1, -1) >= 0, "poll");
        if (items[0].revents)
            return;
        if (zap && items[1].revents)
            answer_zap(zap);
    }
}

static void run_zmq(void)
{
    void *context = zmq_ctx_new(), *sockets[N_TYPES], *zap = NULL;
    int zero = 0;
    if (has_zap()) {
        zap = zmq_socket(context, ZMQ_REP);
        check(zmq_bind(zap, "inproc://zeromq.zap.01") == 0, "zap");
    }
    for (size_t i = 0; i < N_TYPES; i++) {
        sockets[i] = zmq_socket(context, types[i].type);
        zmq_setsockopt(sockets[i], ZMQ_LINGER, &zero, sizeof(zero));
        secure(sockets[i]);
        check(zmq_bind(sockets[i], "tcp://127.0.0.1:*") == 0, "bind");
        tell(sockets[i], types[i].name);
    }
    serve_until_input_ends(zap);
    for (size_t i = 0; i < N_TYPES; i++)
        zmq_close(sockets[i]);
    if (zap)
        zmq_close(zap);
    zmq_ctx_term(context);
}

/* zauth reads passwords from a file, which is not needed any more when it has answered. */
static void give_passwords(zactor_t *auth)
{
    char path[] = "/tmp/probe_peer_XXXXXX";
    int fd = mkstemp(path);
    check(fd >= 0, path);
    FILE *file = fdopen(fd, "w");
    check(file != NULL, path);
    fputs("probe=geheim\n", file);
    fclose(file);
    zstr_sendx(auth, "PLAIN", path, NULL);
    zsock_wait(auth);
    unlink(path);
}

static void run_czmq(void)
{
    zsock_t *sockets[N_TYPES];
    zactor_t *auth = has_zap() ? zactor_new(zauth, NULL) : NULL;
    if (settings.status) {
        zstr_sendx(auth, "DENY", "127.0.0.1", NULL);
        zsock_wait(auth);
    } else if (auth) {
        give_passwords(auth);
    }
    for (size_t i = 0; i < N_TYPES; i++) {
        sockets[i] = zsock_new(types[i].type);
        secure(zsock_resolve(sockets[i]));
        check(zsock_bind(sockets[i], "tcp://127.0.0.1:*") > 0, "bind");
        tell(zsock_resolve(sockets[i]), types[i].name);
    }
    serve_until_input_ends(NULL);
    for (size_t i = 0; i < N_TYPES; i++)
        zsock_destroy(&sockets[i]);
    zactor_destroy(&auth);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5)
        return 2;
    settings.mechanism = argv[2];
    settings.secret_key = argv[3];
    settings.status = argc == 5 ? argv[4] : NULL;
    zsys_handler_set(NULL);
    if (strcmp(argv[1], "czmq") == 0)
        run_czmq();
    else
        run_zmq();
    return 0;
}
