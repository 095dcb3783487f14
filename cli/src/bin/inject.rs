// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program inject.

fn main() -> std::process::ExitCode {
    contain_cli::inject::main()
}
