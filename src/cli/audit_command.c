/* SPDX-License-Identifier: MPL-2.0 */
/* audit_command - a program started under the tap for the sake of its audit, as in CI. */
#include "base/clock.h"
#include "cli/audit.h"
#include "cli/tap_preload.h"
#include "cli/terminal.h"
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

/* Of whoever has seen enough: the program is ended and the report made. */
static volatile sig_atomic_t is_interrupted;

static void interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = interrupt};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* What the program did before its time. Nothing looked at is an error where it failed: a build
 * must not pass because a program did not come up. */
static int judge_end(int status, const struct policy_findings *findings, struct error *err)
{
    char how[64];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        (void)snprintf(how, sizeof(how), "was ended by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(status));
    if (findings->n_sockets == 0)
        return error_set(
            err, -ECHILD, "the program %s before a socket of it was seen%s", how,
            WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "; it could not be started" : "");
    terminal_warn("zmq_exporter audit", "the program %s; the report is of before", how);
    return 0;
}

/* Looks until it ends or its time is over. */
static int watch(const struct audit *self, const struct agent_sections *sections, pid_t pid,
                 const char *folder, struct policy_findings *findings, struct error *err)
{
    const struct audit_sources from = {.directory = folder, .sections = sections};
    uint64_t end_ns = clock_monotonic_ns() + self->seconds * CLOCK_NS_PER_SECOND;
    int status = 0, r = 0;
    bool is_over = false;
    while (r == 0 && !is_over) {
        struct policy_findings now = {0};
        is_over = has_ended(pid, &status);
        r = audit_look(&from, &now, err);
        if (r == 0 && policy_findings_merge(findings, &now) < 0)
            r = error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
        policy_findings_finish(&now);
        if (!is_over && (is_interrupted || clock_monotonic_ns() >= end_ns))
            break;
        if (!is_over)
            (void)poll(NULL, 0, LOOK_MS);
    }
    if (!is_over)
        end(pid, &status);
    return r == 0 && is_over ? judge_end(status, findings, err) : r;
}

static int print(const struct audit *self, const struct policy_findings *findings,
                 struct error *err)
{
    struct audit audit = *self;
    audit.report.if_none =
        "The program had no ZeroMQ socket that the tap saw; one that is open for "
        "less than a tenth of a second may be missed.";
    return audit_print(&audit, findings, err);
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
    catch_signals();
    pid_t pid = start(argv, folder);
    r = pid < 0 ? error_set(err, -errno, "fork: %s", strerror(errno))
                : watch(self, sections, pid, folder, &findings, err);
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (r == 0)
        r = print(self, &findings, err);
    policy_findings_finish(&findings);
    return r;
}
