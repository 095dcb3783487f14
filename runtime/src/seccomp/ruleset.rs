// SPDX-License-Identifier: MIT OR Apache-2.0
//! A filter of the caller's own as plain data, by names, and what it means for each architecture. The meaning is that of
//! OCI's linux.seccomp as runc and libseccomp have it (docs/seccomp.md).

use super::names::{self, Abi, Numbers};
use super::rules::{Action, Architecture, Condition, Filter, LARGEST_ERRNO, Rule, Table, X32_BIT};
use crate::error::{Error, Kind};
use seccompiler::SeccompCmpOp;

/// The flags of seccomp(2) that a filter can be loaded with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Everything but what is simply allowed is logged (SECCOMP_FILTER_FLAG_LOG).
    pub log: bool,
    /// Processors are not kept from speculative store bypass (SECCOMP_FILTER_FLAG_SPEC_ALLOW).
    pub spec_allow: bool,
}

impl Flags {
    /// As seccomp(2) takes them.
    pub fn bits(self) -> u32 {
        let (log, spec_allow) = (libc::SECCOMP_FILTER_FLAG_LOG as u32, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW as u32);
        (if self.log { log } else { 0 }) | (if self.spec_allow { spec_allow } else { 0 })
    }
}

/// A system call as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemCall {
    /// By name: what each architecture has of that name.
    Name(String),
    /// By x86-64's number: the call of that name everywhere where the number has one, else x86-64's alone.
    Number(u32),
}

impl SystemCall {
    /// One by a name that must be known, or by a number in decimal digits.
    pub fn parse(text: &str) -> Result<SystemCall, Error> {
        match text.parse() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(SystemCall::Number(number)),
            _ if names::is_known(text) => Ok(SystemCall::Name(text.to_string())),
            _ => Err(Error::invalid(
                "seccomp: system call",
                format!("{text:?}"),
                "there is none of that name; one that is newer than Linux 6.18 goes by its number",
            )),
        }
    }
}

/// What is done about some system calls, where all of the conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRule {
    /// Which.
    pub calls: Vec<SystemCall>,
    /// What is done.
    pub action: Action,
    /// When: at most one condition for each argument; always where there are none.
    pub conditions: Vec<Condition>,
}

/// A filter of the caller's own.
///
/// Of one system call a rule without conditions decides, the first of those; else the first rule whose conditions hold;
/// else the default. A rule with the default's action is without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// What no rule decides.
    pub default: Action,
    /// The ABIs that the rules are for beside x86-64's own, which always is: a call in any other ends its thread.
    pub abis: Vec<Abi>,
    /// How it is loaded.
    pub flags: Flags,
    /// The rules.
    pub rules: Vec<NamedRule>,
}

impl RuleSet {
    /// One that does the same about every system call of x86-64.
    pub fn new(default: Action) -> RuleSet {
        RuleSet { default, abis: Vec::new(), flags: Flags::default(), rules: Vec::new() }
    }

    /// Whether it can be compiled, but for its length; errors name the rule by its place, counted from 0.
    pub fn check(&self) -> Result<(), Error> {
        check_action("default", self.default)?;
        for (number, rule) in self.rules.iter().enumerate() {
            let wrong =
                |object: String, allowed: &str| Error::invalid(format!("seccomp: rules[{number}]"), object, allowed);
            check_action(&format!("rules[{number}]"), rule.action)?;
            if rule.calls.is_empty() {
                return Err(wrong(String::new(), "it names no system call"));
            }
            let mut seen = 0u32;
            for condition in &rule.conditions {
                let Some(bit) = 1u32.checked_shl(condition.argument.into()).filter(|_| condition.argument < 6) else {
                    return Err(wrong(
                        format!("argument {}", condition.argument),
                        "a system call has arguments 0 to 5",
                    ));
                };
                if seen & bit != 0 {
                    return Err(wrong(
                        format!("argument {}", condition.argument),
                        "a rule has one condition for each argument: use a mask, or several rules",
                    ));
                }
                seen |= bit;
            }
        }
        Ok(())
    }

    /// What it means, architecture by architecture.
    pub(crate) fn filter(&self) -> Filter {
        let calls: Vec<(&NamedRule, Numbers)> =
            self.rules.iter().flat_map(|rule| rule.calls.iter().map(move |call| (rule, numbers(call)))).collect();
        let rules = |abi| self.of_abi(abi, &calls);
        let mut tables = vec![self.table(rules(Abi::X86_64), self.abis.contains(&Abi::X32).then(|| rules(Abi::X32)))];
        if self.abis.contains(&Abi::X86) {
            tables.push(Table { architecture: Architecture::I386, ..self.table(rules(Abi::X86), None) });
        }
        Filter { tables, foreign: Action::KillThread }
    }

    fn table(&self, (newest, mut rules): (u32, Vec<Rule>), x32: Option<(u32, Vec<Rule>)>) -> Table {
        let (x32, x32_newest) = match x32 {
            Some((newest, more)) => {
                rules.extend(more);
                (self.default, newest)
            }
            None => (Action::KillThread, u32::MAX),
        };
        let newer = Action::Errno(libc::ENOSYS as u16);
        Table { architecture: Architecture::X86_64, default: self.default, newest, newer, x32, x32_newest, rules }
    }

    /// The rules of one ABI by number, and the last number that any rule names: what is newer meets ENOSYS, where the
    /// default does not let it through anyway and there is any such number.
    fn of_abi(&self, abi: Abi, calls: &[(&NamedRule, Numbers)]) -> (u32, Vec<Rule>) {
        let mut newest = None;
        let mut parts: Vec<(u32, Part<'_>)> = Vec::with_capacity(calls.len());
        for (rule, numbers) in calls {
            let direct = numbers.of(abi);
            let shared = numbers.through.filter(|_| abi == Abi::X86);
            newest = newest.max(direct);
            // One with the default's action is without effect, but on what is newer.
            if rule.action != self.default {
                parts.extend(direct.map(|number| (number, Part { rule, first: None })));
                parts.extend(shared.map(|(number, first)| (number, Part { rule, first: Some(first) })));
            }
        }
        parts.sort_by_key(|(number, _)| *number);
        let open = matches!(self.default, Action::Allow | Action::Log | Action::Trace(_));
        let rules = parts.chunk_by(|(one, _), (other, _)| one == other).flat_map(|parts| {
            effective(parts).map(|(number, part)| Rule {
                number: *number,
                action: part.rule.action,
                conditions: part.conditions(),
            })
        });
        (if open { u32::MAX } else { newest.unwrap_or(u32::MAX) }, rules.collect())
    }
}

/// A rule as part of what is said of one number.
#[derive(Clone, Copy)]
struct Part<'r> {
    rule: &'r NamedRule,
    /// What the first argument is where the number is that of socketcall or ipc.
    first: Option<u64>,
}

impl Part<'_> {
    /// The call's own first argument is out of sight in socketcall and ipc.
    fn conditions(&self) -> Vec<Condition> {
        let conditions = &self.rule.conditions;
        match self.first {
            None => conditions.clone(),
            Some(value) => std::iter::once(Condition { argument: 0, comparison: SeccompCmpOp::Eq, value })
                .chain(conditions.iter().filter(|condition| condition.argument != 0).cloned())
                .collect(),
        }
    }

    fn is_certain(&self) -> bool {
        self.rule.conditions.is_empty()
    }
}

/// What counts of several: the first without conditions, of the number or of a call that goes through it; else all.
fn effective<'p, 'r>(parts: &'p [(u32, Part<'r>)]) -> impl Iterator<Item = &'p (u32, Part<'r>)> {
    let certain = |first: Option<u64>| parts.iter().position(|(_, part)| part.first == first && part.is_certain());
    let whole = certain(None);
    parts.iter().enumerate().filter_map(move |(index, part)| {
        let counts = match (whole, part.1.first) {
            (Some(whole), _) => index == whole,
            (None, None) => true,
            (None, first) => certain(first).is_none_or(|only| only == index),
        };
        counts.then_some(part)
    })
}

/// The numbers of a call; with bit 30 one without a name is x32's, which shares an architecture with x86-64.
fn numbers(call: &SystemCall) -> Numbers {
    let name = match call {
        SystemCall::Name(name) => Some(name.as_str()),
        SystemCall::Number(number) => names::name(*number),
    };
    match (name, call) {
        (Some(name), _) => names::numbers(name).unwrap_or_default(),
        (None, SystemCall::Number(number)) if number & X32_BIT == 0 => {
            Numbers { x86_64: Some(*number), ..Numbers::default() }
        }
        (None, SystemCall::Number(number)) => Numbers { x32: Some(*number), ..Numbers::default() },
        (None, SystemCall::Name(_)) => Numbers::default(),
    }
}

fn check_action(place: &str, action: Action) -> Result<(), Error> {
    match action {
        Action::Errno(errno) if errno > LARGEST_ERRNO => {
            Err(Error::invalid(format!("seccomp: {place}: errno"), errno.to_string(), "it is a number from 0 to 4095"))
        }
        Action::Notify => Err(unsupported("the action that asks a listener (SCMP_ACT_NOTIFY)")),
        _ => Ok(()),
    }
}

/// The error of what needs somebody who receives the listener.
pub(crate) fn unsupported(what: &str) -> Error {
    Error::new(Kind::Unsupported, "process.seccomp", "use", what)
        .cause("this version has nobody who would receive the listener and answer")
        .remedy("use another action, such as SCMP_ACT_ERRNO")
}
