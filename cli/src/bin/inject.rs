// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program inject.
#![no_main]

contain_cli::program!(contain_cli::inject::main);
