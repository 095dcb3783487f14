// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program contain.

fn main() -> std::process::ExitCode {
    contain_cli::contain::main()
}
