// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiler and the named profiles: against their own rules, against libseccomp and seccompiler, call by call,
//! and against the kernel.

#[path = "seccomp/compiler.rs"]
mod compiler;
#[path = "seccomp/fuzz.rs"]
mod fuzz;
#[path = "seccomp/helper.rs"]
mod helper;
#[path = "seccomp/kernel.rs"]
mod kernel;
#[path = "seccomp/libseccomp.rs"]
mod libseccomp;
#[path = "seccomp/measure.rs"]
mod measure;
#[allow(dead_code)]
#[path = "../../tests/fuzz/mutate.rs"]
mod mutate;
#[path = "seccomp/oci.rs"]
mod oci;
#[path = "seccomp/profile.rs"]
mod profile;
#[path = "seccomp/reference.rs"]
mod reference;
