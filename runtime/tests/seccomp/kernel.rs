// SPDX-License-Identifier: MIT OR Apache-2.0
//! The named profiles under the real kernel: loaded, they refuse what they are to refuse, and leave the rest alone.

use crate::helper::{Folder, run};
use contain::Profile;
use contain::seccomp::assemble::decode;
use contain::seccomp::{Architecture, Terminal, program};
use std::path::{Path, PathBuf};
use std::process::Command;

const PASSES: &str = "0";

struct Loaded {
    folder: Folder,
    probe: PathBuf,
    program: PathBuf,
}

fn loaded(profile: &Profile, terminal: Terminal) -> Option<Loaded> {
    let folder = Folder::new();
    let probe = folder.build("probe", &[])?;
    let program = folder.file("program.bpf", program(profile, terminal).expect("a program"));
    Some(Loaded { folder, probe, program })
}

impl Loaded {
    /// Makes calls under the program; per call 0 or the errno. None where the kernel has no seccomp filters.
    fn results(&self, calls: &[(u8, u32, [u64; 6])]) -> Option<Vec<String>> {
        let line = |(bits, number, a): &(u8, u32, [u64; 6])| {
            format!("{bits} {number} {} {} {} {} {} {}\n", a[0], a[1], a[2], a[3], a[4], a[5])
        };
        let output = run(Command::new(&self.probe).arg(&self.program), &calls.iter().map(line).collect::<String>());
        let errors = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(77) {
            eprintln!("skipped: the kernel takes no filter: {errors}");
            return None;
        }
        assert!(output.status.success(), "probe: {} {errors}", output.status);
        let results: Vec<String> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        assert_eq!(results.len(), calls.len(), "a result per call");
        Some(results)
    }

    fn expect(&self, expected: &[(u8, &str, [u64; 6], &str)]) {
        let number = |bits: u8, name: &str| {
            let architecture = if bits == 64 { Architecture::X86_64 } else { Architecture::I386 };
            let number = name.parse().ok().or_else(|| architecture.number(name));
            number.unwrap_or_else(|| panic!("{architecture:?} has {name}"))
        };
        let runs32 = self.results(&[(32, number(32, "getpid"), [0; 6])]);
        let runs32 = runs32.is_some_and(|results| !results[0].starts_with("signal"));
        if !runs32 {
            eprintln!("skipped, of these: 32-bit calls, which this kernel does not take");
        }
        let expected = || expected.iter().filter(|(bits, ..)| *bits == 64 || runs32);
        let calls: Vec<_> = expected().map(|(bits, name, a, _)| (*bits, number(*bits, name), *a)).collect();
        let Some(results) = self.results(&calls) else { return };
        for ((bits, name, arguments, expected), result) in expected().zip(results) {
            assert_eq!(result, *expected, "{name} of {bits} bits with {arguments:x?}");
        }
    }

    fn run(&self, command: &Path, arguments: &[&str]) -> std::process::Output {
        run(Command::new(&self.probe).arg(&self.program).arg(command).args(arguments), "")
    }
}

/// An address that no process has: a call that is let through says EFAULT, and does nothing.
const NOWHERE: u64 = 1;
const EPERM: &str = "1";
const EBADF: &str = "9";
const EFAULT: &str = "14";
const EINVAL: &str = "22";
const ENOSYS: &str = "38";

#[test]
fn system_loaded_refuses_and_allows() {
    let Some(loaded) = loaded(&Profile::System, Terminal::Own) else { return };
    let nowhere = [NOWHERE; 6];
    let mut expected = Vec::new();
    for name in "kexec_load init_module delete_module bpf perf_event_open userfaultfd open_by_handle_at swapon swapoff \
        acct quotactl settimeofday clock_settime add_key request_key keyctl io_uring_setup iopl"
        .split_ascii_whitespace()
    {
        expected.extend([(64, name, nowhere, EPERM), (32, name, nowhere, EPERM)]);
    }
    expected.extend([
        (64, "umount2", [NOWHERE, 1, 0, 0, 0, 0], EPERM),
        (64, "umount2", [NOWHERE, 0, 0, 0, 0, 0], EFAULT),
        (32, "umount2", [NOWHERE, 1, 0, 0, 0, 0], EPERM),
        (32, "umount2", [NOWHERE, 0, 0, 0, 0, 0], EFAULT),
        (64, "mount", nowhere, EFAULT),
        (64, "unshare", [1, 0, 0, 0, 0, 0], EINVAL),
        (64, "reboot", [0; 6], EINVAL),
        (64, "personality", [0xffff_ffff, 0, 0, 0, 0, 0], PASSES),
        (64, "clone3", [NOWHERE, 0, 0, 0, 0, 0], EINVAL),
        (64, "lookup_dcookie", nowhere, ENOSYS),
        (64, "470", nowhere, ENOSYS),
        // getpid of x32.
        (64, "1073741863", [0; 6], ENOSYS),
    ]);
    loaded.expect(&expected);
}

#[test]
fn app_loaded_refuses_and_allows() {
    let Some(loaded) = loaded(&Profile::App, Terminal::Own) else { return };
    let nowhere = [NOWHERE; 6];
    loaded.expect(&[
        (64, "mount", nowhere, EPERM),
        (64, "unshare", [0; 6], EPERM),
        (64, "setns", nowhere, EPERM),
        (64, "clone", [0x1000_0000, 0, 0, 0, 0, 0], EPERM),
        (64, "clone3", nowhere, ENOSYS),
        (64, "keyctl", nowhere, EPERM),
        (64, "io_uring_setup", nowhere, EPERM),
        (64, "socket", [38, 2, 0, 0, 0, 0], EPERM),
        (64, "socket", [40, 1, 0, 0, 0, 0], EPERM),
        (64, "socket", [1, 1, 0, 0, 0, 0], PASSES),
        (32, "socket", [38, 2, 0, 0, 0, 0], EPERM),
        (64, "personality", [0xffff_ffff, 0, 0, 0, 0, 0], PASSES),
        (64, "personality", [0x40000, 0, 0, 0, 0, 0], EPERM),
        (64, "468", nowhere, ENOSYS),
        (64, "open", nowhere, EFAULT),
        (32, "open", nowhere, EFAULT),
    ]);
}

/// A 64-bit process calls `int 0x80` with whatever in the upper halves of its registers: the kernel acts on the lower
/// ones, and so must the filter.
#[test]
fn upper_halves_of_registers_hide_no_argument() {
    let upper = 0xdead_beef_0000_0000;
    for profile in [Profile::System, Profile::App, Profile::None] {
        let Some(loaded) = loaded(&profile, Terminal::Passed) else { return };
        let mut expected = Vec::new();
        for (bits, upper) in [(64, 0), (64, upper), (32, 0), (32, upper)] {
            // Descriptor -1: what is let through says EBADF.
            expected.push((bits, "ioctl", [u64::MAX, 0x5412 | upper, 0, 0, 0, 0], EPERM));
            expected.push((bits, "ioctl", [u64::MAX, 0x541c | upper, 0, 0, 0, 0], EPERM));
            expected.push((bits, "ioctl", [u64::MAX, 0x5413 | upper, 0, 0, 0, 0], EBADF));
            if profile == Profile::System {
                expected.push((bits, "umount2", [NOWHERE, 1 | upper, 0, 0, 0, 0], EPERM));
            }
        }
        loaded.expect(&expected);
    }
}

#[test]
fn commands_run_under_every_profile() {
    for profile in [Profile::System, Profile::App, Profile::None] {
        let Some(loaded) = loaded(&profile, Terminal::Passed) else { return };
        let script = "set -e; echo one | cat; (exit 3) || test $? = 3; ls / >/dev/null; echo two";
        let output = loaded.run(Path::new("/bin/sh"), &["-c", script]);
        let text = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && text.0 == "one\ntwo\n", "{profile:?}: {} {text:?}", output.status);
    }
}

#[test]
fn a_32_bit_program_runs_under_system() {
    let Some(loaded) = loaded(&Profile::System, Terminal::Own) else { return };
    let Some(program) = loaded.folder.build_program32() else { return };
    if std::process::Command::new(&program).output().is_err() {
        eprintln!("skipped: this kernel runs no 32-bit programs");
        return;
    }
    let output = loaded.run(&program, &[]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "32 bits\n");
    assert_eq!(output.status.code(), Some(libc::EPERM), "delete_module is refused there too");
}

/// seccompiler loads what we compile: in a thread of its own, since a filter binds the thread that loads it.
#[test]
fn seccompiler_loads_our_programs() {
    for profile in [Profile::System, Profile::App] {
        let instructions = decode(program(&profile, Terminal::Own).expect("a program"));
        let thread = std::thread::spawn(move || {
            if let Err(error) = seccompiler::apply_filter(&instructions) {
                return Err(error.to_string());
            }
            let status = std::fs::read_to_string("/proc/thread-self/status").map_err(|error| error.to_string())?;
            let run = Command::new("/bin/true").status().map_err(|error| error.to_string())?;
            Ok((status.lines().find(|line| line.starts_with("Seccomp:")).map(str::to_owned), run.code()))
        });
        match thread.join().expect("the thread ends") {
            Ok(seen) => assert_eq!(seen, (Some("Seccomp:\t2".to_owned()), Some(0)), "{profile:?}"),
            Err(error) => panic!("{profile:?} is loaded and a command run: {error}"),
        }
    }
}
