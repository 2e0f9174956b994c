/* SPDX-License-Identifier: MPL-2.0 */
/* Prints the family table, one family a line: name, type, unit and help, separated by tabs. */
#include "metrics/family.h"

#include <stdio.h>

int main(void)
{
    static const char *const types[] = {[FAMILY_COUNTER] = "counter",
                                        [FAMILY_GAUGE] = "gauge",
                                        [FAMILY_HISTOGRAM] = "histogram",
                                        [FAMILY_INFO] = "info"};
    for (unsigned i = 0; i < FAMILY_N; i++) {
        const struct family *family = family_get((enum family_id)i);
        printf("%s\t%s\t%s\t%s\n", family->name, types[family->type], family->unit, family->help);
    }
    return 0;
}
