/* SPDX-License-Identifier: MPL-2.0 */
/*
 * host - a program without libzmq that opens plug-ins, each RTLD_LOCAL, and lets them work.
 *
 * usage: host ADDON COUNT …. Prints what each returned, then waits for the end of its input.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        void *addon = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (!addon) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        int (*work)(int);
        *(void **)&work = dlsym(addon, "addon_work");
        printf("%d\n", work ? work(atoi(argv[i + 1])) : -1);
        fflush(stdout);
    }
    while (getchar() != EOF)
        ;
    return 0;
}
