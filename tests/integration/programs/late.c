/* SPDX-License-Identifier: MPL-2.0 */
/* late - a library whose destructor does what the program wants, after those of what is preloaded.
 */
#include <stddef.h>

extern void (*late_work)(void);
void (*late_work)(void);

__attribute__((destructor)) static void work(void)
{
    if (late_work)
        late_work();
}
