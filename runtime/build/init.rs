// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds contain-init with a cargo of its own (profile `core`, target folder of its own) so that nothing of this
//! build's settings reaches it, and leaves it as `contain-init` in the output folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds and copies contain-init.
pub fn build(out_dir: &Path) {
    let workspace = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the workspace is the parent folder");
    for folder in ["sys", "plan", "init"] {
        println!("cargo:rerun-if-changed={}", workspace.join("core").join(folder).display());
    }
    let target = out_dir.join("core");
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut command = Command::new(cargo);
    // Variables of the outer cargo would change what the inner one builds.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let of_cargo = text.starts_with("CARGO") && text != "CARGO_HOME" || text.starts_with("DEP_");
        if of_cargo || ["RUSTFLAGS", "RUSTDOCFLAGS", "TARGET", "HOST", "OUT_DIR", "PROFILE"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    let status = command
        .current_dir(&workspace)
        .args(["build", "--quiet", "--package", "contain-init", "--profile", "core"])
        .arg("--target-dir")
        .arg(&target)
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "contain-init cannot be built");
    std::fs::copy(target.join("core/contain-init"), out_dir.join("contain-init")).expect("contain-init was built");
}
