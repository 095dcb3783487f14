// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program pseudo.

fn main() -> std::process::ExitCode {
    contain_cli::pseudo::main()
}
