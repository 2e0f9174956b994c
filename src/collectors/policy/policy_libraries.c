/* SPDX-License-Identifier: MPL-2.0 */
/* policy_libraries - the copies of libzmq that tapped processes told of, without a look at /proc.
 */
#include "base/cleanup.h"
#include "collectors/policy/policy_findings.h"
#include "libraries/library_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* The loader's path is mostly a link to the file. */
static void find_package(struct package_lookup *lookup, const struct policy_process *process,
                         const char *path, struct library_package *ret_package)
{
    cleanup_fd int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int root = process->is_reachable
                              ? library_file_open_root(procfs, (pid_t)process->pid)
                              : -1;
    cleanup_free char *resolved = realpath(path, NULL);
    if (root >= 0)
        package_lookup_find(lookup, root, resolved ? resolved : path, ret_package);
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
