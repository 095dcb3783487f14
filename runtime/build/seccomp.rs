// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of the build script that compiles the named seccomp profiles: each to the bytes of its program, and to
//! how many system calls it refuses out of how many; and the table of the calls' names. The library includes them all
//! (src/seccomp/mod.rs, names.rs).

#[allow(dead_code)]
#[path = "../src/seccomp/assemble.rs"]
mod assemble;
#[path = "names.rs"]
mod names;
#[allow(dead_code)]
#[path = "../src/seccomp/profiles.rs"]
mod profiles;
#[allow(dead_code)]
#[path = "../src/seccomp/rules.rs"]
mod rules;
#[path = "../src/seccomp/table_i386.rs"]
mod table_i386;
#[path = "../src/seccomp/table_x86_64.rs"]
mod table_x86_64;
#[path = "../src/seccomp/tree.rs"]
mod tree;

use profiles::Terminal;
use std::fs;
use std::path::Path;

/// Writes `seccomp-names.rs`, `seccomp-PROFILE.bpf` and `seccomp-PROFILE.rs` into `out_dir`, and tells cargo what they come from.
///
/// # Panics
///
/// Where a profile does not compile or a file cannot be written: the build is over then.
pub fn generate(out_dir: &Path) {
    println!("cargo::rerun-if-changed=build/names.rs");
    println!("cargo::rerun-if-changed=build/seccomp.rs");
    println!("cargo::rerun-if-changed=src/seccomp");
    let profiles = [
        ("system", profiles::system(Terminal::Own)),
        ("system-terminal", profiles::system(Terminal::Passed)),
        ("app", profiles::app(Terminal::Own)),
        ("app-terminal", profiles::app(Terminal::Passed)),
        ("terminal", profiles::terminal_only()),
    ];
    let write = |name: &str, extension: &str, bytes: &[u8]| {
        let file = out_dir.join(format!("seccomp-{name}.{extension}"));
        fs::write(&file, bytes).unwrap_or_else(|error| panic!("write {}: {error}", file.display()));
    };
    write("names", "rs", names::source().as_bytes());
    for (name, filter) in profiles {
        let program = tree::compile(&filter).unwrap_or_else(|error| panic!("seccomp profile {name}: {error}"));
        write(name, "bpf", &assemble::encode(&program));
        write(name, "rs", format!("{:?}\n", profiles::refused(&filter)).as_bytes());
    }
}
