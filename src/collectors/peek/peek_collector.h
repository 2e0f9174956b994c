/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_collector - who is seen how, and the reader itself.
 *
 * What the reader tells of sockets is added up with what taps tell, by the tap collector
 * (collectors/tap/tap_peeked.h): one program may be seen in both ways, and is one group.
 */
#ifndef COLLECTORS_PEEK_PEEK_COLLECTOR_H
#define COLLECTORS_PEEK_PEEK_COLLECTOR_H

#include "collectors/collector.h"
#include "collectors/peek/peek_link.h"

/* Borrows the link. */
void peek_collector_init(struct peek_link *link, struct collector *ret_collector);

#endif
