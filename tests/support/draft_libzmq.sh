#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Builds a libzmq with drafts from the source package of the one that is installed (Debian and its
# kin), and prints its path. What was built once stays. Of this machine's apt nothing is changed:
# lists of sources and packages are the folder's own.
# usage: draft_libzmq.sh FOLDER
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
library=$folder/lib/libzmq.so.5
[ -e "$library" ] && { echo "$library"; exit; }
exec 3>&1 >"$folder/log.txt" 2>&1
trap '[ $? -eq 0 ] || tail -20 "$folder/log.txt" >&3' EXIT

version=$(dpkg-query -W -f '${source:Version}' libzmq5)
mkdir -p "$folder/apt/sources" "$folder/apt/lists/partial"
# The archives as they are named for packages, asked for their sources.
for list in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources; do
    [ -f "$list" ] && sed 's/^Types:.*/Types: deb-src/' "$list" >"$folder/apt/sources/${list##*/}"
done
[ -f /etc/apt/sources.list ] &&
    sed -n 's/^deb \(.*\)/deb-src \1/p' /etc/apt/sources.list >"$folder/apt/sources/plain.list"
apt() {
    apt-get -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$folder/apt/sources" \
        -o Dir::State::lists="$folder/apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= "$@"
}
apt update
cd "$folder"
apt source --download-only "zeromq3=$version"
rm -rf source
dpkg-source --no-check -x zeromq3_*.dsc source
cmake -S source -B made -DCMAKE_BUILD_TYPE=Release -DENABLE_DRAFTS=ON -DBUILD_TESTS=OFF -DBUILD_STATIC=OFF \
    -DWITH_PERF_TOOL=OFF -DWITH_DOCS=OFF -DWITH_LIBSODIUM=OFF -DENABLE_PRECOMPILED=OFF
cmake --build made -j"$(nproc)"
mkdir -p "$folder/lib"
cp -L made/lib/libzmq.so.5 "$library.new"
mv "$library.new" "$library"
rm -rf source made
echo "$library" >&3
