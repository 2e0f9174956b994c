/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/learned/learned.h"

#include "tap/learned/more_flag.h"
#include "tap/learned/pipe_calibration.h"

static struct learned all[LIBRARY_MAX]; /* by library */

void learned_calibrate_library(const struct library *library)
{
    struct learned *learned = &all[library->index];
    if (learned->is_there)
        return;
    learned->more_flag = more_flag_calibrate(library);
    pipe_layout_calibrate(library, &learned->pipes);
    route_layout_calibrate(library, &learned->pipes, &learned->routes);
    __atomic_store_n(&learned->is_there, true, __ATOMIC_RELEASE);
}

const struct learned *learned_of(const struct library *library)
{
    const struct learned *learned = &all[library->index];
    return __atomic_load_n(&learned->is_there, __ATOMIC_ACQUIRE) ? learned : NULL;
}

const struct pipe_layout *learned_pipes_of(const struct library *library)
{
    const struct learned *learned = learned_of(library);
    return learned && learned->pipes.is_known ? &learned->pipes : NULL;
}

enum learned_monitor learned_monitor_of(const struct library *library)
{
    return __atomic_load_n(&all[library->index].monitor, __ATOMIC_ACQUIRE);
}

void learned_set_monitor(const struct library *library, enum learned_monitor monitor)
{
    __atomic_store_n(&all[library->index].monitor, monitor, __ATOMIC_RELEASE);
}
