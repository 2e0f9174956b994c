/* SPDX-License-Identifier: MPL-2.0 */
/*
 * demo - `zmq_exporter demo`: a small system of processes that misbehaves on purpose.
 *
 * Each part is a process of its own under the tap, with its own program name (demo_roles.h). They
 * talk over ipc in a temporary folder, need next to no CPU, and all end with this one.
 */
#include "base/clock.h"
#include "cli/command.h"
#include "cli/demo_children.h"
#include "cli/demo_roles.h"
#include "cli/flags.h"
#include "cli/tap_preload.h"
#include "cli/terminal.h"
#include "segment/segment_layout.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS     5000
#define FOLDER_TEMPLATE "/zmq_exporter-demo.XXXXXX"

struct demo_flags {
    bool has_exporter;
    const char *address;
    unsigned seconds; /* 0: until a signal */
    const char *role;
    const char *library;
};

struct demo {
    const struct demo_flags *given;
    struct demo_children children;
    char folder[PATH_MAX];
    char segments[PATH_MAX + 16];
    char keys[DEMO_KEYS_SIZE];
    sigset_t signals;
};

static int make_folder(struct demo *self, struct error *err)
{
    const char *base = getenv("TMPDIR");
    int n = snprintf(self->folder, sizeof(self->folder), "%s" FOLDER_TEMPLATE,
                     base && *base ? base : "/tmp");
    if (n < 0 || (size_t)n >= sizeof(self->folder) || !mkdtemp(self->folder)) {
        self->folder[0] = '\0';
        return error_set(err, -errno, "%s: %s; TMPDIR names another place",
                         base && *base ? base : "/tmp", strerror(errno));
    }
    (void)snprintf(self->segments, sizeof(self->segments), "%s/segments", self->folder);
    if (mkdir(self->segments, 0700) < 0)
        return error_set(err, -errno, "%s: %s", self->segments, strerror(errno));
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
    (void)status;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

static void remove_folder(struct demo *self)
{
    if (self->folder[0])
        (void)nftw(self->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int start_exporter(struct demo *self, struct error *err)
{
    char address[256], directory[PATH_MAX + 64];
    (void)snprintf(address, sizeof(address), "--web.listen-address=%s", self->given->address);
    (void)snprintf(directory, sizeof(directory), "--tap.directory=%s", self->segments);
    char name[] = "zmq_exporter";
    char alone[] = "--no-collector.peek";
    char *argv[] = {name, address, directory, alone, NULL};
    return demo_children_start(&self->children,
                               &(struct demo_start){.name = "exporter", .argv = argv}, err);
}

static int start_role(struct demo *self, const struct demo_role *role, struct error *err)
{
    char role_name[64];
    (void)snprintf(role_name, sizeof(role_name), "--role=%s", role->name);
    char name[] = "zmq_exporter", command[] = "demo";
    char *argv[] = {name, command, role_name, NULL};
    /* Without an exporter of its own the demo shows in the one that the host runs. */
    const char *const environment[] = {"ZMQ_EXPORTER_PROGRAM",
                                       role->name,
                                       DEMO_KEYS_VARIABLE,
                                       self->keys,
                                       self->given->has_exporter ? SEGMENT_DIRECTORY_VARIABLE
                                                                 : NULL,
                                       self->segments,
                                       NULL};
    return demo_children_start(
        &self->children, &(struct demo_start){role->name, self->folder, environment, argv}, err);
}

static int start_all(struct demo *self, struct error *err)
{
    char library[PATH_MAX];
    int r = tap_preload_find(self->given->library, library, err);
    if (r == 0)
        r = make_folder(self, err);
    if (r == 0 && demo_roles_make_keys(self->keys) < 0)
        r = error_set(err, -ENOTSUP, "this libzmq was built without CURVE");
    if (r == 0 && self->given->has_exporter)
        r = start_exporter(self, err);
    if (r == 0)
        r = tap_preload_set(library, err);
    for (size_t i = 0; r == 0 && i < demo_n_roles; i++)
        r = start_role(self, &demo_roles[i], err);
    return r;
}

static void print_story(const struct demo *self)
{
    struct terminal_ink ink = terminal_ink(stdout);
    printf("%zu small programs talk ZeroMQ. Some misbehave; look for these:\n\n", demo_n_roles);
    for (size_t i = 0; i < demo_n_roles; i++) {
        if (demo_roles[i].shows)
            printf("  %s%-11s%s %s\n", ink.bold, demo_roles[i].name, ink.plain,
                   demo_roles[i].shows);
    }
    if (self->given->has_exporter) {
        const char *address = self->given->address;
        printf("\nPage: http://%s%s/   Ctrl-C ends all.\n\n", *address == ':' ? "127.0.0.1" : "",
               address);
    } else {
        printf("\nThey show on the page of the exporter of this host. Ctrl-C ends all.\n\n");
    }
    (void)fflush(stdout);
}

/* Until a signal, the end of the time, or of a child that should not have ended. */
static int watch(struct demo *self, struct error *err)
{
    uint64_t end_ns = clock_monotonic_ns() + self->given->seconds * CLOCK_NS_PER_SECOND;
    for (;;) {
        int status;
        const char *name = demo_children_reap(&self->children, &status);
        if (name && WIFSIGNALED(status))
            return error_set(err, -ECHILD, "%s was ended by a signal: %s", name,
                             strsignal(WTERMSIG(status)));
        if (name)
            return error_set(err, -ECHILD, "%s ended with status %d", name, WEXITSTATUS(status));

        uint64_t now_ns = clock_monotonic_ns();
        if (self->given->seconds && now_ns >= end_ns)
            return 0;
        uint64_t left_ns = self->given->seconds ? end_ns - now_ns : 3600 * CLOCK_NS_PER_SECOND;
        struct timespec left = {(time_t)(left_ns / CLOCK_NS_PER_SECOND),
                                (long)(left_ns % CLOCK_NS_PER_SECOND)};
        int number = sigtimedwait(&self->signals, NULL, &left);
        if (number == SIGINT || number == SIGTERM || number == SIGHUP)
            return 0;
    }
}

static int run_demo(const struct demo_flags *given)
{
    struct demo self = {.given = given};
    struct error err;
    sigemptyset(&self.signals);
    sigaddset(&self.signals, SIGINT);
    sigaddset(&self.signals, SIGTERM);
    sigaddset(&self.signals, SIGHUP);
    sigaddset(&self.signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &self.signals, NULL);

    int r = start_all(&self, &err);
    if (r == 0) {
        print_story(&self);
        r = watch(&self, &err);
    }
    demo_children_stop(&self.children, PATIENCE_MS);
    remove_folder(&self);
    if (r == 0)
        return COMMAND_OK;
    terminal_fail("zmq_exporter demo", &err);
    return COMMAND_FAILED;
}

static void print_help(const struct flag *flags, size_t n)
{
    printf("usage: zmq_exporter demo [FLAG ...]\n"
           "\n"
           "Runs a small system of ZeroMQ programs under the tap that misbehaves on purpose.\n"
           "\nFlags:\n");
    flags_print(flags, n);
}

int command_demo(int argc, char **argv)
{
    struct demo_flags given = {.address = "127.0.0.1:10556"};
    const struct flag flags[] = {
        {"with-exporter", NULL, NULL, "Run an exporter as well, which sees the demo alone.",
         FLAG_SWITCH, &given.has_exporter},
        {"web.listen-address", "ADDRESS", "127.0.0.1:10556", "Where that exporter listens.",
         FLAG_TEXT, &given.address},
        {"seconds", "N", "until Ctrl-C", "End after so many seconds.", FLAG_NUMBER, &given.seconds},
        {"tap.library", "PATH", "the one beside or installed with zmq_exporter",
         "The libzmqtap.so to use.", FLAG_TEXT, &given.library},
        {"role", "NAME", NULL, "Play only this role, in this process.", FLAG_TEXT, &given.role},
    };
    const struct command_line line = {"zmq_exporter demo", flags, sizeof(flags) / sizeof(*flags),
                                      print_help, false};
    int rest;
    int status = command_parse(&line, argc, argv, &rest);
    if (status != COMMAND_GOES_ON)
        return status;
    return given.role ? demo_roles_play(given.role) : run_demo(&given);
}
