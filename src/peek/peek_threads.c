/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAP_THREAD "zmqtap\n" /* as it names itself in tap/thread.c */

static size_t read_text(int process_fd, const char *path, char *to, size_t size)
{
    int fd = openat(process_fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, to, size - 1);
    close(fd);
    to[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static void read_name(int process_fd, const char *task, char *to, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "task/%.16s/comm", task);
    if (read_text(process_fd, path, to, size) == 0)
        *to = '\0';
}

static void note_task(struct peek_threads *threads, int process_fd, const char *task)
{
    char name[64];
    read_name(process_fd, task, name, sizeof(name));
    if (strcmp(name, TAP_THREAD) == 0)
        threads->is_without_tap = false;
    if (strstr(name, "ZMQbg") && threads->n < PEEK_MAX_THREADS)
        threads->ids[threads->n++] = atoi(task);
}

int peek_threads_find(int process_fd, struct peek_threads *ret_threads)
{
    int fd = openat(process_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *tasks = fd >= 0 ? fdopendir(fd) : NULL;
    if (!tasks) {
        int r = errno == ENOENT ? -ESRCH : -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    *ret_threads = (struct peek_threads){.n = 0, .is_without_tap = true};
    const struct dirent *task = NULL;
    for (size_t i = 0; i < PEEK_MAX_TASKS && (task = readdir(tasks)); i++) {
        if (*task->d_name != '.')
            note_task(ret_threads, process_fd, task->d_name);
    }
    if (task)
        ret_threads->is_without_tap = false; /* there may be more */
    closedir(tasks);
    return 0;
}

/* "number arguments... sp pc" in hexadecimal, or "running". */
uintptr_t peek_threads_stack_pointer(int process_fd, pid_t thread)
{
    char path[64], text[256];
    (void)snprintf(path, sizeof(path), "task/%d/syscall", thread);
    if (read_text(process_fd, path, text, sizeof(text)) == 0)
        return 0;
    char *counter = strrchr(text, ' ');
    if (!counter)
        return 0;
    *counter = '\0';
    const char *pointer = strrchr(text, ' ');
    return pointer ? strtoull(pointer + 1, NULL, 16) : 0;
}
