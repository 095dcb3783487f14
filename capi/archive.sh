#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Makes the archive that is installed of the one that cargo builds: archive.sh ARCHIVE INSTALLED
#
# cargo's has every function of Rust's standard library as a global symbol, so that a program could not link it and
# another archive from Rust, and it has rustc's bitcode, which a linker with a plugin of an older LLVM stumbles over.
# The one that is installed is a single object with the functions of symbols.txt, and all else local.
set -euo pipefail
symbols=$(cd "$(dirname "$0")/abi" && pwd)/symbols.txt
archive=$1
installed=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

wanted=()
while read -r name; do wanted+=("-Wl,--undefined=$name"); done <"$symbols"
"${CC:-cc}" -r -nostdlib -o "$scratch/contain.o" -Wl,--gc-sections "${wanted[@]}" "$archive"
"${OBJCOPY:-objcopy}" --keep-global-symbols="$symbols" --strip-debug --remove-section=.llvmbc \
  --remove-section=.llvmcmd "$scratch/contain.o"
rm -f "$installed"
"${AR:-ar}" rcsD "$installed" "$scratch/contain.o"
