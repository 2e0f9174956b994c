/* SPDX-License-Identifier: MPL-2.0 */
/* filtered - starts a program under the filter of a hardened service: filtered kill|refuse CMD … */
#include "filter.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    filter_apply(FILTER_SERVICE, strcmp(argv[1], "kill") == 0);
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 1;
}
