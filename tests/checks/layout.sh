#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Checks that the segment's layout, whose offsets are all asserted, is the same for processors of
# other word sizes, alignments and byte orders. usage: layout.sh SOURCE_ROOT
set -eu
command -v clang >/dev/null || { echo "clang is not installed"; exit 77; }
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
# The only thing that the header needs of a C library, which need not be there for the target.
echo '#define static_assert _Static_assert' >"$folder/assert.h"
n=0
for target in x86_64-linux-gnu i386-linux-gnu aarch64-linux-gnu arm-linux-gnueabihf \
    riscv64-linux-gnu riscv32-linux-gnu powerpc64le-linux-gnu powerpc-linux-gnu s390x-linux-gnu \
    mips-linux-gnu; do
    clang --target="$target" -ffreestanding -fsyntax-only -Wall -Werror -std=gnu11 \
        -isystem "$folder" -I "$1/src" -x c "$1/src/segment/segment_layout.h" \
        -Wno-pragma-once-outside-header || { echo "$target"; exit 1; }
    n=$((n + 1))
done
echo "$n targets, one layout"
