// SPDX-License-Identifier: MIT OR Apache-2.0
//! The seccomp program that everything after the reduction of privilege runs under: what is still called, and death
//! for every other call.

use contain_sys::arch::nr;
use contain_sys::filter::{self, Limited, Otherwise, RESTART_SYSCALL};
use contain_sys::namespace::request::{NS_GET_NSTYPE, NS_GET_OWNER_UID, NS_GET_PARENT};
use contain_sys::{Result, identity};

const ALLOWED: [usize; 17] = [
    nr::WRITE,
    nr::PREAD64,
    nr::CLOSE,
    nr::OPENAT,
    nr::OPENAT2,
    nr::READLINKAT,
    nr::FSTAT,
    nr::FSTATFS,
    nr::RECVMSG,
    nr::SENDMSG,
    nr::SOCKET,
    nr::SENDTO,
    nr::CAPGET,
    nr::CAPSET,
    nr::GETPID,
    nr::EXIT_GROUP,
    RESTART_SYSCALL,
];

/// What a user namespace is asked: its kind, its parent, its owner.
const REQUESTS: Limited<'_> = Limited::requests(&[NS_GET_NSTYPE, NS_GET_PARENT, NS_GET_OWNER_UID]);

const PROGRAM: [filter::Instruction; filter::length(&ALLOWED, &REQUESTS)] =
    filter::allow(&ALLOWED, &REQUESTS, Otherwise::Kill);

/// Loads it; no exec gains privilege from here on, and none is allowed.
pub fn load() -> Result<()> {
    identity::set_no_new_privs()?;
    identity::load_seccomp(PROGRAM.as_flattened(), 0)
}
