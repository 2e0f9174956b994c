/* SPDX-License-Identifier: MPL-2.0 */
/* http_client - who is the same client. */
#ifndef HTTP_HTTP_CLIENT_H
#define HTTP_HTTP_CLIENT_H

#include <stdint.h>

/* A number made of the address without the port, of IPv6 the first 64 bits, which is what one
 * client has to itself. `address` is a struct sockaddr of any alignment, or NULL. */
uint64_t http_client_of(const void *address);

#endif
