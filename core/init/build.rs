// SPDX-License-Identifier: MIT OR Apache-2.0
//! Links contain-init as a static-pie without start files and libraries.

fn main() {
    for argument in
        ["-nostartfiles", "-nostdlib", "-static-pie", "-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--build-id=none"]
    {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    // A table for the unwinding of stacks, which nothing here does.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../no-unwinding.ld");
    for argument in ["-Wl,--no-eh-frame-hdr", &format!("-Wl,-T,{script}")] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:rerun-if-changed=build.rs");
}
