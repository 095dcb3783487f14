// SPDX-License-Identifier: MIT OR Apache-2.0
//! A filter of the caller's own, compiled: the program, how it is loaded, its numbers, and what it was made from.

use super::assemble::{decode, encode};
use super::evaluate::{Call, evaluate};
use super::names::Abi;
use super::rules::{Action, Architecture};
use super::ruleset::RuleSet;
use super::{Summary, profiles, tree};
use crate::error::{Error, Kind};
use std::sync::Arc;

/// A compiled filter of the caller's own. Copies share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own(Arc<Compiled>);

#[derive(Debug, PartialEq, Eq)]
struct Compiled {
    program: Vec<u8>,
    flags: u32,
    refused: (usize, usize),
    /// None of one that was found on disk.
    source: Option<RuleSet>,
}

impl Own {
    /// Compiles one.
    pub fn new(source: RuleSet) -> Result<Own, Error> {
        source.check()?;
        let filter = source.filter();
        let program = tree::compile(&filter).map_err(|error| {
            let kind = if matches!(error, super::rules::Error::TooLong(_)) { Kind::TooBig } else { Kind::Invalid };
            Error::new(kind, "config", "seccomp", "").cause(error.to_string())
        })?;
        let (flags, refused) = (source.flags.bits(), profiles::refused(&filter));
        Ok(Own(Arc::new(Compiled { program: encode(&program), flags, refused, source: Some(source) })))
    }

    /// One of an OCI `linux.seccomp` object.
    pub fn from_oci(document: &[u8]) -> Result<Own, Error> {
        Own::new(RuleSet::from_oci(document)?)
    }

    /// One that was compiled before and written down; none where it is no program that seccomp(2) would take.
    pub(crate) fn found(program: Vec<u8>, flags: u32, refused: (usize, usize)) -> Option<Own> {
        let instructions = decode(&program);
        let whole = program.len().is_multiple_of(8) && (1..=tree::LONGEST).contains(&instructions.len());
        let call = Call::new(Architecture::X86_64, 0, [0; 6]);
        (whole && evaluate(&instructions, &call).is_ok())
            .then(|| Own(Arc::new(Compiled { program, flags, refused, source: None })))
    }

    /// The program: the bytes of an array of struct sock_filter.
    pub fn program(&self) -> &[u8] {
        &self.0.program
    }

    /// The flags of seccomp(2) that it is loaded with.
    pub fn flags(&self) -> u32 {
        self.0.flags
    }

    /// The rules that it was made from; none of a container's own that was found on disk.
    pub fn source(&self) -> Option<&RuleSet> {
        self.0.source.as_ref()
    }

    /// How many of x86-64's system calls it never lets through, how many there are, and its length.
    pub fn summary(&self) -> Summary {
        let (refused, total) = self.0.refused;
        Summary { refused, total, instructions: self.0.program.len() / 8 }
    }

    /// The first of some system calls of x86-64 that it does not let through, by name, and what it does instead. What
    /// points into memory has an address such as any.
    pub(crate) fn stops<'c>(&self, calls: &[(&'c str, [u64; 6])]) -> Option<(&'c str, Action)> {
        let program = decode(self.program());
        calls.iter().find_map(|(name, arguments)| {
            let call = Call::new(Architecture::X86_64, Abi::X86_64.number(name)?, *arguments);
            let action = evaluate(&program, &call).map_or(Action::KillProcess, |verdict| verdict.action);
            (!matches!(action, Action::Allow | Action::Log)).then_some((*name, action))
        })
    }
}
