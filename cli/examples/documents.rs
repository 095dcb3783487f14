// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes manual pages and completions into the tree (`make docs`); with `--check` only compares.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let check = std::env::args().any(|argument| argument == "--check");
    let mut different = Vec::new();
    for (path, text) in contain_cli::documents::all() {
        let file = top.join(&path);
        if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        if !check && let Err(error) = std::fs::write(&file, text) {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
        different.push(path);
    }
    if check && !different.is_empty() {
        eprintln!("run `make docs` and commit: out of date are {}", different.join(", "));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
