/* SPDX-License-Identifier: MPL-2.0 */
/* libc_needed - stands for the C library when the tap is linked: its name, and no versions. */
