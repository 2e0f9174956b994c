/* SPDX-License-Identifier: MPL-2.0 */
/* Sending and receiving in every spelling that libzmq has. */
#include "puppet.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <zmq.h>

#define MAX_FRAMES 32

/* One frame. Returns what the call returned. */
typedef int (*send_frame)(void *socket, const void *data, size_t size, int flags);
typedef int (*receive_frame)(void *socket, int flags, size_t *bytes, int *more);

static int send_message_frame(void *socket, const void *data, size_t size, int flags)
{
    zmq_msg_t message;
    zmq_msg_init_size(&message, size);
    memcpy(zmq_msg_data(&message), data, size);
    int rc = zmq_msg_send(&message, socket, flags);
    if (rc < 0)
        zmq_msg_close(&message);
    return rc;
}

static int send_legacy_frame(void *socket, const void *data, size_t size, int flags)
{
    zmq_msg_t message;
    zmq_msg_init_size(&message, size);
    memcpy(zmq_msg_data(&message), data, size);
    int rc = zmq_sendmsg(socket, &message, flags);
    if (rc < 0)
        zmq_msg_close(&message);
    return rc;
}

static int receive_buffer(void *socket, int flags, size_t *bytes, int *more)
{
    char buffer[64]; /* shorter than many messages: the return value is the full size */
    size_t more_size = sizeof *more;
    int rc = zmq_recv(socket, buffer, sizeof buffer, flags);
    if (rc < 0)
        return rc;
    *bytes += (size_t)rc;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, more, &more_size);
}

static int receive_with(int (*call)(zmq_msg_t *, void *, int), void *socket, int flags,
                        size_t *ret_bytes)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    int rc = call(&message, socket, flags);
    int more = rc >= 0 ? zmq_msg_more(&message) : 0;
    if (rc >= 0)
        *ret_bytes += zmq_msg_size(&message);
    zmq_msg_close(&message);
    return rc < 0 ? rc : more;
}

static int receive_message(void *socket, int flags, size_t *bytes, int *more)
{
    int rc = receive_with(zmq_msg_recv, socket, flags, bytes);
    *more = rc > 0;
    return rc;
}

static int call_recvmsg(zmq_msg_t *message, void *socket, int flags)
{
    return zmq_recvmsg(socket, message, flags);
}

static int receive_legacy(void *socket, int flags, size_t *bytes, int *more)
{
    int rc = receive_with(call_recvmsg, socket, flags, bytes);
    *more = rc > 0;
    return rc;
}

static int receive_vector(void *socket, int flags, size_t *bytes, int *more)
{
    struct iovec parts[MAX_FRAMES];
    size_t n = MAX_FRAMES;
    int rc = zmq_recviov(socket, parts, &n, flags);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        *bytes += parts[i].iov_len;
        free(parts[i].iov_base);
    }
    *more = 0;
    return 0;
}

static send_frame find_send(const char *spelling)
{
    if (strcmp(spelling, "send_const") == 0)
        return zmq_send_const;
    if (strcmp(spelling, "msg_send") == 0)
        return send_message_frame;
    return strcmp(spelling, "sendmsg") == 0 ? send_legacy_frame : zmq_send;
}

static receive_frame find_receive(const char *spelling)
{
    if (strcmp(spelling, "msg_recv") == 0)
        return receive_message;
    if (strcmp(spelling, "recvmsg") == 0)
        return receive_legacy;
    return strcmp(spelling, "recviov") == 0 ? receive_vector : receive_buffer;
}

static int send_vector(void *socket, void *data, const struct puppet_words *words)
{
    struct iovec parts[MAX_FRAMES];
    size_t frames = (size_t)puppet_number(words, 4, 1);
    for (size_t i = 0; i < frames && i < MAX_FRAMES; i++)
        parts[i] = (struct iovec){data, (size_t)puppet_number(words, 3, 1)};
    int flags = (int)puppet_number(words, 5, 0) | (frames > 1 ? ZMQ_SNDMORE : 0);
    return zmq_sendiov(socket, parts, frames, flags);
}

static size_t from_hex(const char *text, unsigned char *ret_data)
{
    size_t n = 0;
    unsigned int byte;
    while (sscanf(text + 2 * n, "%2x", &byte) == 1)
        ret_data[n++] = (unsigned char)byte;
    return n;
}

static int send_frames(void *socket, const void *data, const struct puppet_words *words)
{
    send_frame send = find_send(puppet_text(words, 6));
    long frames = puppet_number(words, 4, 1);
    int flags = (int)puppet_number(words, 5, 0);
    int rc = 0;
    if (words->n > 7) {
        unsigned char first[256];
        send_frame send_copy = send == zmq_send_const ? zmq_send : send; /* not of this stack */
        rc = send_copy(socket, first, from_hex(words->word[7], first), flags | ZMQ_SNDMORE);
    }
    for (long i = 0; i < frames && rc >= 0; i++)
        rc = send(socket, data, (size_t)puppet_number(words, 3, 1),
                  flags | (i + 1 < frames ? ZMQ_SNDMORE : 0));
    return rc;
}

void puppet_send(void *socket, const struct puppet_words *words)
{
    static unsigned char data[1 << 20]; /* static: zmq_send_const keeps a pointer to it */
    int is_vector = strcmp(puppet_text(words, 6), "sendiov") == 0;
    int is_addressed = strncmp(puppet_text(words, 6), "to_", 3) == 0;
    long count = puppet_number(words, 2, 1), n = 0;
    int error = 0;
    while (n < count && !error) {
        int rc = is_vector      ? send_vector(socket, data, words)
                 : is_addressed ? puppet_send_addressed(socket, data, words)
                                : send_frames(socket, data, words);
        if (rc < 0)
            error = errno;
        else
            n++;
    }
    puppet_answer("ok %ld %d", n, error);
}

void puppet_receive(void *socket, const struct puppet_words *words)
{
    receive_frame receive = find_receive(puppet_text(words, 4));
    long count = puppet_number(words, 2, 1), n = 0;
    int flags = (int)puppet_number(words, 3, 0);
    size_t bytes = 0;
    int error = 0;
    while (n < count && !error) {
        int more = 0;
        if (receive(socket, flags, &bytes, &more) < 0)
            error = errno;
        else if (!more)
            n++;
    }
    puppet_answer("ok %ld %zu %d", n, bytes, error);
}

void puppet_send_frames(void *socket, const struct puppet_words *words)
{
    int flags = (int)puppet_number(words, 2, 0);
    int rc = 0;
    for (size_t i = 3; i < words->n && rc >= 0; i++) {
        static unsigned char data[1 << 16];
        size_t size = strcmp(words->word[i], "-") == 0 ? 0 : from_hex(words->word[i], data);
        rc = zmq_send(socket, data, size, flags | (i + 1 < words->n ? ZMQ_SNDMORE : 0));
    }
    if (rc < 0)
        puppet_answer_errno();
    else
        puppet_answer("ok %d", rc);
}

void puppet_receive_frames(void *socket, const struct puppet_words *words)
{
    int flags = (int)puppet_number(words, 2, 0);
    static char text[1 << 18];
    size_t length = 0;
    int more = 1;
    while (more) {
        zmq_msg_t message;
        zmq_msg_init(&message);
        if (zmq_msg_recv(&message, socket, flags) < 0) {
            puppet_answer_errno();
            zmq_msg_close(&message);
            return;
        }
        const unsigned char *data = zmq_msg_data(&message);
        length += (size_t)sprintf(text + length, zmq_msg_size(&message) ? " " : " -");
        for (size_t i = 0; i < zmq_msg_size(&message) && length + 8 < sizeof text; i++)
            length += (size_t)sprintf(text + length, "%02x", data[i]);
        more = zmq_msg_more(&message);
        zmq_msg_close(&message);
    }
    puppet_answer("ok%s", text);
}
