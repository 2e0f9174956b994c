/* SPDX-License-Identifier: MPL-2.0 */
/*
 * direct - monitors whose events are counted in the thread that raises them: see fake_socket.h.
 *
 * Thread: any, without the registry's lock held. errno is kept except where a function stands for
 *         one of libzmq's.
 */
#ifndef TAP_DIRECT_H
#define TAP_DIRECT_H

#include "tap/events/monitor_request.h"
#include "tap/registry/registry.h"

/* Whether all calls of libzmq's on its monitor's socket pass the hooks. `handle` is a socket of
 * `context` without a monitor, and has none afterwards. */
bool direct_try(const struct library *library, void *context, void *handle);

bool direct_attach(struct registry_socket *socket);
void direct_close_socket(struct registry_socket *socket);
int direct_request(struct registry_socket *socket, const struct monitor_request *request);

#endif
