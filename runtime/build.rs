// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the library includes: contain-init, built by a cargo of its own, and the named seccomp profiles, compiled.

#[path = "build/init.rs"]
mod init;
#[path = "build/seccomp.rs"]
mod seccomp;

use std::path::PathBuf;

fn main() {
    let out_dir = std::env::var_os("OUT_DIR").map(PathBuf::from).expect("cargo sets OUT_DIR");
    seccomp::generate(&out_dir);
    init::build(&out_dir);
    println!("cargo:rerun-if-env-changed=CONTAIN_LIBEXECDIR_DEFAULT");
    let libexec = std::env::var("CONTAIN_LIBEXECDIR_DEFAULT").unwrap_or("/usr/local/libexec/contain".into());
    println!("cargo:rustc-env=CONTAIN_LIBEXECDIR_DEFAULT={libexec}");
}
