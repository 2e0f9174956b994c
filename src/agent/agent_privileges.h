/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_privileges - drops the privileges that the exporter never needs.
 *
 * A unit or a container takes away more, and better. This is for an exporter that somebody starts
 * as root: it can neither mount, load, kill, trade users nor change the network, nor read the
 * memory of other processes, which is its reader's to do.
 *
 * Thread:  once, before there are others: a capability belongs to a thread.   Blocks: no.
 */
#ifndef AGENT_AGENT_PRIVILEGES_H
#define AGENT_AGENT_PRIVILEGES_H

#include <stdbool.h>

/* `has_reader`: a process of its own looks at others. Without one the exporter itself asks /proc
 * which libzmq they run, for which CAP_SYS_PTRACE stays. What cannot be given up is kept: this is
 * no reason not to start. */
void agent_privileges_drop(bool has_reader);

#endif
