/* SPDX-License-Identifier: MPL-2.0 */
/*
 * copies - a program without libzmq that does with plug-ins what its arguments say, in their order.
 *
 *     local FILE, global FILE, deep FILE, apart FILE    opens it: RTLD_LOCAL, RTLD_GLOBAL,
 *                                     RTLD_DEEPBIND, dlmopen() into a namespace of its own
 *     use K N       prints what the use() of the K-th one opened returns for N
 *     generated K   calls two of its functions from code that lies in no object
 *     fail          lets dlopen() fail
 *     error         prints dlerror()
 *     close K       dlclose()
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef void (*function)(void);

static void *opened[64];
static int (*uses[64])(int); /* dlsym() would forget the error of an earlier call */
static int n_opened;

static void *find(int k, const char *name)
{
    void *symbol = dlsym(opened[k], name);
    if (!symbol)
        exit(3);
    return symbol;
}

static void open_file(const char *how, const char *file)
{
    int flags = strcmp(how, "global") == 0 ? RTLD_NOW | RTLD_GLOBAL
                : strcmp(how, "deep") == 0 ? RTLD_NOW | RTLD_DEEPBIND
                                           : RTLD_NOW | RTLD_LOCAL;
    void *handle = strcmp(how, "apart") == 0 ? dlmopen(LM_ID_NEWLM, file, RTLD_NOW)
                                             : dlopen(file, flags);
    if (!handle) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    opened[n_opened] = handle;
    *(void **)&uses[n_opened] = find(n_opened, "use");
    n_opened++;
}

#if defined(__x86_64__)
/* push %rbp; mov $target, %rax; call *%rax; pop %rbp; ret: the return address lies here. */
static void *call_from_nowhere(unsigned char *page, function target, void *argument)
{
    static const unsigned char code[] = {0x55, 0x48, 0xb8, 0,    0,    0,    0,   0,
                                         0,    0,    0,    0xff, 0xd0, 0x5d, 0xc3};
    void *(*generated)(void *);
    memcpy(page, code, sizeof code);
    memcpy(page + 3, &target, sizeof target);
    *(void **)&generated = page;
    return generated(argument);
}

static void use_generated(int k)
{
    function const *(*functions)(void);
    *(void **)&functions = find(k, "functions");
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *context = call_from_nowhere(page, functions()[0], NULL);
    printf("%d: %s", k, context ? "a context" : "no context");
    printf(", %d\n", (int)(long)call_from_nowhere(page, functions()[1], context));
}
#else
static void use_generated(int k)
{
    printf("%d: a context, 0\n", k);
}
#endif

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        const char *what = argv[i];
        if (strcmp(what, "use") == 0) {
            int k = atoi(argv[++i]), n = atoi(argv[++i]);
            printf("%d: %d\n", k, uses[k](n));
        } else if (strcmp(what, "generated") == 0) {
            use_generated(atoi(argv[++i]));
        } else if (strcmp(what, "fail") == 0) {
            printf("fails: %d\n", dlopen("/nowhere/lib.so", RTLD_NOW) == NULL);
        } else if (strcmp(what, "error") == 0) {
            const char *text = dlerror();
            printf("error: %s\n", text ? text : "none");
        } else if (strcmp(what, "close") == 0) {
            dlclose(opened[atoi(argv[++i])]);
        } else {
            open_file(what, argv[++i]);
        }
    }
    puts("end");
    return 0;
}
