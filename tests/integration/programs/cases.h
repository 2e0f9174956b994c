/* SPDX-License-Identifier: MPL-2.0 */
/*
 * cases - the frame of a program that is run with and without the tap, outputs compared.
 *
 * `program` lists its cases, `program CASE` runs one. What a case prints must not depend on
 * chance: no addresses, descriptors, times or port numbers.
 */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <stddef.h>

struct cases_case {
    const char *name;
    void (*run)(void);
};

int cases_main(const struct cases_case *cases, size_t n, int argc, char **argv);

/* Prints `what`, the result and, if it is negative, the name of errno. Returns rc. */
int cases_report(const char *what, int rc);
/* The same for a handle: whether there is one. */
void *cases_report_handle(const char *what, void *handle);

/* A bound PULL and a connected PUSH over tcp, whose first message has arrived. */
void cases_pair(void *context, void **ret_push, void **ret_pull);

/* Binds to a free port of the loopback and gives the endpoint (256 bytes). */
void cases_bind(void *socket, char *ret_endpoint);

#endif
