/* SPDX-License-Identifier: MPL-2.0 */
/* demo_play - what the demo's roles share. */
#ifndef CLI_DEMO_PLAY_H
#define CLI_DEMO_PLAY_H

#include <stdbool.h>
#include <stddef.h>

/* A socket with these high water marks and small kernel buffers, so that queues fill in seconds;
 * it dies with its process. Never NULL: ends the process with a message. */
void *demo_play_socket(void *context, int type, int send_hwm, int receive_hwm);

/* Binds or connects; ends the process with a message if that fails. */
void demo_play_bind(void *socket, const char *endpoint);
void demo_play_connect(void *socket, const char *endpoint);

/* Sends a message of 2 kB. False: the queue is full or libzmq refused. */
bool demo_play_send(void *socket, int flags);

/* Receives a message and throws it away; waits for it. */
void demo_play_receive(void *socket);

void demo_play_wait(int ms);

/* Ends the process with what libzmq says. */
void demo_play_fail(const char *what) __attribute__((noreturn));

/* demo_queues.c */
int demo_play_ticker(void *context);
int demo_play_chart(void *context);
int demo_play_archive(void *context);
int demo_play_dispatcher(void *context);
int demo_play_worker(void *context);
int demo_play_orders(void *context);
int demo_play_ledger(void *context);

/* demo_peers.c */
int demo_play_hub(void *context);
int demo_play_sensor(void *context);
int demo_play_desk(void *context);
int demo_play_caller(void *context);
int demo_play_careless(void *context);
int demo_play_careful(void *context);

/* demo_keys.c */
int demo_play_vault(void *context);
int demo_play_courier(void *context);
int demo_play_intruder(void *context);

#endif
