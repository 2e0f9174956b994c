#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Builds the project another way, warnings being errors, and runs its unit and fuzz suites; under a
# sanitizer whole programs with the tap as well, and under ThreadSanitizer a whole exporter too, with
# all that it can do at once.
# usage: variant.sh SOURCE_ROOT BUILD_ROOT clang|address|thread
set -eu
source=$1 folder=$2/variant-$3
case "$3" in
clang) CC=clang; options= ;;
address) CC=gcc; options='-Db_sanitize=address,undefined -Db_lundef=false' ;;
thread) CC=gcc; options='-Db_sanitize=thread -Db_lundef=false' ;;
*) echo "variant.sh: no variant '$3'"; exit 2 ;;
esac
export CC
command -v "$CC" >/dev/null || { echo "$CC is not installed"; exit 77; }

# shellcheck disable=SC2086
[ -f "$folder/build.ninja" ] || meson setup "$folder" "$source" -Dwerror=true -Dvariant="$3" $options
ninja -C "$folder" --quiet
# Debian's libraries are not instrumented, so their own synchronization is not seen: what they do
# among themselves is no finding.
# A sanitizer's finding is an exit status of its own, so that no test takes it for a result.
export ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:exitcode=99:ignore_noninstrumented_modules=1
meson test -C "$folder" --no-rebuild --print-errorlogs --timeout-multiplier 4 \
    --suite unit --suite fuzz --suite variant
