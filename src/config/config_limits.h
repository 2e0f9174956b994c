/* SPDX-License-Identifier: MPL-2.0 */
/* config_limits - how large a configuration file may be, and what is in it. */
#ifndef CONFIG_CONFIG_LIMITS_H
#define CONFIG_CONFIG_LIMITS_H

#include <stddef.h>

#define CONFIG_DOCUMENT_BYTES_MAX   ((size_t)16 << 20)
#define CONFIG_DOCUMENT_NODES_MAX   1000000u
#define CONFIG_DOCUMENT_DEPTH_MAX   16u
#define CONFIG_DOCUMENT_KEYS_MAX    1024u /* of one mapping */
#define CONFIG_DOCUMENT_SCALAR_MAX  ((size_t)64 << 10)
#define CONFIG_DOCUMENT_MEMBERS_MAX 100000u /* of one list */

#endif
