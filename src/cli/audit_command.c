/* SPDX-License-Identifier: MPL-2.0 */
/* audit_command - a program started under the tap for the sake of its audit, as in CI. */
#include "base/clock.h"
#include "cli/audit.h"
#include "cli/tap_preload.h"
#include "segment/segment_layout.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER      "/zmq_exporter-audit.XXXXXX"
#define LOOK_MS     100  /* between two looks: a socket that is open for less may be missed */
#define PATIENCE_MS 3000 /* from SIGTERM to SIGKILL */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

static int make_folder(char ret_folder[static PATH_MAX], struct error *err)
{
    const char *base = getenv("TMPDIR");
    base = base && *base ? base : "/tmp";
    int n = snprintf(ret_folder, PATH_MAX, "%s" FOLDER, base);
    if (n < 0 || n >= PATH_MAX || !mkdtemp(ret_folder))
        return error_set(err, -errno, "%s: %s; TMPDIR names another place", base, strerror(errno));
    return 0;
}

/* What the program writes goes to standard error, as the report is on standard output. */
static pid_t start(char **argv, const char *folder)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)setpgid(0, 0);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    if (setenv(SEGMENT_DIRECTORY_VARIABLE, folder, 1) == 0)
        execvp(argv[0], argv);
    (void)dprintf(STDERR_FILENO, "zmq_exporter audit: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static bool has_ended(pid_t pid, int *ret_status)
{
    return waitpid(pid, ret_status, WNOHANG) == pid;
}

static void end(pid_t pid, int *ret_status)
{
    uint64_t end_ns = clock_monotonic_ns() + PATIENCE_MS * CLOCK_NS_PER_MS;
    (void)kill(-pid, SIGTERM);
    while (!has_ended(pid, ret_status)) {
        if (clock_monotonic_ns() > end_ns) {
            (void)kill(-pid, SIGKILL);
            (void)waitpid(pid, ret_status, 0);
            return;
        }
        (void)poll(NULL, 0, 20);
    }
}

/* Looks until it ends or its time is over. */
static int watch(const struct audit *self, const struct agent_sections *sections, pid_t pid,
                 const char *folder, struct policy_findings *findings, struct error *err)
{
    uint64_t end_ns = clock_monotonic_ns() + self->seconds * CLOCK_NS_PER_SECOND;
    int status = 0, r = 0;
    bool is_over = false;
    while (r == 0 && !is_over) {
        struct policy_findings now = {0};
        is_over = has_ended(pid, &status);
        r = audit_look(folder, sections, NULL, &now, err);
        if (r == 0 && policy_findings_merge(findings, &now) < 0)
            r = error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
        policy_findings_finish(&now);
        if (!is_over && clock_monotonic_ns() >= end_ns)
            break;
        if (!is_over)
            (void)poll(NULL, 0, LOOK_MS);
    }
    if (!is_over)
        end(pid, &status);
    if (r == 0 && is_over && WIFEXITED(status) && WEXITSTATUS(status) == 127 &&
        findings->n_sockets == 0)
        r = error_set(err, -ENOENT, "the program could not be started");
    return r;
}

int audit_command(const struct audit *self, const struct agent_sections *sections, char **argv,
                  struct error *err)
{
    char folder[PATH_MAX], library[PATH_MAX];
    struct policy_findings findings = {0};
    int r = tap_preload_find(self->library, library, err);
    if (r == 0)
        r = tap_preload_set(library, err);
    if (r == 0)
        r = make_folder(folder, err);
    if (r < 0)
        return r;
    pid_t pid = start(argv, folder);
    r = pid < 0 ? error_set(err, -errno, "fork: %s", strerror(errno))
                : watch(self, sections, pid, folder, &findings, err);
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (r == 0)
        r = audit_print(self, &findings, err);
    policy_findings_finish(&findings);
    return r;
}
