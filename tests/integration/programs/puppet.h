/* SPDX-License-Identifier: MPL-2.0 */
/*
 * puppet - a ZeroMQ program that does what it is told, line by line.
 *
 * A test writes a command to its standard input and reads one answer, `ok …` or `error ERRNO`.
 * Between commands the program's only thread is blocked in read(2): it makes no ZeroMQ call.
 * puppet.py is the same in pyzmq; support/puppet.py drives both.
 */
#ifndef TESTS_PUPPET_H
#define TESTS_PUPPET_H

#include <stddef.h>

#define PUPPET_MAX_WORDS 64

struct puppet_words {
    size_t n;
    char *word[PUPPET_MAX_WORDS];
};

/* The words from `i` on as numbers; `otherwise` if the line is shorter. */
long puppet_number(const struct puppet_words *words, size_t i, long otherwise);
const char *puppet_text(const struct puppet_words *words, size_t i);

/* `send NAME COUNT SIZE [FRAMES [FLAGS [SPELLING [HEX]]]]`: answers how many messages were accepted
 * and the errno that ended it, 0 for none. HEX is one more frame before the others: a topic, or
 * the peer's id at a ROUTER. `recv NAME COUNT [FLAGS [SPELLING]]`: answers messages,
 * bytes and errno. The socket is resolved already. */
void puppet_send(void *socket, const struct puppet_words *words);
void puppet_receive(void *socket, const struct puppet_words *words);

/* For types of libzmq's drafts; ENOSYS where it was built without. `join NAME GROUP`; the spelling
 * `to_group` of send, HEX being the group, and `to_id`, HEX being a peer's id as `recv_id NAME`
 * answers it, which receives a message, or `connect_peer NAME ENDPOINT`. */
void puppet_connect_peer(void *socket, const struct puppet_words *words);
void puppet_join(void *socket, const struct puppet_words *words);
void puppet_receive_id(void *socket);
int puppet_send_addressed(void *socket, const void *data, const struct puppet_words *words);

/* `send_frames NAME FLAGS HEX …` and `recv_frames NAME [FLAGS]`: one message, its frames in
 * hexadecimal; `-` is an empty frame. */
void puppet_send_frames(void *socket, const struct puppet_words *words);
void puppet_receive_frames(void *socket, const struct puppet_words *words);

void puppet_answer(const char *format, ...) __attribute__((format(printf, 1, 2)));
void puppet_answer_errno(void);

#endif
