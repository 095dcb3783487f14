#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs the header, both libraries and libcontain.pc, or removes them:
#
#   install.sh [--uninstall] DESTDIR [PREFIX [LIBDIR]]
#
# `cargo build --release -p contain-capi` comes first; TARGET names its target folder. DESTDIR may be empty; PREFIX is
# /usr/local and LIBDIR is PREFIX/lib unless given, both absolute and without DESTDIR.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
uninstall=
if [[ ${1-} == --uninstall ]]; then uninstall=1; shift; fi
destination=${1-}
prefix=${2:-/usr/local}
libdir=${3:-$prefix/lib}
includedir=$prefix/include
archive=${TARGET:-${CARGO_TARGET_DIR:-$here/../target}}/release/libcontain.a
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/../Cargo.toml" | head -n 1)

if [[ -n $uninstall ]]; then
  rm -f "$destination$includedir/contain.h" "$destination$libdir/pkgconfig/libcontain.pc" \
    "$destination$libdir"/libcontain.{a,so,so.0,"so.$version"}
  exit
fi
if [[ ! -e $archive ]]; then
  echo "install.sh: $archive is not there: cargo build --release -p contain-capi" >&2
  exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$here/link.sh" "$archive" "$scratch/libcontain.so"
"$here/archive.sh" "$archive" "$scratch/libcontain.a"
# In terms of the prefix where that holds, so that pkg-config --define-prefix finds what was moved.
case $libdir in "$prefix"/*) named=\${prefix}/${libdir#"$prefix"/} ;; *) named=$libdir ;; esac
sed -e "s|@PREFIX@|$prefix|" -e "s|@LIBDIR@|$named|" -e "s|@VERSION@|$version|" \
  "$here/libcontain.pc.in" >"$scratch/libcontain.pc"

install -d "$destination$includedir" "$destination$libdir/pkgconfig"
install -m 644 "$here/../include/contain.h" "$destination$includedir/contain.h"
install -m 644 "$scratch/libcontain.a" "$destination$libdir/libcontain.a"
install -m 755 "$scratch/libcontain.so" "$destination$libdir/libcontain.so.$version"
ln -sf "libcontain.so.$version" "$destination$libdir/libcontain.so.0"
ln -sf libcontain.so.0 "$destination$libdir/libcontain.so"
install -m 644 "$scratch/libcontain.pc" "$destination$libdir/pkgconfig/libcontain.pc"
