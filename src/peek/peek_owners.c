/* SPDX-License-Identifier: MPL-2.0 */
#include "peek/peek_owners.h"

#include "base/clock.h"
#include "base/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct telling {
    void (*tell)(void *data, const struct peek_owner *owner);
    void *data;
};

static int compare_inodes(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return *one < *other ? -1 : *one > *other;
}

void peek_owners_want(struct peek_owners *self, const uint64_t *inodes, size_t n)
{
    for (size_t i = 0; i < n && self->n_more < PEEK_MAX_WANTED; i++)
        self->more[self->n_more++] = inodes[i];
}

static void begin_round(struct peek_owners *self)
{
    memcpy(self->inodes, self->more, self->n_more * sizeof(*self->more));
    qsort(self->inodes, self->n_more, sizeof(*self->inodes), compare_inodes);
    memset(self->is_found, 0, sizeof(self->is_found));
    self->n = self->n_more;
    self->n_found = self->n_more = 0;
    self->next_pid = 0;
}

static void find_inode(struct peek_owners *self, const struct peek_host *host,
                       const struct peek_host_entry *entry, uint64_t inode,
                       const struct telling *telling)
{
    struct peek_owner owner = {.inode = inode, .pid = (uint32_t)entry->pid};
    const uint64_t *place = bsearch(&inode, self->inodes, self->n, sizeof(inode), compare_inodes);
    if (!place || self->is_found[place - self->inodes] ||
        procfs_start_time(host->procfs_fd, entry->pid, &owner.start_ticks) < 0)
        return;
    self->is_found[place - self->inodes] = true;
    self->n_found++;
    peek_host_find_program(host, entry->pid, owner.program);
    telling->tell(telling->data, &owner);
}

static void read_descriptors(struct peek_owners *self, const struct peek_host *host,
                             const struct peek_host_entry *entry, const struct telling *telling)
{
    char path[32], link[64];
    unsigned long long inode;
    (void)snprintf(path, sizeof(path), "%d/fd", entry->pid);
    int fd = openat(host->procfs_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const struct dirent *name;
    while (self->n_found < self->n && (name = readdir(directory))) {
        ssize_t n = readlinkat(fd, name->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        if (sscanf(link, "socket:[%llu]", &inode) == 1)
            find_inode(self, host, entry, inode, telling);
    }
    closedir(directory);
}

static void end_round(struct peek_owners *self, const struct telling *telling)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct peek_owner nobody = {.inode = self->inodes[i]};
        if (!self->is_found[i])
            telling->tell(telling->data, &nobody);
    }
    self->n = self->n_found = 0;
}

void peek_owners_run(struct peek_owners *self, const struct peek_host *host,
                     void (*tell)(void *data, const struct peek_owner *owner), void *data)
{
    const struct telling telling = {tell, data};
    uint64_t begin_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
    if (self->n == 0 && self->n_more > 0)
        begin_round(self);
    for (size_t i = 0; i < host->n_entries && self->n_found < self->n; i++) {
        const struct peek_host_entry *entry = &host->entries[i];
        if (entry->pid < self->next_pid)
            continue;
        if (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns > PEEK_OWNERS_BUDGET_NS) {
            self->next_pid = entry->pid;
            return;
        }
        read_descriptors(self, host, entry, &telling);
    }
    end_round(self, &telling);
}
