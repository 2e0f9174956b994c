/* SPDX-License-Identifier: MPL-2.0 */
/*
 * build_id - the GNU build id of an ELF file.
 *
 * The file belongs to another user's process and may be anything: it is read with pread, never
 * mapped (a file cut meanwhile is SIGBUS there), each offset is checked, and no more than
 * BUILD_ID_NOTES_MAX bytes of notes are looked at. libelf is not used because its authors do not
 * promise to stand up to hostile files.
 */
#ifndef LIBRARIES_BUILD_ID_H
#define LIBRARIES_BUILD_ID_H

#define BUILD_ID_MAX_BYTES   32
#define BUILD_ID_TEXT_SIZE   (2 * BUILD_ID_MAX_BYTES + 1)
#define BUILD_ID_NOTES_MAX   16384
#define BUILD_ID_HEADERS_MAX 128

/* Lower-case hexadecimal digits, as file(1) and package indexes print them.
 * Errors: -ENODATA no build id; -EBADMSG no ELF file of this byte order; -errno from pread. */
int build_id_read(int fd, char ret_text[static BUILD_ID_TEXT_SIZE]);

#endif
