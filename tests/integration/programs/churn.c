/* SPDX-License-Identifier: MPL-2.0 */
/*
 * churn - connects to a ZeroMQ port and leaves again, many times.
 *
 * usage: churn PORT COUNT. Waits each time for the greeting, so that the connection was accepted,
 * then resets it: no port is left in TIME_WAIT. Prints how many connections were made.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_AT_ONCE 16

static int open_connection(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) {
        perror("churn");
        exit(1);
    }
    return fd;
}

/* The server speaks first: a signature of ten bytes, as soon as it has accepted. */
static void close_connection(int fd)
{
    char greeting[10];
    size_t n = 0;
    const struct linger reset = {1, 0};
    while (n < sizeof greeting) {
        ssize_t rc = read(fd, greeting + n, sizeof greeting - n);
        if (rc <= 0) {
            perror("churn: greeting");
            exit(1);
        }
        n += (size_t)rc;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (argc != 3)
        return 2;
    address.sin_port = htons((unsigned short)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    long count = atol(argv[2]), made = 0;
    while (made < count) {
        int fds[N_AT_ONCE], n = 0;
        for (; n < N_AT_ONCE && made < count; n++, made++)
            fds[n] = open_connection(&address);
        while (n > 0)
            close_connection(fds[--n]);
    }
    printf("%ld\n", made);
    return 0;
}
