// SPDX-License-Identifier: MIT OR Apache-2.0
//! Filters of the caller's own, from documents: the same decisions as runc's way with libseccomp, call by call.

use crate::helper::{Folder, run};
use crate::reference::near;
use contain::seccomp::{Abi, Action, Call, Condition, Own, assemble::decode, evaluate};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use seccompiler::{SeccompCmpOp as Op, sock_filter};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// An entry of `syscalls`.
#[derive(Clone, Debug)]
struct Entry {
    names: Vec<&'static str>,
    action: Action,
    conditions: Vec<Condition>,
}

/// A document in parts.
#[derive(Clone, Debug)]
struct Profile {
    default: Action,
    abis: Vec<Abi>,
    entries: Vec<Entry>,
}

/// Names of every kind: of one architecture alone, with numbers of x32's own, through socketcall and ipc, of none.
const NAMES: [&str; 32] = [
    "read",
    "write",
    "mkdir",
    "clone",
    "clone3",
    "ioctl",
    "personality",
    "openat2",
    "close_range",
    "rt_sigaction",
    "execve",
    "prctl",
    "socket",
    "bind",
    "send",
    "recvmsg",
    "accept",
    "accept4",
    "socketcall",
    "ipc",
    "shmget",
    "semtimedop",
    "msgsnd",
    "chown32",
    "stat64",
    "waitpid",
    "arch_prctl",
    "uselib",
    "futex_waitv",
    "no_such_call",
    "openat",
    "arm_fadvise64_64",
];

fn action_word(action: Action) -> (&'static str, Option<u16>) {
    match action {
        Action::KillProcess => ("SCMP_ACT_KILL_PROCESS", None),
        Action::KillThread => ("SCMP_ACT_KILL", None),
        Action::Trap => ("SCMP_ACT_TRAP", None),
        Action::Errno(number) => ("SCMP_ACT_ERRNO", Some(number)),
        Action::Trace(number) => ("SCMP_ACT_TRACE", Some(number)),
        Action::Log => ("SCMP_ACT_LOG", None),
        _ => ("SCMP_ACT_ALLOW", None),
    }
}

fn operator(condition: &Condition) -> (&'static str, &'static str, u64, u64) {
    match condition.comparison {
        Op::Ne => ("SCMP_CMP_NE", "ne", condition.value, 0),
        Op::Lt => ("SCMP_CMP_LT", "lt", condition.value, 0),
        Op::Le => ("SCMP_CMP_LE", "le", condition.value, 0),
        Op::Eq => ("SCMP_CMP_EQ", "eq", condition.value, 0),
        Op::Ge => ("SCMP_CMP_GE", "ge", condition.value, 0),
        Op::Gt => ("SCMP_CMP_GT", "gt", condition.value, 0),
        Op::MaskedEq(mask) => ("SCMP_CMP_MASKED_EQ", "masked", mask, condition.value),
    }
}

impl Profile {
    fn document(&self) -> Value {
        let (default, errno) = action_word(self.default);
        let architecture = |abi: &Abi| match abi {
            Abi::X86_64 => "SCMP_ARCH_X86_64",
            Abi::X86 => "SCMP_ARCH_X86",
            Abi::X32 => "SCMP_ARCH_X32",
        };
        let entries = self.entries.iter().map(|entry| {
            let (action, errno) = action_word(entry.action);
            let args = entry.conditions.iter().map(|condition| {
                let (op, _, value, second) = operator(condition);
                json!({ "index": condition.argument, "value": value, "valueTwo": second, "op": op })
            });
            json!({ "names": entry.names, "action": action, "errnoRet": errno, "args": args.collect::<Vec<_>>() })
        });
        json!({
            "defaultAction": default,
            "defaultErrnoRet": errno,
            "architectures": self.abis.iter().map(architecture).collect::<Vec<_>>(),
            "syscalls": entries.collect::<Vec<_>>(),
        })
    }

    /// What runc tells libseccomp: rules with the default's action are left out, and several conditions on one argument
    /// are rules of their own.
    fn list(&self) -> String {
        let mut list = format!("filter {}", self.default.code());
        for abi in &self.abis {
            list.push_str(match abi {
                Abi::X86_64 => " x86_64",
                Abi::X86 => " x86",
                Abi::X32 => " x32",
            });
        }
        list.push('\n');
        for entry in self.entries.iter().filter(|entry| entry.action != self.default) {
            let twice = |index: usize| {
                entry.conditions[..index].iter().any(|other| other.argument == entry.conditions[index].argument)
            };
            let apart = (0..entry.conditions.len()).any(twice);
            let rules: Vec<&[Condition]> =
                if apart { entry.conditions.chunks(1).collect() } else { vec![&entry.conditions] };
            for (name, conditions) in entry.names.iter().flat_map(|name| rules.iter().map(move |rule| (name, rule))) {
                write!(list, "rule {name} {}", entry.action.code()).expect("strings take everything");
                for condition in *conditions {
                    let (_, op, value, second) = operator(condition);
                    let (value, mask) = if op == "masked" { (second, value) } else { (value, 0) };
                    write!(list, " {} {op} {value} {mask}", condition.argument).expect("as above");
                }
                list.push('\n');
            }
        }
        list
    }

    /// What runc's stub in front of libseccomp's program answers with ENOSYS.
    fn is_newer(&self, abi: Abi, number: u32) -> bool {
        let names = self.entries.iter().flat_map(|entry| &entry.names);
        let newest = names.filter_map(|name| abi.number(name)).max();
        let open = matches!(self.default, Action::Allow | Action::Log | Action::Trace(_));
        !open && newest.is_some_and(|newest| number > newest)
    }

    /// Arguments that tell the entries of a call apart.
    fn arguments(&self, abi: Abi, number: u32) -> Vec<[u64; 6]> {
        let mut sets = vec![[0; 6], [u64::MAX; 6]];
        let through = matches!((abi, number), (Abi::X86, 102 | 117));
        if through {
            sets.extend((0..25).map(|first| [first, 0, 0, 0, 0, 0]));
        }
        let concerns = |entry: &&Entry| through || entry.names.iter().any(|name| abi.number(name) == Some(number));
        for condition in self.entries.iter().filter(concerns).flat_map(|entry| &entry.conditions) {
            for base in sets.clone().into_iter().take(30) {
                for value in near(condition) {
                    let mut set = base;
                    set[usize::from(condition.argument)] = value;
                    sets.push(set);
                }
            }
            sets.truncate(2000);
        }
        sets
    }
}

/// What libseccomp makes of a list, and the calls that it does not know.
struct Theirs {
    program: Vec<sock_filter>,
    unknown: Vec<String>,
}

/// None where libseccomp, and runc with it, refuses rules that say several things of the same call.
fn libseccomp(tool: &Path, list: &str) -> Option<Theirs> {
    let output = run(Command::new(tool).arg("1"), list);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "libseccomp failed: {errors}\n{list}");
    let mut refused = errors.lines().filter(|line| !line.ends_with(" unknown")).peekable();
    if refused.peek().is_some() {
        assert!(refused.all(|line| line.ends_with("File exists")), "{errors}\n{list}");
        return None;
    }
    let name = |line: &str| line.strip_prefix("not taken: ")?.strip_suffix(" unknown").map(str::to_owned);
    Some(Theirs { program: decode(&output.stdout), unknown: errors.lines().filter_map(name).collect() })
}

/// Every number of every ABI, with arguments; how many calls were compared.
fn compare(tool: &Path, profile: &Profile) -> usize {
    let ours = decode(Own::from_oci(profile.document().to_string().as_bytes()).expect("a filter").program());
    let Some(theirs) = libseccomp(tool, &profile.list()) else { return 0 };
    let run = |program: &[sock_filter], call: &Call| evaluate(program, call).expect("a program that runs").action;
    let mut compared = 0;
    for abi in Abi::ALL {
        let bit = if abi == Abi::X32 { 0x4000_0000 } else { 0 };
        for number in (0..=600).chain([4096, 0x3fff_ffff]).map(|number| number | bit) {
            if theirs.unknown.iter().any(|name| abi.number(name) == Some(number)) {
                continue;
            }
            for arguments in profile.arguments(abi, number) {
                let call = Call::new(abi.architecture(), number, arguments);
                let listed = abi == Abi::X86_64 || profile.abis.contains(&abi);
                let newer = listed && profile.is_newer(abi, number);
                let theirs = if newer { Action::Errno(38) } else { run(&theirs.program, &call) };
                assert_eq!(run(&ours, &call), theirs, "{abi:?} {call:x?} of {}", profile.document());
                compared += 1;
            }
        }
    }
    compared
}

fn some_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => Just(Action::Allow),
        3 => (0u16..134).prop_map(Action::Errno),
        1 => Just(Action::KillProcess),
        1 => Just(Action::KillThread),
        1 => Just(Action::Trap),
        1 => Just(Action::Log),
        1 => (0u16..9).prop_map(Action::Trace),
    ]
}

fn some_condition() -> impl Strategy<Value = Condition> {
    let value = prop_oneof![0u64..5, Just(0x7e02_0000u64), Just(u64::from(u32::MAX)), any::<u64>()];
    let comparison = prop_oneof![
        4 => Just(Op::Eq),
        1 => prop::sample::select(vec![Op::Ne, Op::Lt, Op::Le, Op::Ge, Op::Gt]),
        2 => prop_oneof![Just(0xffff_ffffu64), 1u64..9, Just(0x7e02_0000u64)].prop_map(Op::MaskedEq),
    ];
    (0u8..6, comparison, value).prop_map(|(argument, comparison, value)| Condition { argument, comparison, value })
}

fn entry() -> impl Strategy<Value = Entry> {
    let names = prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..5);
    let conditions = prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(some_condition(), 1..4)];
    (names, some_action(), conditions).prop_map(|(names, action, conditions)| Entry { names, action, conditions })
}

fn profile() -> impl Strategy<Value = Profile> {
    let abis = prop::sample::subsequence(Abi::ALL.to_vec(), 0..=3);
    (some_action(), abis, prop::collection::vec(entry(), 0..24))
        .prop_map(|(default, abis, entries)| comparable(Profile { default, abis, entries }))
}

/// Leaves what libseccomp 2.5.4 has one meaning for: of one call, conditions under several actions or with orders of an
/// argument's 64 bits in several rules are tried in an order of its own.
fn comparable(mut profile: Profile) -> Profile {
    let mut known: Vec<(&'static str, Action)> = Vec::new();
    for entry in &mut profile.entries {
        if entry.conditions.is_empty() {
            continue;
        }
        let ordered =
            |condition: &Condition| matches!(condition.comparison, Op::Lt | Op::Le | Op::Ge | Op::Gt | Op::Ne);
        let orders = entry.conditions.iter().any(ordered);
        // What goes through these is several calls' at once.
        entry.names.retain(|name| !["socketcall", "ipc"].contains(name));
        entry.names.retain(|name| match known.iter().find(|(other, _)| other == name) {
            Some((_, action)) => *action == entry.action && !orders,
            None => {
                known.push((name, entry.action));
                true
            }
        });
        if orders {
            // No other conditions of these calls.
            entry.conditions.truncate(1);
            known
                .iter_mut()
                .filter(|(name, _)| entry.names.contains(name))
                .for_each(|(_, action)| *action = Action::Notify);
        }
    }
    profile.entries.retain(|entry| !entry.names.is_empty());
    profile
}

fn profiles(count: usize) -> Vec<Profile> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[29; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| profile().new_tree(&mut runner).expect("a profile").current()).collect()
}

/// A document of the size and shape of the engines' default profile: most calls are allowed, some with conditions.
pub fn engines_size() -> String {
    let refused = |name: &str| {
        let words = "kexec module swap mount umount keyctl key bpf perf_event userfaultfd handle_at reboot acct quota iopl \
            ioperm setns unshare pivot settime stime io_uring syslog clone personality socket lookup_dcookie vm86 nfsserv \
            _sysctl uselib sysfs ustat fsopen fsmount fsconfig fspick open_tree move_pages mbind mempolicy vhangup";
        words.split_ascii_whitespace().any(|word| name.contains(word))
    };
    let calls = Abi::ALL.into_iter().take(2).flat_map(|abi| abi.architecture().calls().map(|(name, _)| name));
    let mut names: Vec<&str> = calls.filter(|name| !refused(name)).collect();
    names.sort_unstable();
    names.dedup();
    let equal = |name: &str, value: u64| {
        let args = json!([{ "index": 0, "value": value, "op": "SCMP_CMP_EQ" }]);
        json!({ "names": [name], "action": "SCMP_ACT_ALLOW", "args": args })
    };
    let mut entries = vec![json!({ "names": names, "action": "SCMP_ACT_ALLOW" })];
    entries.extend([0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff].map(|value| equal("personality", value)));
    entries.extend((0..45).filter(|family| ![12, 38, 40].contains(family)).map(|family| equal("socket", family)));
    let flags = json!([{ "index": 0, "value": 0x7e02_0000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }]);
    entries.push(json!({ "names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": flags }));
    entries.push(json!({ "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 }));
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        "syscalls": entries,
    })
    .to_string()
}

/// The document back in parts.
fn parts(document: &str) -> Profile {
    let document: Value = serde_json::from_str(document).expect("a document of these tests");
    let entry = |entry: &Value| {
        let names = entry["names"].as_array().expect("names").iter();
        let condition = |arg: &Value| {
            let (value, second) = (arg["value"].as_u64().expect("a value"), arg["valueTwo"].as_u64());
            let masked = arg["op"] == "SCMP_CMP_MASKED_EQ";
            let comparison = if masked { Op::MaskedEq(value) } else { Op::Eq };
            Condition { argument: 0, comparison, value: if masked { second.unwrap_or(0) } else { value } }
        };
        let errno = entry["errnoRet"].as_u64().map(|errno| errno as u16);
        Entry {
            names: names.map(|name| &*name.as_str().expect("a name").to_owned().leak()).collect(),
            action: errno.map_or(Action::Allow, Action::Errno),
            conditions: entry["args"].as_array().into_iter().flatten().map(condition).collect(),
        }
    };
    let entries = document["syscalls"].as_array().expect("entries").iter().map(entry).collect();
    Profile { default: Action::Errno(1), abis: Abi::ALL.to_vec(), entries }
}

#[test]
fn document_of_the_engines_size_decides_as_runc_and_libseccomp() {
    let folder = Folder::new();
    let Some(tool) = folder.build("libseccomp", &["-lseccomp"]) else { return };
    let profile = parts(&engines_size());
    let compared = compare(&tool, &profile);
    assert!(compared > 3000, "only {compared} calls were compared");
}

#[test]
fn random_documents_decide_as_runc_and_libseccomp() {
    let folder = Folder::new();
    let Some(tool) = folder.build("libseccomp", &["-lseccomp"]) else { return };
    let compared: Vec<usize> = profiles(40).iter().map(|profile| compare(&tool, profile)).collect();
    let (taken, calls) = (compared.iter().filter(|count| **count > 0).count(), compared.iter().sum::<usize>());
    assert!(taken >= 15 && calls > 100_000, "only {calls} calls of {taken} documents were compared");
}
