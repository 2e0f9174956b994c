/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/peek/peek_launch.h"

#include "peek/peek_launcher.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct peek_launch {
    pid_t pid;
    int fd;
};

static int spawn(struct peek_launch *self, int fd)
{
    char own[] = "zmq_exporter", command[] = "peek-launcher";
    char *const argv[] = {own, command, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, PEEK_LAUNCHER_FD);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int r = posix_spawn(&self->pid, "/proc/self/exe", &actions, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -r;
}

int peek_launch_new(struct peek_launch **ret_launch)
{
    int fds[2];
    struct peek_launch *self = calloc(1, sizeof(*self));
    if (!self)
        return -ENOMEM;
    self->fd = -1;
    int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ? -errno : 0;
    if (r == 0) {
        self->fd = fds[0];
        r = spawn(self, fds[1]);
        close(fds[1]);
    }
    if (r < 0)
        peek_launch_destroy(&self);
    else
        *ret_launch = self;
    return r;
}

void peek_launch_destroy(struct peek_launch **self_p)
{
    struct peek_launch *self = *self_p;
    if (!self)
        return;
    if (self->fd >= 0)
        close(self->fd);
    while (self->pid > 0 && waitpid(self->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(self);
    *self_p = NULL;
}

/* `fd` goes along; -1: none. */
static int ask(struct peek_launch *self, enum peek_launcher_request request, int fd)
{
    char byte = (char)request;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
    } control = {.bytes = {0}};
    struct iovec body = {&byte, 1};
    struct msghdr message = {.msg_iov = &body, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    }
    ssize_t n;
    while ((n = sendmsg(self->fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return n < 0 ? -errno : 0;
}

int peek_launch_start(struct peek_launch *self, int *ret_fd)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    int r = ask(self, PEEK_LAUNCHER_START, fds[1]);
    close(fds[1]);
    if (r < 0)
        close(fds[0]);
    else
        *ret_fd = fds[0];
    return r;
}

void peek_launch_end(struct peek_launch *self)
{
    (void)ask(self, PEEK_LAUNCHER_END, -1);
}
