/* SPDX-License-Identifier: MPL-2.0 */
/*
 * peek_launcher - a process that starts readers for an exporter, and can do nothing else.
 *
 * The exporter starts it before it gives up the right to read other processes; so the process that
 * serves HTTP never has that right while it accepts connections, and a reader that has ended can
 * still be replaced. A request is one byte over a pair of sockets that keep messages apart:
 * START comes with one end of the reader's pair of sockets. There is one reader at a time: the one
 * before is killed first. It has the reader's rights and may make and kill processes of itself: no
 * program is started, no file opened for writing, no socket made.
 *
 * When the exporter is gone it ends, and so does its reader.
 */
#ifndef PEEK_PEEK_LAUNCHER_H
#define PEEK_PEEK_LAUNCHER_H

#define PEEK_LAUNCHER_FD 3 /* the socket's end, as it is inherited */

enum peek_launcher_request { PEEK_LAUNCHER_START = 's', PEEK_LAUNCHER_END = 'e' };

/* Returns a negative errno if it could not start, 0 when the exporter is gone. In a process of a
 * reader, what peek_reader_run() returns. */
int peek_launcher_run(int fd);

#endif
