/* SPDX-License-Identifier: MPL-2.0 */
/*
 * linked_library - the functions of the system's libzmq, or of another build of it that
 * ZMQ_TEST_LIBRARY names, as the tap's own code takes them.
 */
#ifndef TESTS_SUPPORT_LINKED_LIBRARY_H
#define TESTS_SUPPORT_LINKED_LIBRARY_H

#include "tap/ground/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static inline const struct library *linked_library(void)
{
    static struct library library;
    if (library.version)
        return &library;
    const char *path = getenv("ZMQ_TEST_LIBRARY");
    void *handle = dlopen(path ? path : "libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        abort();
    }
#define X(type, name, parameters) library.name = (type(*) parameters)dlsym(handle, "zmq_" #name);
    LIBRARY_REQUIRED(X)
    LIBRARY_OPTIONAL(X)
#undef X
    int major, minor, patch;
    library.version(&major, &minor, &patch);
    library.version_number = major * 10000 + minor * 100 + patch;
    return &library;
}

#endif
