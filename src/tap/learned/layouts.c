/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/layouts.h"
#include "tap/learned/pipe_calibration.h"

#define MAX_LIBRARIES 16u

static struct {
    const struct library *library;
    struct pipe_layout layout;
} known[MAX_LIBRARIES];
static uint32_t n_known; /* published after the entry */

const struct pipe_layout *layouts_of(const struct library *library)
{
    uint32_t n = __atomic_load_n(&n_known, __ATOMIC_ACQUIRE);
    for (uint32_t i = 0; i < n; i++) {
        if (known[i].library == library)
            return &known[i].layout;
    }
    return NULL;
}

const struct pipe_layout *layouts_add(const struct library *library)
{
    const struct pipe_layout *layout = layouts_of(library);
    if (layout || n_known == MAX_LIBRARIES)
        return layout;
    known[n_known].library = library;
    pipe_layout_calibrate(library, &known[n_known].layout);
    __atomic_store_n(&n_known, n_known + 1, __ATOMIC_RELEASE);
    return &known[n_known - 1].layout;
}
