/* SPDX-License-Identifier: MPL-2.0 */
#include "tap/ground/own_work.h"

_Thread_local unsigned own_work_depth;
