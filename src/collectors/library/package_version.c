/* SPDX-License-Identifier: MPL-2.0 */
#include "collectors/library/package_version.h"

#include <string.h>

int package_version_compare(enum package_manager manager, const char *a, const char *b)
{
    switch (manager) {
    case PACKAGE_DPKG:
        return package_version_compare_dpkg(a, b);
    case PACKAGE_RPM:
        return package_version_compare_rpm(a, b);
    case PACKAGE_APK:
        return package_version_compare_apk(a, b);
    case PACKAGE_NONE:
    case PACKAGE_UNREAD:
    case PACKAGE_N:
        break;
    }
    return strcmp(a, b);
}
