/* SPDX-License-Identifier: MPL-2.0 */
/* audit_command - a program started under the tap for the sake of its audit, as in CI. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/procfs.h"
#include "cli/audit.h"
#include "cli/tap_preload.h"
#include "cli/terminal.h"
#include "segment/segment_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

struct program {
    pid_t pid;
    int status;     /* once it has ended */
    bool has_ended; /* itself; what it left behind may run */
    bool is_over;   /* nothing of it runs */
};

/* What it leaves behind, as one that becomes a daemon does, is a child of this process then. */
static void reap(struct program *self)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == self->pid) {
            self->status = status;
            self->has_ended = true;
        }
    }
    self->is_over = pid < 0 && errno == ECHILD;
}

static void signal_children(int number)
{
    cleanup_fd int procfs = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    cleanup(string_buffer_finish) struct string_buffer text = {0};
    char name[64];
    (void)snprintf(name, sizeof(name), "task/%d/children", getpid());
    if (procfs < 0 || procfs_read(procfs, getpid(), name, &text) < 0)
        return;
    string_buffer_append(&text, "", 1);
    if (text.has_failed)
        return;
    char *at = text.data, *end;
    for (long pid; (pid = strtol(at, &end, 10)) > 0 && end != at; at = end)
        (void)kill((pid_t)pid, number);
}

/* Before it has ended, its group is its own. */
static void send_all(const struct program *self, int number)
{
    if (!self->has_ended)
        (void)kill(-self->pid, number);
    signal_children(number);
}

static void end(struct program *self)
{
    uint64_t end_ns = clock_monotonic_ns() + PATIENCE_MS * CLOCK_NS_PER_MS;
    send_all(self, SIGTERM);
    for (reap(self); !self->is_over; reap(self)) {
        if (clock_monotonic_ns() > end_ns)
            send_all(self, SIGKILL);
        (void)poll(NULL, 0, 20);
    }
}

/* SIGINT or SIGTERM: the program is ended and the report is written. */
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

/* Looks until it and all that it started have ended, or its time is over. */
static int watch(const struct audit *self, const struct audit_sources *from,
                 struct program *program, struct policy_findings *findings, struct error *err)
{
    uint64_t end_ns = clock_monotonic_ns() + self->seconds * CLOCK_NS_PER_SECOND;
    int r = 0;
    while (r == 0 && !program->is_over) {
        struct policy_findings now = {0};
        reap(program);
        r = audit_look(from, &now, err);
        if (r == 0 && policy_findings_merge(findings, &now) < 0)
            r = error_set(err, -ENOMEM, "%s", strerror(ENOMEM));
        policy_findings_finish(&now);
        if (!program->is_over && (is_interrupted || clock_monotonic_ns() >= end_ns))
            break;
        if (!program->is_over)
            (void)poll(NULL, 0, LOOK_MS);
    }
    bool has_ended_by_itself = program->has_ended;
    if (!program->is_over)
        end(program);
    return r == 0 && has_ended_by_itself ? judge_end(program->status, findings, err) : r;
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
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct program program = {.pid = start(argv, folder)};
    const struct audit_sources from = {.directory = folder, .sections = sections};
    r = program.pid < 0 ? error_set(err, -errno, "fork: %s", strerror(errno))
                        : watch(self, &from, &program, &findings, err);
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (r == 0)
        r = print(self, &findings, err);
    policy_findings_finish(&findings);
    return r;
}
