/* SPDX-License-Identifier: MPL-2.0 */
/*
 * fuzz_main - runs a fuzzer over the files of a folder, each as it is and cut at many places.
 *
 * usage: NAME_fuzz FOLDER
 */
#include "base/cleanup.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX ((size_t)1 << 20)
#define CUTS_MAX  64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly that size, so that a sanitizer sees a read beyond its end. */
static void run_one(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static int run_file(const char *folder, const char *name)
{
    static uint8_t data[INPUT_MAX];
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    cleanup_file FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        return -1;
    }
    size_t size = fread(data, 1, sizeof(data), file);
    run_one(data, size);
    size_t step = size / CUTS_MAX + 1;
    for (size_t cut = 0; cut < size; cut += step)
        run_one(data, cut);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        (void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    unsigned n = 0;
    int r = 0;
    for (struct dirent *entry = readdir(folder); entry && r == 0; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        r = run_file(argv[1], entry->d_name);
        n++;
    }
    closedir(folder);
    printf("%u inputs\n", n);
    return r < 0 || n == 0;
}
