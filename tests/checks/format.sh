#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Checks that every C file is in the project's format. usage: format.sh SOURCE_ROOT
set -eu
cd "$1"
command -v clang-format >/dev/null || { echo "clang-format is not installed"; exit 77; }
files=$(find src tests -name '*.c' -o -name '*.h' | sort)
# shellcheck disable=SC2086
clang-format --dry-run -Werror $files && echo "$(echo "$files" | wc -l) files in format"
