// SPDX-License-Identifier: MIT OR Apache-2.0
//! OCI's `linux.seccomp` object, read and written. What is wrong in it is refused with its place, its value and what is
//! allowed there; properties that are not known are passed over, as OCI asks.

use super::names::{self, Abi};
use super::rules::{Action, Condition, LARGEST_ERRNO};
use super::ruleset::{Flags, NamedRule, RuleSet, SystemCall, unsupported};
use crate::config::json::read::{Fields, Item};
use crate::error::Error;
use seccompiler::SeccompCmpOp;
use serde_json::{Value, json};

/// Where errors say that they are from.
const DOCUMENT: &str = "seccomp";

/// What an action is, but for the number that goes with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    KillProcess,
    KillThread,
    Trap,
    Errno,
    Trace,
    Log,
    Allow,
    Notify,
}

const ACTIONS: [(&str, Verb); 9] = [
    ("SCMP_ACT_KILL_PROCESS", Verb::KillProcess),
    ("SCMP_ACT_KILL_THREAD", Verb::KillThread),
    ("SCMP_ACT_KILL", Verb::KillThread),
    ("SCMP_ACT_TRAP", Verb::Trap),
    ("SCMP_ACT_ERRNO", Verb::Errno),
    ("SCMP_ACT_TRACE", Verb::Trace),
    ("SCMP_ACT_LOG", Verb::Log),
    ("SCMP_ACT_ALLOW", Verb::Allow),
    ("SCMP_ACT_NOTIFY", Verb::Notify),
];

/// An operator with its value and the second one, which masked equality alone has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    MaskedEqual,
}

const OPERATORS: [(&str, Operator); 7] = [
    ("SCMP_CMP_NE", Operator::NotEqual),
    ("SCMP_CMP_LT", Operator::Less),
    ("SCMP_CMP_LE", Operator::LessOrEqual),
    ("SCMP_CMP_EQ", Operator::Equal),
    ("SCMP_CMP_GE", Operator::GreaterOrEqual),
    ("SCMP_CMP_GT", Operator::Greater),
    ("SCMP_CMP_MASKED_EQ", Operator::MaskedEqual),
];

/// x86's own; those of other processors are of no account on this one.
const ARCHITECTURES: [(&str, Option<Abi>); 21] = [
    ("SCMP_ARCH_X86_64", Some(Abi::X86_64)),
    ("SCMP_ARCH_X86", Some(Abi::X86)),
    ("SCMP_ARCH_X32", Some(Abi::X32)),
    ("SCMP_ARCH_ARM", None),
    ("SCMP_ARCH_AARCH64", None),
    ("SCMP_ARCH_LOONGARCH64", None),
    ("SCMP_ARCH_M68K", None),
    ("SCMP_ARCH_MIPS", None),
    ("SCMP_ARCH_MIPS64", None),
    ("SCMP_ARCH_MIPS64N32", None),
    ("SCMP_ARCH_MIPSEL", None),
    ("SCMP_ARCH_MIPSEL64", None),
    ("SCMP_ARCH_MIPSEL64N32", None),
    ("SCMP_ARCH_PARISC", None),
    ("SCMP_ARCH_PARISC64", None),
    ("SCMP_ARCH_PPC", None),
    ("SCMP_ARCH_PPC64", None),
    ("SCMP_ARCH_PPC64LE", None),
    ("SCMP_ARCH_RISCV64", None),
    ("SCMP_ARCH_S390", None),
    ("SCMP_ARCH_S390X", None),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    Tsync,
    Log,
    SpecAllow,
    WaitKillable,
}

const FLAGS: [(&str, Flag); 4] = [
    ("SECCOMP_FILTER_FLAG_TSYNC", Flag::Tsync),
    ("SECCOMP_FILTER_FLAG_LOG", Flag::Log),
    ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", Flag::SpecAllow),
    ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", Flag::WaitKillable),
];

impl RuleSet {
    /// The rules of an OCI `linux.seccomp` object.
    pub fn from_oci(document: &[u8]) -> Result<RuleSet, Error> {
        RuleSet::of_fields(Fields::of_document(DOCUMENT, document)?)
    }

    /// The same, as part of another document.
    pub(crate) fn of_fields(mut fields: Fields) -> Result<RuleSet, Error> {
        let errno = fields.take("defaultErrnoRet");
        let default = action(fields.required("defaultAction")?, errno, Rank::Default)?;
        let mut rules = RuleSet::new(default);
        if let Some(item) = fields.take("architectures") {
            rules.abis = item.list(|item| item.word(&ARCHITECTURES))?.into_iter().flatten().collect();
        }
        if let Some(item) = fields.take("flags") {
            for item in item.list(Ok)? {
                match item.clone().word(&FLAGS)? {
                    // There is one thread.
                    Flag::Tsync => {}
                    Flag::Log => rules.flags.log = true,
                    Flag::SpecAllow => rules.flags.spec_allow = true,
                    Flag::WaitKillable => {
                        return Err(
                            item.wrong("a flag that goes with SCMP_ACT_NOTIFY, which this version does not take")
                        );
                    }
                }
            }
        }
        for name in ["listenerPath", "listenerMetadata"] {
            if fields.take(name).is_some_and(|item| item.value != "") {
                return Err(unsupported(&format!("{DOCUMENT}: {name}")));
            }
        }
        if let Some(item) = fields.take("archMap") {
            return Err(item.wrong(ENGINES));
        }
        if let Some(item) = fields.take("syscalls") {
            for part in item.list(rules_of)? {
                rules.rules.extend(part);
            }
        }
        Ok(rules)
    }

    /// As an OCI `linux.seccomp` object. A number that has no name is a number among the names, which other runtimes do
    /// not take.
    pub fn to_oci(&self) -> Value {
        let mut document = json!({
            "architectures": self.abis.iter().map(|abi| abi_name(*abi)).collect::<Vec<_>>(),
            "flags": flag_names(self.flags),
            "syscalls": self.rules.iter().map(rule_value).collect::<Vec<_>>(),
        });
        let (name, number) = action_name(self.default);
        document["defaultAction"] = name.into();
        if let Some(number) = number {
            document["defaultErrnoRet"] = number.into();
        }
        document
    }
}

/// What is said of a document in the form of the engines' own profiles.
const ENGINES: &str = "a field of the engines' profiles, which say what holds for which container: \
    resolve it first, and give what OCI's linux.seccomp has";

/// Where an action stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    Default,
    Rule,
}

fn action(item: Item, errno: Option<Item>, rank: Rank) -> Result<Action, Error> {
    let verb = item.clone().word(&ACTIONS)?;
    let most = if verb == Verb::Errno { LARGEST_ERRNO } else { u16::MAX };
    let given = errno.filter(|item| !item.value.is_null());
    if let Some(given) = &given
        && !matches!(verb, Verb::Errno | Verb::Trace)
    {
        return Err(given.wrong("a field that goes with SCMP_ACT_ERRNO and SCMP_ACT_TRACE alone"));
    }
    let number = given
        .map(|given| given.one_of(&format!("a number from 0 to {most}"), |value| small(value, most)))
        .transpose()?
        .unwrap_or(libc::EPERM as u16);
    Ok(match verb {
        Verb::KillProcess => Action::KillProcess,
        Verb::KillThread => Action::KillThread,
        Verb::Trap => Action::Trap,
        Verb::Errno => Action::Errno(number),
        Verb::Trace => Action::Trace(number),
        Verb::Log => Action::Log,
        Verb::Allow => Action::Allow,
        Verb::Notify if rank == Rank::Default => {
            return Err(item.wrong("an action other than SCMP_ACT_NOTIFY, which no default can be"));
        }
        Verb::Notify => Action::Notify,
    })
}

fn small(value: &Value, most: u16) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number <= most)
}

/// The rules of one entry of `syscalls`: one, but for several conditions on one argument, each of which is then enough.
fn rules_of(item: Item) -> Result<Vec<NamedRule>, Error> {
    let mut fields = item.object()?;
    let errno = fields.take("errnoRet");
    let action = action(fields.required("action")?, errno, Rank::Rule)?;
    for name in ["includes", "excludes"] {
        if let Some(item) = fields.take(name)
            && !is_empty(&item.value)
        {
            return Err(item.wrong(ENGINES));
        }
    }
    let names = fields.required("names")?;
    let given = names.value.as_array().map_or(&[][..], Vec::as_slice);
    if names.value.is_array() && given.is_empty() {
        return Err(names.wrong("a list of at least one system call"));
    }
    if action == Action::Notify {
        if given.iter().any(|name| name == "write") {
            return Err(names.wrong("no list with write where the action is SCMP_ACT_NOTIFY"));
        }
        return Err(unsupported(&format!("{}: SCMP_ACT_NOTIFY", names.place())));
    }
    let calls = names.each("the name of a system call", call)?;
    let conditions = match fields.take("args") {
        Some(item) => item.list(condition)?,
        None => Vec::new(),
    };
    let calls: Vec<SystemCall> = calls.into_iter().flatten().collect();
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let twice = |one: usize| conditions[..one].iter().any(|other| other.argument == conditions[one].argument);
    if (0..conditions.len()).any(twice) {
        let alone =
            |condition: &Condition| NamedRule { calls: calls.clone(), action, conditions: vec![condition.clone()] };
        return Ok(conditions.iter().map(alone).collect());
    }
    Ok(vec![NamedRule { calls, action, conditions }])
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().all(is_empty),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A system call; none of a name that is known nowhere, which OCI says is passed over. What is none comes back.
fn call(value: Value) -> Result<Option<SystemCall>, Value> {
    match value {
        Value::String(name) if !name.is_empty() => Ok(names::is_known(&name).then_some(SystemCall::Name(name))),
        Value::Number(number) => match number.as_u64().and_then(|number| u32::try_from(number).ok()) {
            Some(number) => Ok(Some(SystemCall::Number(number))),
            None => Err(Value::Number(number)),
        },
        other => Err(other),
    }
}

fn condition(item: Item) -> Result<Condition, Error> {
    let mut fields = item.object()?;
    let number = |item: Item| item.one_of("a number from 0 to 18446744073709551615", Value::as_u64);
    let argument = fields.required("index")?.one_of("a number from 0 to 5", |value| {
        value.as_u64().filter(|index| *index < 6).and_then(|index| u8::try_from(index).ok())
    })?;
    let value = number(fields.required("value")?)?;
    let second = fields.take("valueTwo").map(number).transpose()?.unwrap_or(0);
    Ok(match fields.required("op")?.word(&OPERATORS)? {
        Operator::NotEqual => Condition { argument, comparison: SeccompCmpOp::Ne, value },
        Operator::Less => Condition { argument, comparison: SeccompCmpOp::Lt, value },
        Operator::LessOrEqual => Condition { argument, comparison: SeccompCmpOp::Le, value },
        Operator::Equal => Condition { argument, comparison: SeccompCmpOp::Eq, value },
        Operator::GreaterOrEqual => Condition { argument, comparison: SeccompCmpOp::Ge, value },
        Operator::Greater => Condition { argument, comparison: SeccompCmpOp::Gt, value },
        Operator::MaskedEqual => Condition { argument, comparison: SeccompCmpOp::MaskedEq(value), value: second },
    })
}

fn abi_name(abi: Abi) -> &'static str {
    ARCHITECTURES.iter().find(|(_, known)| *known == Some(abi)).map_or("", |(name, _)| name)
}

fn flag_names(flags: Flags) -> Vec<&'static str> {
    let set = |flag| match flag {
        Flag::Log => flags.log,
        Flag::SpecAllow => flags.spec_allow,
        Flag::Tsync | Flag::WaitKillable => false,
    };
    FLAGS.iter().filter(|(_, flag)| set(*flag)).map(|(name, _)| *name).collect()
}

fn action_name(action: Action) -> (&'static str, Option<u16>) {
    let (verb, number) = match action {
        Action::KillProcess => (Verb::KillProcess, None),
        Action::KillThread => (Verb::KillThread, None),
        Action::Trap => (Verb::Trap, None),
        Action::Errno(errno) => (Verb::Errno, Some(errno)),
        Action::Trace(message) => (Verb::Trace, Some(message)),
        Action::Log => (Verb::Log, None),
        Action::Allow => (Verb::Allow, None),
        Action::Notify => (Verb::Notify, None),
    };
    (ACTIONS.iter().find(|(_, known)| *known == verb).map_or("", |(name, _)| name), number)
}

fn rule_value(rule: &NamedRule) -> Value {
    let (action, number) = action_name(rule.action);
    let names: Vec<Value> = rule
        .calls
        .iter()
        .map(|call| match call {
            SystemCall::Name(name) => name.as_str().into(),
            SystemCall::Number(number) => names::name(*number).map_or_else(|| (*number).into(), Value::from),
        })
        .collect();
    let mut value = json!({ "names": names, "action": action });
    if let Some(number) = number {
        value["errnoRet"] = number.into();
    }
    if !rule.conditions.is_empty() {
        value["args"] = rule.conditions.iter().map(condition_value).collect();
    }
    value
}

fn condition_value(condition: &Condition) -> Value {
    let (operator, value, second) = match condition.comparison {
        SeccompCmpOp::Ne => (Operator::NotEqual, condition.value, 0),
        SeccompCmpOp::Lt => (Operator::Less, condition.value, 0),
        SeccompCmpOp::Le => (Operator::LessOrEqual, condition.value, 0),
        SeccompCmpOp::Eq => (Operator::Equal, condition.value, 0),
        SeccompCmpOp::Ge => (Operator::GreaterOrEqual, condition.value, 0),
        SeccompCmpOp::Gt => (Operator::Greater, condition.value, 0),
        SeccompCmpOp::MaskedEq(mask) => (Operator::MaskedEqual, mask, condition.value),
    };
    let name = OPERATORS.iter().find(|(_, known)| *known == operator).map_or("", |(name, _)| name);
    json!({ "index": condition.argument, "value": value, "valueTwo": second, "op": name })
}
