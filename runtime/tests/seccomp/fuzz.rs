// SPDX-License-Identifier: MIT OR Apache-2.0
//! The reader of OCI's object and the compiler behind it on mutated documents: no panic, a program that runs to its end,
//! and the same one from the object that is written of it.

use crate::mutate::Target;
use contain::seccomp::{Abi, Call, Own, RuleSet, assemble::decode, evaluate};

/// What the format is made of.
const WORDS: &[&[u8]] = &[
    b"\"defaultAction\"",
    b"\"defaultErrnoRet\"",
    b"\"architectures\"",
    b"\"flags\"",
    b"\"syscalls\"",
    b"\"names\"",
    b"\"action\"",
    b"\"errnoRet\"",
    b"\"args\"",
    b"\"index\"",
    b"\"value\"",
    b"\"valueTwo\"",
    b"\"op\"",
    b"\"SCMP_ACT_ALLOW\"",
    b"\"SCMP_ACT_ERRNO\"",
    b"\"SCMP_ACT_NOTIFY\"",
    b"\"SCMP_ARCH_X86\"",
    b"\"SCMP_ARCH_X32\"",
    b"\"SCMP_CMP_MASKED_EQ\"",
    b"\"SCMP_CMP_GE\"",
    b"\"socket\"",
    b"18446744073709551615",
    b"4096",
    b"-1",
    b"null",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
];

fn check(document: &[u8]) {
    let Ok(rules) = RuleSet::from_oci(document) else { return };
    let Ok(own) = Own::new(rules.clone()) else { return };
    let program = decode(own.program());
    for abi in Abi::ALL {
        for number in [0, 41, 83, 102, 600, 0x4000_0000, 0x4000_0202, u32::MAX] {
            for arguments in [[0; 6], [1; 6], [u64::MAX; 6]] {
                let call = Call::new(abi.architecture(), number, arguments);
                assert!(evaluate(&program, &call).is_ok(), "{call:x?}");
            }
        }
    }
    let again = Own::from_oci(rules.to_oci().to_string().as_bytes()).expect("what is written is read");
    assert_eq!(again.program(), own.program());
    assert_eq!(again.flags(), own.flags());
}

#[test]
fn fuzz_documents_of_filters() {
    Target::open("seccomp", WORDS).run(check);
}
