/* SPDX-License-Identifier: MPL-2.0 */
/* sanitizer - what a sanitizer's own runtime does that a test cannot live with. */
#ifndef SUPPORT_SANITIZER_H
#define SUPPORT_SANITIZER_H

#include "support/cmocka.h"

#ifdef __has_feature
#define SANITIZER_HAS_FEATURE(name) __has_feature(name)
#else
#define SANITIZER_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SANITIZER_HAS_FEATURE(address_sanitizer)
#define SANITIZER_IS_ADDRESS 1
#else
#define SANITIZER_IS_ADDRESS 0
#endif

/* AddressSanitizer makes system calls of its own, and takes the frames that a cancelled thread left
 * for frames in use. */
static inline void sanitizer_skip_under_address(void)
{
    if (SANITIZER_IS_ADDRESS)
        skip();
}

#endif
