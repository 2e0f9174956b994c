/* SPDX-License-Identifier: MPL-2.0 */
/* linked - a program that needs a library that needs libzmq: all is loaded before it runs. */
#include <stdio.h>
#include <stdlib.h>

int use(int n);

int main(int argc, char **argv)
{
    printf("0: %d\nend\n", use(argc > 1 ? atoi(argv[1]) : 1));
    return 0;
}
