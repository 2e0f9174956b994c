/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/probe/local_endpoint.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

socklen_t local_endpoint_address(const char *path, struct sockaddr_un *ret)
{
    size_t size = strnlen(path, sizeof(ret->sun_path) - 1);
    memset(ret, 0, sizeof(*ret));
    ret->sun_family = AF_UNIX;
    memcpy(ret->sun_path, path, size);
    bool is_abstract = path[0] == '@';
    if (is_abstract)
        ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + (is_abstract ? 0 : 1));
}

/* A listener whose backlog is full says EAGAIN. */
static int check_nobody_listens(const char *path)
{
    struct sockaddr_un address;
    socklen_t size = local_endpoint_address(path, &address);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, size) == 0 || errno == EAGAIN)
        return -EADDRINUSE;
    return errno == ECONNREFUSED ? 0 : -errno;
}

int local_endpoint_check_free(const char *path)
{
    struct stat status;
    if (path[0] == '@')
        return 0; /* the kernel minds it */
    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : -errno;
    return S_ISSOCK(status.st_mode) ? check_nobody_listens(path) : -EEXIST;
}
