/* SPDX-License-Identifier: MPL-2.0 */
/* policy_libraries - the copies of libzmq that tapped processes told of; their packages, as the
 * processes see them. Of those that may be looked at, as those that an audit starts. */
#include "base/cleanup.h"
#include "collectors/policy/policy_findings.h"
#include "libraries/library_file.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel calls the file behind a descriptor, as this process sees it; of a file in another
 * mount namespace, as it is seen there. False: it has no name. */
static bool name_of(int fd, char ret_name[static PATH_MAX])
{
    char link[32];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, ret_name, PATH_MAX - 1);
    ret_name[n < 0 ? 0 : n] = '\0';
    return *ret_name == '/';
}

/* The loader's path is mostly a link to the file: its name in the process's own root, where a link
 * leads to what the process finds there. */
static const char *resolve(int root, const char *path, char buffer[static PATH_MAX])
{
    char base[PATH_MAX];
    struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    cleanup_fd int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
    if (fd < 0 || !name_of(fd, buffer) || !name_of(root, base))
        return path;
    size_t size = base[1] ? strlen(base) : 0;
    return strncmp(buffer, base, size) == 0 && buffer[size] == '/' ? buffer + size : path;
}

static void find_package(struct package_lookup *lookup, const struct policy_process *process,
                         const char *path, struct library_package *ret_package)
{
    char buffer[PATH_MAX];
    cleanup_fd int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int root = process->is_reachable
                              ? library_file_open_root(procfs, (pid_t)process->pid)
                              : -1;
    if (root >= 0)
        package_lookup_find(lookup, root, resolve(root, path, buffer), ret_package);
}

static void visit_library(const struct policy_process *process,
                          const struct policy_library *library, const struct library_tables *tables,
                          struct package_lookup *lookup, struct library_finding *ret_finding,
                          struct library_package *package)
{
    const struct library_subject subject = {
        {library->major, library->minor, library->patch}, package, library->path, ""};
    find_package(lookup, process, library->path, package);
    library_tables_judge(tables, &subject, &ret_finding->verdict);
    ret_finding->program = process->program;
    ret_finding->path = library->path;
    ret_finding->package = package;
    ret_finding->n_processes = 1;
    ret_finding->is_judged = true;
    ret_finding->advisories = &tables->advisories;
}

void policy_libraries_each(const struct policy_facts *facts, const struct library_tables *tables,
                           void (*visit)(const struct library_finding *finding, void *data),
                           void *data)
{
    cleanup_free struct package_lookup *lookup = calloc(1, sizeof(*lookup));
    for (size_t i = 0; lookup && i < facts->n_processes; i++) {
        const struct policy_process *process = &facts->processes[i];
        for (unsigned j = 0; j < process->n_libraries; j++) {
            const struct policy_library *library = &process->libraries[j];
            struct library_package package = {0};
            struct library_finding finding = {0};
            char version[48];
            (void)snprintf(version, sizeof(version), "%u.%u.%u", library->major, library->minor,
                           library->patch);
            finding.version = version;
            visit_library(process, library, tables, lookup, &finding, &package);
            visit(&finding, data);
        }
    }
    if (lookup)
        string_buffer_finish(&lookup->text);
}
