/* SPDX-License-Identifier: MPL-2.0 */
/*
 * problem_link - which addresses belong together.
 *
 * A link is written in many ways: one end binds tcp://(asterisk):5556, the other connects to
 * tcp://localhost:5556. Both become "tcp:5556". Hosts that are not this one for sure keep their
 * name, inproc keeps the process.
 *
 * Loopback addresses and abstract names of ipc are places within one network namespace: two sockets
 * of different ones that have the same link there are none. A path of ipc may be shared.
 */
#ifndef PROBLEMS_PROBLEM_LINK_H
#define PROBLEMS_PROBLEM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the link's text, cut to `size`; empty where the address does not tell it, as with a port
 * that the system chose. */
void problem_link_of(const char *address, uint64_t pid, char *ret_link, size_t size);

/* Whether the link is within one network namespace. */
bool problem_link_is_local(const char *link);

#endif
