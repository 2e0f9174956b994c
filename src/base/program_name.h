/* SPDX-License-Identifier: MPL-2.0 */
/*
 * program_name - what a process is called in the `program` label.
 *
 * The tap asks for its own process, the agent for processes without the tap; both must say the
 * same of one program, so the rules are here: the systemd unit, else the program, and for an
 * interpreter the script that it runs.
 *
 * Nothing here allocates or opens a file; texts are those of proc(5).
 */
#ifndef BASE_PROGRAM_NAME_H
#define BASE_PROGRAM_NAME_H

#include <stdbool.h>
#include <stddef.h>

#define PROGRAM_NAME_SIZE 128 /* longer names are cut */

/* The innermost unit of `/proc/<pid>/cgroup`, without ".service": "feed" of
 * "0::/system.slice/feed.service". False if the process runs in no service of its own; a user's
 * own manager, user@1000.service, is none. */
bool program_name_from_cgroup(const char *cgroup, char ret_name[static PROGRAM_NAME_SIZE]);

/* The program: base name of `exe`, the target of /proc/<pid>/exe, or of the first argument where
 * `exe` is NULL. For an interpreter (python, perl, java, R, …) the script, module or main class.
 * `cmdline` is /proc/<pid>/cmdline: `size` bytes of arguments that each end in NUL. Never empty:
 * "unknown" if neither says anything. */
void program_name_from_command(const char *exe, const char *cmdline, size_t size,
                               char ret_name[static PROGRAM_NAME_SIZE]);

#endif
