/* SPDX-License-Identifier: MPL-2.0 */
/*
 * agent_privileges - the exporter gives up what it will never need.
 *
 * A unit or a container takes away more, and better. This is for an exporter that somebody starts
 * as root: it keeps what reads other users' processes and files, and can neither mount, load,
 * kill, trade users nor change the network.
 *
 * Thread:  once, before there are others: a capability belongs to a thread.   Blocks: no.
 */
#ifndef AGENT_AGENT_PRIVILEGES_H
#define AGENT_AGENT_PRIVILEGES_H

/* What cannot be given up is kept: this is no reason not to start. */
void agent_privileges_drop(void);

#endif
