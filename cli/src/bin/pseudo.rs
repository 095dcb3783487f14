// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program pseudo.
#![cfg_attr(not(target_env = "musl"), no_main)]

contain_cli::program!(contain_cli::pseudo::main);
