// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program contain.
#![no_main]

contain_cli::program!(contain_cli::contain::main);
