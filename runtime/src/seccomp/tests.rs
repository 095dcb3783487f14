// SPDX-License-Identifier: MIT OR Apache-2.0
//! Filters of the caller's own: what is taken and refused of a document, and what the rules come to. Their decisions are
//! held against libseccomp's in tests/seccomp.

use super::rules::X32_BIT;
use super::*;
use crate::config::Profile;
use crate::error::Kind;
use seccompiler::SeccompCmpOp as Op;

const EPERM: Action = Action::Errno(1);
const ENOSYS: Action = Action::Errno(38);

fn own(document: &str) -> Own {
    Own::from_oci(document.as_bytes()).expect(document)
}

fn decided(own: &Own, abi: Abi, name: &str, first: u64) -> Action {
    let number = abi.number(name).expect("a name that the architecture has");
    let call = Call::new(abi.architecture(), number, [first, 0, 0, 0, 0, 0]);
    decide(&Profile::Own(own.clone()), Terminal::Own, &call).expect("a program that runs")
}

fn of_number(own: &Own, architecture: Architecture, number: u32) -> Action {
    let call = Call::new(architecture, number, [0; 6]);
    decide(&Profile::Own(own.clone()), Terminal::Own, &call).expect("a program that runs")
}

#[test]
fn what_is_wrong_is_named_with_its_place_its_value_and_what_is_allowed() {
    let cases = [
        ("[]", "seccomp: document", "[]", "an object"),
        ("{", "seccomp", "", "no JSON"),
        ("{}", "seccomp: defaultAction", "", "missing"),
        (r#"{"defaultAction":"ALLOW"}"#, "seccomp: defaultAction", "\"ALLOW\"", "SCMP_ACT_ALLOW"),
        (r#"{"defaultAction":"SCMP_ACT_NOTIFY"}"#, "seccomp: defaultAction", "NOTIFY", "no default"),
        (
            r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":4096}"#,
            "seccomp: defaultErrnoRet",
            "4096",
            "0 to 4095",
        ),
        (r#"{"defaultAction":"SCMP_ACT_TRACE","defaultErrnoRet":65536}"#, "defaultErrnoRet", "65536", "0 to 65535"),
        (r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":-1}"#, "defaultErrnoRet", "-1", "0 to 4095"),
        (r#"{"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":1}"#, "defaultErrnoRet", "1", "SCMP_ACT_TRACE alone"),
        (r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["x86"]}"#, "architectures[0]", "x86", "SCMP_ARCH_X86"),
        (r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":"x"}"#, "architectures", "x", "a list"),
        (r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["FAST"]}"#, "flags[0]", "FAST", "SECCOMP_FILTER_FLAG_LOG"),
        (
            r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#,
            "flags[0]",
            "WAIT_KILLABLE",
            "SCMP_ACT_NOTIFY",
        ),
        (r#"{"defaultAction":"SCMP_ACT_ALLOW","archMap":[]}"#, "archMap", "[]", "engines"),
    ];
    for (document, place, value, allowed) in cases {
        refused(document, place, value, allowed);
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_named_likewise() {
    let cases = [
        ("7", "syscalls[1]", "7", "an object"),
        ("{}", "syscalls[1].action", "", "missing"),
        (r#"{"action":"SCMP_ACT_ALLOW"}"#, "syscalls[1].names", "", "missing"),
        (r#"{"names":[],"action":"SCMP_ACT_LOG"}"#, "syscalls[1].names", "[]", "at least one"),
        (r#"{"names":[""],"action":"SCMP_ACT_LOG"}"#, "syscalls[1].names[0]", "\"\"", "name"),
        (r#"{"names":["read"],"action":"LOG"}"#, "syscalls[1].action", "LOG", "SCMP_ACT_LOG"),
        (r#"{"names":["read"],"action":"SCMP_ACT_LOG","errnoRet":1}"#, "syscalls[1].errnoRet", "1", "alone"),
        (r#"{"names":["read"],"action":"SCMP_ACT_LOG","args":[{}]}"#, "syscalls[1].args[0].index", "", "missing"),
        (
            r#"{"names":["read"],"action":"SCMP_ACT_LOG","args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]}"#,
            "syscalls[1].args[0].index",
            "6",
            "0 to 5",
        ),
        (
            r#"{"names":["read"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":-1,"op":"SCMP_CMP_EQ"}]}"#,
            "syscalls[1].args[0].value",
            "-1",
            "18446744073709551615",
        ),
        (
            r#"{"names":["read"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":1,"op":"EQ"}]}"#,
            "syscalls[1].args[0].op",
            "EQ",
            "SCMP_CMP_MASKED_EQ",
        ),
        (
            r#"{"names":["read"],"action":"SCMP_ACT_LOG","includes":{"caps":["A"]}}"#,
            "syscalls[1].includes",
            "A",
            "engines",
        ),
        (r#"{"names":["write"],"action":"SCMP_ACT_NOTIFY"}"#, "syscalls[1].names", "write", "SCMP_ACT_NOTIFY"),
    ];
    for (rule, place, value, allowed) in cases {
        let first =
            r#"{"names":["read"],"action":"SCMP_ACT_LOG","comment":"","args":null,"includes":{},"excludes":{}}"#;
        let document = format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","x":1,"syscalls":[{first},{rule}]}}"#);
        refused(&document, place, value, allowed);
    }
}

fn refused(document: &str, place: &str, value: &str, allowed: &str) {
    let error = Own::from_oci(document.as_bytes()).expect_err(document);
    assert_eq!(error.kind, Kind::Invalid, "{document}: {error}");
    assert!(error.operation.contains(place), "{document}: {error}");
    assert!(error.object.contains(value), "{document}: {error}");
    assert!(error.cause.as_deref().unwrap_or_default().contains(allowed), "{document}: {error}");
}

#[test]
fn what_needs_a_listener_is_unsupported() {
    for document in [
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}"#,
        r#"{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/agent"}"#,
        r#"{"defaultAction":"SCMP_ACT_ALLOW","listenerMetadata":"x"}"#,
    ] {
        let error = Own::from_oci(document.as_bytes()).expect_err(document);
        assert_eq!(error.kind, Kind::Unsupported, "{document}: {error}");
    }
    assert!(Own::from_oci(br#"{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":""}"#).is_ok());
    let rules = NamedRule { calls: vec![SystemCall::Number(1)], action: Action::Notify, conditions: Vec::new() };
    let set = RuleSet { rules: vec![rules], ..RuleSet::new(Action::Allow) };
    assert_eq!(Own::new(set).expect_err("no listener").kind, Kind::Unsupported);
}

#[test]
fn newer_calls_meet_enosys_where_the_default_refuses() {
    let named = r#""syscalls":[{"names":["close_range","read","no_such_call"],"action":"SCMP_ACT_ALLOW"}]"#;
    for default in ["ERRNO", "KILL", "KILL_PROCESS", "TRAP"] {
        let own =
            own(&format!(r#"{{"defaultAction":"SCMP_ACT_{default}","architectures":["SCMP_ARCH_X86"],{named}}}"#));
        assert_ne!(of_number(&own, Architecture::X86_64, 435), Action::Allow, "clone3");
        assert_eq!(of_number(&own, Architecture::X86_64, 436), Action::Allow, "close_range");
        for number in [437, 600, X32_BIT - 1] {
            assert_eq!(of_number(&own, Architecture::X86_64, number), ENOSYS, "{number} under {default}");
            assert_eq!(of_number(&own, Architecture::I386, number), ENOSYS, "{number} of i386 under {default}");
        }
    }
    for default in [Action::Allow, Action::Log, Action::Trace(1)] {
        let set = RuleSet::new(default);
        assert_eq!(of_number(&Own::new(set).expect("a filter"), Architecture::X86_64, 600), default);
    }
    // Nothing is newer than a filter that names nothing.
    let own = own(r#"{"defaultAction":"SCMP_ACT_ERRNO"}"#);
    assert_eq!(of_number(&own, Architecture::X86_64, 600), EPERM);
}

#[test]
fn architectures_are_x86_64_and_those_that_are_listed() {
    let rule = r#""syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]"#;
    let native = own(&format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_ARM"],{rule}}}"#));
    assert_eq!(decided(&native, Abi::X86_64, "mkdir", 0), EPERM);
    assert_eq!(decided(&native, Abi::X86, "getpid", 0), Action::KillThread);
    assert_eq!(decided(&native, Abi::X32, "getpid", 0), Action::KillThread);
    let all = r#"["SCMP_ARCH_X86","SCMP_ARCH_X32"]"#;
    let all = own(&format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","architectures":{all},{rule}}}"#));
    for abi in Abi::ALL {
        assert_eq!(decided(&all, abi, "mkdir", 0), EPERM, "{abi:?}");
        assert_eq!(decided(&all, abi, "getpid", 0), Action::Allow, "{abi:?}");
    }
    // A tracer's skipped call is not answered in its place.
    assert_eq!(of_number(&native, Architecture::X86_64, u32::MAX), Action::Allow);
}

#[test]
fn conditions_on_one_argument_are_each_enough_and_on_several_all_are_needed() {
    let rule = |args: &str| {
        own(&format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","args":[{args}]}}]}}"#
        ))
    };
    let (five, seven) = (r#"{"index":0,"value":5,"op":"SCMP_CMP_EQ"}"#, r#"{"index":0,"value":7,"op":"SCMP_CMP_EQ"}"#);
    let either = rule(&format!("{five},{seven}"));
    let outcomes = [5, 6, 7].map(|first| decided(&either, Abi::X86_64, "mkdir", first));
    assert_eq!(outcomes, [EPERM, Action::Allow, EPERM]);
    let both = rule(&format!(r#"{five},{{"index":1,"value":1,"op":"SCMP_CMP_GE"}}"#));
    assert_eq!(decided(&both, Abi::X86_64, "mkdir", 5), Action::Allow, "its second argument is 0");
}

#[test]
fn rule_without_conditions_decides_before_those_with_some() {
    let args = r#""args":[{"index":0,"value":5,"op":"SCMP_CMP_EQ"}]"#;
    let own = own(&format!(
        r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
            {{"names":["mkdir"],"action":"SCMP_ACT_KILL","errnoRet":null,{args}}},
            {{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":7}},
            {{"names":["mkdir"],"action":"SCMP_ACT_ERRNO","errnoRet":8}},
            {{"names":["mkdir"],"action":"SCMP_ACT_ALLOW"}}]}}"#
    ));
    assert_eq!([0, 5].map(|first| decided(&own, Abi::X86_64, "mkdir", first)), [Action::Errno(7); 2]);
}

#[test]
fn thirty_two_bit_programs_have_no_way_around_a_rule_by_socketcall_or_ipc() {
    let own = own(r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],
            "syscalls":[{"names":["socket","shmget","recv"],"action":"SCMP_ACT_ERRNO"}]}"#);
    assert_eq!([1, 2, 10].map(|first| decided(&own, Abi::X86, "socketcall", first)), [EPERM, Action::Allow, EPERM]);
    assert_eq!([23, 24].map(|first| decided(&own, Abi::X86, "ipc", first)), [EPERM, Action::Allow]);
    assert_eq!(decided(&own, Abi::X86, "socket", 0), EPERM);
}

#[test]
fn rule_without_conditions_decides_of_what_goes_through_socketcall_too() {
    let own = own(r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"syscalls":[
            {"names":["socket"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]},
            {"names":["socket"],"action":"SCMP_ACT_ERRNO"},
            {"names":["bind"],"action":"SCMP_ACT_LOG"}]}"#);
    assert_eq!(
        [1, 2, 3].map(|first| decided(&own, Abi::X86, "socketcall", first)),
        [EPERM, Action::Log, Action::Allow]
    );
    assert_eq!(decided(&own, Abi::X86, "socket", 1), EPERM);
}

#[test]
fn rules_of_the_callers_own_are_checked() {
    let with = |rule: NamedRule| Own::new(RuleSet { rules: vec![rule], ..RuleSet::new(Action::Allow) });
    let compared = |argument| Condition { argument, comparison: Op::Eq, value: 1 };
    let rule = |conditions| NamedRule { calls: vec![SystemCall::Number(83)], action: EPERM, conditions };
    for (rule, cause) in [
        (rule(vec![compared(6)]), "0 to 5"),
        (rule(vec![compared(1), compared(0), compared(1)]), "one condition for each argument"),
        (NamedRule { calls: Vec::new(), ..rule(Vec::new()) }, "no system call"),
        (NamedRule { action: Action::Errno(4096), ..rule(Vec::new()) }, "0 to 4095"),
    ] {
        let error = with(rule).expect_err(cause);
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.operation.starts_with("seccomp: rules[0]"), "{error}");
        assert!(error.cause.as_deref().unwrap_or_default().contains(cause), "{error}");
    }
    assert_eq!(SystemCall::parse("83"), Ok(SystemCall::Number(83)));
    assert_eq!(SystemCall::parse("mkdir"), Ok(SystemCall::Name("mkdir".into())));
    for wrong in ["mkdri", "", "+83", "4294967296", "-1"] {
        assert_eq!(SystemCall::parse(wrong).expect_err(wrong).kind, Kind::Invalid);
    }
}

#[test]
fn numbers_stand_for_the_call_of_their_name_in_every_architecture() {
    let rule = |number| NamedRule { calls: vec![SystemCall::Number(number)], action: EPERM, conditions: Vec::new() };
    let rules = vec![rule(83), rule(600), rule(X32_BIT | 700)];
    let set = RuleSet { abis: Abi::ALL.to_vec(), rules, ..RuleSet::new(Action::Allow) };
    let own = Own::new(set.clone()).expect("a filter");
    for abi in Abi::ALL {
        assert_eq!(decided(&own, abi, "mkdir", 0), EPERM, "{abi:?}");
    }
    assert_eq!(of_number(&own, Architecture::X86_64, 600), EPERM);
    assert_eq!(of_number(&own, Architecture::X86_64, X32_BIT | 700), EPERM);
    assert_eq!(of_number(&own, Architecture::I386, 600), Action::Allow);
    // By name where there is one; the same program again.
    let document = set.to_oci();
    assert_eq!(document["syscalls"][0]["names"][0], "mkdir");
    assert_eq!(document["syscalls"][1]["names"][0], 600);
    let again = Own::from_oci(document.to_string().as_bytes()).expect("its own form");
    assert_eq!(again.program(), own.program());
}

#[test]
fn flags_are_those_of_seccomp_2() {
    let own = own(r#"{"defaultAction":"SCMP_ACT_ALLOW",
            "flags":["SECCOMP_FILTER_FLAG_TSYNC","SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}"#);
    assert_eq!(own.flags(), 2 | 4);
    assert_eq!(own.summary().to_string(), "0 of 383 system calls refused (7 instructions)");
}

#[test]
fn program_on_disk_is_one_that_runs() {
    let program = own(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#).program().to_vec();
    assert!(Own::found(program.clone(), 0, (0, 383)).is_some());
    assert!(Own::found(Vec::new(), 0, (0, 383)).is_none());
    assert!(Own::found(program[..program.len() - 4].to_vec(), 0, (0, 383)).is_none(), "half an instruction");
    assert!(Own::found(program[..8].to_vec(), 0, (0, 383)).is_none(), "without its end");
    assert!(Own::found(vec![0xff; 64], 0, (0, 383)).is_none());
}

#[test]
fn callers_terminal_is_refused_beside_any_filter() {
    let allow = Profile::Own(own(r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#));
    let kill = Profile::Own(own(r#"{"defaultAction":"SCMP_ACT_KILL_PROCESS"}"#));
    let call = Call::new(Architecture::X86_64, 16, [0, 0x5412, 0, 0, 0, 0]);
    assert_eq!(decide(&allow, Terminal::Passed, &call), Ok(EPERM));
    assert_eq!(decide(&allow, Terminal::Own, &call), Ok(Action::Allow));
    assert_eq!(decide(&kill, Terminal::Passed, &call), Ok(Action::KillProcess));
    assert_eq!(loads(&allow, Terminal::Passed).map(|load| load.name).collect::<Vec<_>>(), ["terminal", "own"]);
}
