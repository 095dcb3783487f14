#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Links libcontain.so from libcontain.a: link.sh ARCHIVE LIBRARY
#
# rustc gives a cdylib a version script of its own, without a node; a second one for the same names has no effect. So
# cargo builds the archive alone, and the shared library is the archive, linked.
set -euo pipefail
abi=$(cd "$(dirname "$0")/abi" && pwd)
archive=$1
library=$2

# Each exported function is asked for by name: the archive gives what those need, and nothing else.
wanted=()
while read -r name; do wanted+=("-Wl,--undefined=$name"); done <"$abi/symbols.txt"

# nodelete: a thread's data of the standard library in it may be destroyed when the thread ends, after a dlclose.
# shellcheck disable=SC2086 # LDFLAGS holds several words.
"${CC:-cc}" -shared -o "$library" "${wanted[@]}" "$archive" ${LDFLAGS:-} \
  -Wl,-soname,libcontain.so.0 -Wl,--version-script="$abi/contain.map" \
  -Wl,--gc-sections -Wl,--as-needed -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodelete \
  -Wl,--strip-all -lm -lc
