// SPDX-License-Identifier: MIT OR Apache-2.0
//! The named profiles: what they say, and that what was compiled with the library says the same.

use crate::reference;
use contain::Profile;
use contain::seccomp::assemble::decode;
use contain::seccomp::rules::{SKIPPED, X32_BIT};
use contain::seccomp::{
    Action, Architecture, Call, Filter, Terminal, compile, decide, evaluate, profiles, program, summary,
};

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);
const BOTH: [Architecture; 2] = [Architecture::X86_64, Architecture::I386];
const TIOCSTI: u64 = 0x5412;

fn all() -> [(Profile, Terminal, Filter); 5] {
    [
        (Profile::System, Terminal::Own, profiles::system(Terminal::Own)),
        (Profile::System, Terminal::Passed, profiles::system(Terminal::Passed)),
        (Profile::App, Terminal::Own, profiles::app(Terminal::Own)),
        (Profile::App, Terminal::Passed, profiles::app(Terminal::Passed)),
        (Profile::None, Terminal::Passed, profiles::terminal_only()),
    ]
}

fn named(profile: &Profile, terminal: Terminal, architecture: Architecture, name: &str, arguments: [u64; 6]) -> Action {
    let number = architecture.number(name).unwrap_or_else(|| panic!("{architecture:?} has {name}"));
    decide(profile, terminal, &Call::new(architecture, number, arguments)).expect("the profile runs")
}

#[test]
fn compiled_profiles_decide_as_their_rules() {
    for (profile, terminal, filter) in all() {
        let bytes = program(&profile, terminal).expect("a program");
        let instructions = decode(bytes);
        assert_eq!(instructions, compile(&filter).expect("it compiles"), "{profile:?} {terminal:?}");
        let foreign = [Call { number: 0, audit: 0xc000_00b7, arguments: [0; 6] }];
        let calls = BOTH.iter().flat_map(|architecture| reference::calls(&filter, *architecture)).chain(foreign);
        for call in calls {
            let verdict = evaluate(&instructions, &call).expect("the profile runs");
            assert_eq!(verdict.action, reference::decide(&filter, &call), "{profile:?} {terminal:?} {call:x?}");
        }
    }
}

#[test]
fn none_without_a_callers_terminal_loads_nothing() {
    assert_eq!(program(&Profile::None, Terminal::Own), None);
    assert_eq!(summary(&Profile::None, Terminal::Own).instructions, 0);
}

#[test]
fn summaries_count_what_the_program_refuses() {
    for (profile, terminal, _) in all() {
        let summary = summary(&profile, terminal);
        let calls = || Architecture::X86_64.calls();
        assert_eq!(summary.total, calls().count());
        assert_eq!(summary.instructions, program(&profile, terminal).expect("a program").len() / 8);
        // Calls with conditions pass with one of these arguments, in each of the profiles.
        let passes = |name| {
            let tries = [[0; 6], [0, 2, 0, 0, 0, 0]];
            let x86_64 = Architecture::X86_64;
            tries.iter().any(|arguments| named(&profile, terminal, x86_64, name, *arguments) == Action::Allow)
        };
        assert_eq!(summary.refused, calls().filter(|(name, _)| !passes(name)).count(), "{profile:?} {terminal:?}");
    }
    assert_eq!(
        summary(&Profile::System, Terminal::Own).to_string(),
        "32 of 383 system calls refused (108 instructions)"
    );
}

#[test]
fn system_refuses_what_reaches_the_host_kernel_and_no_more() {
    let system = |architecture, name, arguments| named(&Profile::System, Terminal::Own, architecture, name, arguments);
    for architecture in BOTH {
        for name in "kexec_load init_module finit_module delete_module bpf perf_event_open userfaultfd iopl ioperm \
            open_by_handle_at swapon swapoff acct quotactl quotactl_fd settimeofday clock_settime syslog add_key \
            request_key keyctl io_uring_setup io_uring_enter io_uring_register"
            .split_ascii_whitespace()
        {
            assert_eq!(system(architecture, name, [0; 6]), EPERM, "{name} of {architecture:?}");
        }
        for name in "_sysctl create_module query_module nfsservctl uselib lookup_dcookie".split_ascii_whitespace() {
            assert_eq!(system(architecture, name, [0; 6]), ENOSYS, "{name} of {architecture:?}");
        }
        // What booting, running and halting a distribution takes.
        for name in "mount umount2 pivot_root chroot unshare setns clone clone3 reboot sethostname mknod ptrace prctl \
            personality modify_ldt name_to_handle_at fanotify_init capset seccomp execve socket adjtimex vhangup fsopen \
            fsconfig fsmount move_mount open_tree mount_setattr pidfd_open"
            .split_ascii_whitespace()
        {
            assert_eq!(system(architecture, name, [0; 6]), Action::Allow, "{name} of {architecture:?}");
        }
    }
    assert_eq!(system(Architecture::X86_64, "kexec_file_load", [0; 6]), EPERM);
    assert_eq!(system(Architecture::I386, "clock_settime64", [0; 6]), EPERM);
    assert_eq!(system(Architecture::I386, "stime", [0; 6]), EPERM);
}

#[test]
fn system_refuses_a_forced_umount_only() {
    for architecture in BOTH {
        for (flags, action) in [(0, Action::Allow), (2, Action::Allow), (8, Action::Allow), (1, EPERM), (3, EPERM)] {
            for upper in [0, 0xdead_beef << 32] {
                let arguments = [0, flags | upper, 0, 0, 0, 0];
                let decision = named(&Profile::System, Terminal::Own, architecture, "umount2", arguments);
                assert_eq!(decision, action, "flags {flags} of {architecture:?}");
            }
        }
    }
}

#[test]
fn app_keeps_namespaces_sockets_and_personalities_as_the_engines_do() {
    for architecture in BOTH {
        let app = |name, first| named(&Profile::App, Terminal::Own, architecture, name, [first, 0, 0, 0, 0, 0]);
        assert_eq!(app("clone", 0x11), Action::Allow);
        for namespace in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
            assert_eq!(app("clone", namespace | 0x11), EPERM);
        }
        assert_eq!(app("clone3", 0), ENOSYS);
        for name in "unshare setns mount umount2 pivot_root bpf keyctl reboot sethostname vhangup".split(' ') {
            assert_eq!(app(name, 0), EPERM, "{name} of {architecture:?}");
        }
        for name in "chroot ptrace mknod execve prctl seccomp".split(' ') {
            assert_eq!(app(name, 0), Action::Allow, "{name} of {architecture:?}");
        }
        for (family, action) in [(1, Action::Allow), (2, Action::Allow), (10, Action::Allow), (16, Action::Allow)]
            .into_iter()
            .chain([(38, EPERM), (40, EPERM), (12, EPERM), (46, EPERM), (39, Action::Allow)])
        {
            assert_eq!(app("socket", family), action, "family {family}");
        }
        for (persona, action) in
            [(0, Action::Allow), (8, Action::Allow), (0xffff_ffff, Action::Allow), (0x40000, EPERM)]
        {
            assert_eq!(app("personality", persona), action, "personality {persona:x}");
        }
    }
}

#[test]
fn newer_calls_and_x32_meet_enosys_and_skipped_ones_pass() {
    for (profile, newest) in [(Profile::System, 469), (Profile::App, 466)] {
        let decide = |architecture, number| {
            decide(&profile, Terminal::Own, &Call::new(architecture, number, [0; 6])).expect("the profile runs")
        };
        for architecture in BOTH {
            assert_ne!(decide(architecture, newest), ENOSYS);
            for number in [newest + 1, 512, 600, 0x3fff_ffff] {
                assert_eq!(decide(architecture, number), ENOSYS, "{number} of {architecture:?} under {profile:?}");
            }
            assert_eq!(decide(architecture, SKIPPED), Action::Allow);
        }
        for number in [0, 39, 59, 512, 520, 0x3fff_ffff] {
            assert_eq!(decide(Architecture::X86_64, X32_BIT | number), ENOSYS, "x32 {number} under {profile:?}");
        }
    }
}

#[test]
fn cve_2019_10063_ioctl_request_with_upper_bits_is_refused() {
    for profile in [Profile::System, Profile::App, Profile::None] {
        for architecture in BOTH {
            let ioctl = |terminal, request| named(&profile, terminal, architecture, "ioctl", [0, request, 0, 0, 0, 0]);
            for upper in [0, 1, 0xffff_ffff, 0xdead_beef] {
                for request in [TIOCSTI, 0x541c] {
                    assert_eq!(ioctl(Terminal::Passed, upper << 32 | request), EPERM, "{request:x}, {upper:x} above");
                    assert_eq!(ioctl(Terminal::Own, upper << 32 | request), Action::Allow);
                }
                // TIOCGWINSZ.
                assert_eq!(ioctl(Terminal::Passed, upper << 32 | 0x5413), Action::Allow);
            }
        }
    }
    let x32 = Call::new(Architecture::X86_64, X32_BIT | 514, [0, 1 << 32 | TIOCSTI, 0, 0, 0, 0]);
    assert_eq!(decide(&Profile::None, Terminal::Passed, &x32), Ok(EPERM));
}
