/* SPDX-License-Identifier: MPL-2.0 */
/*
 * host - a program without libzmq that opens plug-ins, each RTLD_LOCAL, and lets them work.
 *
 * usage: host ADDON COUNT …. A COUNT with a minus sign: the plug-in ends all it began, and is
 * closed again. Prints what each returned, then waits for the end of its input.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        int (*work)(int), n = atoi(argv[i + 1]);
        void *addon = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
        if (!addon) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
        *(void **)&work = dlsym(addon, n < 0 ? "addon_work_and_end" : "addon_work");
        printf("%d\n", work ? work(abs(n)) : -1);
        fflush(stdout);
        if (n < 0)
            dlclose(addon);
    }
    while (getchar() != EOF)
        ;
    return 0;
}
