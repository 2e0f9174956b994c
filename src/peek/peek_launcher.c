/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_launcher.h"

#include "peek/peek_reader.h"
#include "peek/peek_sandbox.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void wake(int number)
{
    (void)number; /* ppoll() returns, and that is all */
}

/* A child's end is heard in ppoll() alone. */
static void hear_children(sigset_t *ret_while_waiting)
{
    struct sigaction action = {.sa_handler = wake};
    sigset_t blocked;
    sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, ret_while_waiting);
    sigdelset(ret_while_waiting, SIGCHLD);
}

static void reap(pid_t *reader)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
        if (pid == *reader)
            *reader = 0;
    }
}

/* Until it is reaped, which this process alone does, the number is no other process's. */
static void end_reader(pid_t reader)
{
    if (reader > 0)
        (void)kill(reader, SIGKILL);
}

/* What else is sent is not to be written to. */
static bool is_stream(int fd)
{
    int domain, type;
    socklen_t domain_size = sizeof(domain), type_size = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM;
}

/* The descriptor that came with a request, or -1. Returns false when the exporter is gone. */
static bool hear(int *ret_fd)
{
    char request = 0;
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
    } control = {.bytes = {0}};
    struct iovec body = {&request, 1};
    struct msghdr message = {.msg_iov = &body,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t n = recvmsg(PEEK_LAUNCHER_FD, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    *ret_fd = -1;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_fd, CMSG_DATA(head), sizeof(int));
    if (*ret_fd >= 0 && (request != PEEK_LAUNCHER_START || !is_stream(*ret_fd))) {
        close(*ret_fd);
        *ret_fd = -1;
    }
    return n > 0 || (n < 0 && errno == EINTR);
}

int peek_launcher_run(int fd)
{
    sigset_t while_waiting;
    pid_t reader = 0;
    hear_children(&while_waiting);
    int r = peek_sandbox_enter_launcher(fd);
    if (r < 0)
        return r;
    for (;;) {
        struct pollfd exporter = {.fd = PEEK_LAUNCHER_FD, .events = POLLIN};
        int n = ppoll(&exporter, 1, NULL, &while_waiting);
        reap(&reader);
        if (n <= 0)
            continue;
        if (!hear(&fd))
            return 0;
        end_reader(reader);
        reader = fd >= 0 ? fork() : 0;
        if (reader == 0 && fd >= 0)
            return peek_reader_run(&(struct peek_reader_options){.fd = fd, .is_launched = true});
        if (fd >= 0)
            close(fd); /* where there is no reader at the other end, the exporter hears that */
    }
}
