/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Clients with the wrong CURVE key.
 *
 * Design: the vault asks a ZAP handler (RFC 27) in its own process about every client. It knows
 * one key, the courier's. The intruder comes in turn with a key of its own, which the handler
 * refuses (cause auth), and with the wrong key of the server, which breaks the cipher (cause
 * protocol). libzmq does not try again after a refusal, so each try is a socket of its own.
 */
#include "cli/demo_play.h"
#include "cli/demo_roles.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#define VAULT      "ipc://vault"
#define ZAP        "inproc://zeromq.zap.01"
#define ZAP_FRAMES 8 /* version, id, domain, address, routing id, mechanism, key, (more) */
#define KEY_TEXT   41
#define KEY_SIZE   32

enum key { SERVER_PUBLIC, SERVER_SECRET, KNOWN_PUBLIC, KNOWN_SECRET, OTHER_PUBLIC, OTHER_SECRET };

int demo_roles_make_keys(char ret_keys[static DEMO_KEYS_SIZE])
{
    for (size_t i = 0; i < 3; i++) {
        char *text = ret_keys + 2 * i * KEY_TEXT;
        if (zmq_curve_keypair(text, text + KEY_TEXT) < 0)
            return -zmq_errno();
        text[KEY_TEXT - 1] = text[2 * KEY_TEXT - 1] = ' ';
    }
    ret_keys[DEMO_KEYS_SIZE - 1] = '\0';
    return 0;
}

static void get_key(enum key key, char ret_text[static KEY_TEXT])
{
    const char *keys = getenv(DEMO_KEYS_VARIABLE);
    if (!keys || strlen(keys) < DEMO_KEYS_SIZE - 1) {
        errno = EINVAL;
        demo_play_fail(DEMO_KEYS_VARIABLE);
    }
    memcpy(ret_text, keys + (size_t)key * KEY_TEXT, KEY_TEXT - 1);
    ret_text[KEY_TEXT - 1] = '\0';
}

static void set_key(void *socket, int option, enum key key)
{
    char text[KEY_TEXT];
    get_key(key, text);
    if (zmq_setsockopt(socket, option, text, sizeof(text)) < 0)
        demo_play_fail("zmq_setsockopt of a CURVE key");
}

static void *client_socket(void *context, enum key server, enum key own)
{
    void *socket = demo_play_socket(context, ZMQ_PUSH, 100, 100);
    set_key(socket, ZMQ_CURVE_SERVERKEY, server);
    set_key(socket, ZMQ_CURVE_PUBLICKEY, own);
    set_key(socket, ZMQ_CURVE_SECRETKEY, own + 1);
    demo_play_connect(socket, VAULT);
    return socket;
}

/* Answers one request of libzmq: 200 for the known key, 400 for any other. */
static void answer_zap(void *zap, const uint8_t known[static KEY_SIZE])
{
    char frames[ZAP_FRAMES][256];
    int sizes[ZAP_FRAMES] = {0}, more = 1;
    size_t more_size = sizeof(more), n = 0;
    while (more && n < ZAP_FRAMES) {
        sizes[n] = zmq_recv(zap, frames[n], sizeof(frames[n]), 0);
        if (sizes[n++] < 0 || zmq_getsockopt(zap, ZMQ_RCVMORE, &more, &more_size) < 0)
            return;
    }
    bool is_known = n == 7 && sizes[6] == KEY_SIZE && memcmp(frames[6], known, KEY_SIZE) == 0;
    const char *const answer[] = {is_known ? "200" : "400", is_known ? "OK" : "unknown key",
                                  is_known ? "courier" : "", ""};
    (void)zmq_send(zap, frames[0], (size_t)sizes[0], ZMQ_SNDMORE);
    (void)zmq_send(zap, frames[1], (size_t)sizes[1], ZMQ_SNDMORE);
    for (size_t i = 0; i < 4; i++)
        (void)zmq_send(zap, answer[i], strlen(answer[i]), i < 3 ? ZMQ_SNDMORE : 0);
}

int demo_play_vault(void *context)
{
    const int is_server = 1;
    char text[KEY_TEXT];
    uint8_t known[KEY_SIZE];
    get_key(KNOWN_PUBLIC, text);
    if (!zmq_z85_decode(known, text))
        demo_play_fail("zmq_z85_decode");

    void *zap = demo_play_socket(context, ZMQ_REP, 100, 100);
    demo_play_bind(zap, ZAP);
    void *vault = demo_play_socket(context, ZMQ_PULL, 100, 100);
    set_key(vault, ZMQ_CURVE_SECRETKEY, SERVER_SECRET);
    if (zmq_setsockopt(vault, ZMQ_CURVE_SERVER, &is_server, sizeof(is_server)) < 0)
        demo_play_fail("zmq_setsockopt of ZMQ_CURVE_SERVER");
    demo_play_bind(vault, VAULT);

    zmq_pollitem_t items[] = {{.socket = zap, .events = ZMQ_POLLIN},
                              {.socket = vault, .events = ZMQ_POLLIN}};
    for (;;) {
        if (zmq_poll(items, 2, -1) < 0)
            continue;
        if (items[0].revents)
            answer_zap(zap, known);
        if (items[1].revents)
            demo_play_receive(vault);
    }
}

int demo_play_courier(void *context)
{
    void *socket = client_socket(context, SERVER_PUBLIC, KNOWN_PUBLIC);
    for (;; demo_play_wait(500))
        (void)demo_play_send(socket, 0);
}

int demo_play_intruder(void *context)
{
    for (bool is_odd = false;; is_odd = !is_odd) {
        void *socket = is_odd ? client_socket(context, OTHER_PUBLIC, KNOWN_PUBLIC)
                              : client_socket(context, SERVER_PUBLIC, OTHER_PUBLIC);
        demo_play_wait(1000);
        zmq_close(socket);
    }
}
