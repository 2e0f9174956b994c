/* SPDX-License-Identifier: MPL-2.0 */
/* copies_between - a library between a plug-in and the one that uses libzmq. */
int lowest(int n);
__attribute__((visibility("default"))) int between(int n);
int between(int n)
{
    return lowest(n);
}
