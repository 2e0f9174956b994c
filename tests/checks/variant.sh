#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Builds the project another way, warnings being errors, and runs what that can tell:
#   clang    the product, with AddressSanitizer and UndefinedBehaviorSanitizer: unit and fuzz suites
#   address  gcc's: whole programs with the tap, into which the compiler's own libasan is loaded
#   thread   the unit tests of rooms that have threads, whole programs with the tap, and a whole
#            exporter with all that it can do at once
# usage: variant.sh SOURCE_ROOT BUILD_ROOT clang|address|thread
set -eu
link_args=
source=$1 folder=$2/variant-$3
case "$3" in
clang)
    CC=clang sanitizers=address,undefined suites='unit fuzz'
    # Within a program the runtime would call what a test puts in the place of libc's functions.
    runtime=$(clang -print-file-name="libclang_rt.asan-$(uname -m).so" || true)
    case "$runtime" in
    /*)
        link_args=-shared-libasan
        export LD_LIBRARY_PATH="${runtime%/*}"
        ;;
    esac
    ;;
address) CC=gcc sanitizers=address,undefined suites=variant ;;
thread) CC=gcc sanitizers=thread suites='threads variant' ;;
*) echo "variant.sh: no variant '$3'"; exit 2 ;;
esac
export CC
command -v "$CC" >/dev/null || { echo "$CC is not installed"; exit 77; }

[ -f "$folder/build.ninja" ] ||
    meson setup "$folder" "$source" -Dwerror=true -Dvariant="$3" -Db_sanitize="$sanitizers" \
        -Db_lundef=false -Doptimization=1 -Dc_args=-g1 \
        -Dc_link_args="$link_args"
# Debian's libraries are not instrumented, so their own synchronization is not seen: what they do
# among themselves is no finding.
# A sanitizer's finding is an exit status of its own, so that no test takes it for a result.
export ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:exitcode=99:ignore_noninstrumented_modules=1
# All of the product, and of the tests what these suites need.
[ "$3" != clang ] || ninja -C "$folder" --quiet src/cli/zmq_exporter src/tap/libzmqtap.so
# shellcheck disable=SC2046
meson test -C "$folder" --print-errorlogs --timeout-multiplier 4 $(printf -- '--suite %s ' $suites)
