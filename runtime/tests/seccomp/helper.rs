// SPDX-License-Identifier: MIT OR Apache-2.0
//! The programs beside the tests: built with what the machine has, run, and their folder removed.

use contain::seccomp::{Action, Architecture, Filter};
use seccompiler::{SeccompCmpOp as Op, sock_filter};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of a test's own that goes with it.
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder.
    pub fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("seccomp-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("create a folder for the test");
        Folder(path)
    }

    /// A file in it with these bytes.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("write a file of the test");
        path
    }

    /// A C program beside the tests, built; none where the machine cannot, with the reason on stderr.
    pub fn build(&self, name: &str, libraries: &[&str]) -> Option<PathBuf> {
        let built = self.0.join(name);
        let source = source(&format!("{name}.c"));
        let flags = ["-O1", "-Wall", "-Werror", "-mno-red-zone", "-o"].map(OsStr::new);
        let files = [built.as_os_str(), source.as_os_str()];
        tool("cc", flags.into_iter().chain(files).chain(libraries.iter().map(OsStr::new)))?;
        Some(built)
    }

    /// The 32-bit program beside the tests.
    pub fn build_program32(&self) -> Option<PathBuf> {
        let (source, object, built) = (source("program32.s"), self.0.join("program32.o"), self.0.join("program32"));
        let assembly = [OsStr::new("--32"), OsStr::new("-o"), object.as_os_str(), source.as_os_str()];
        tool("as", assembly)?;
        let link = ["-m", "elf_i386", "-o"].map(OsStr::new);
        tool("ld", link.into_iter().chain([built.as_os_str(), object.as_os_str()]))?;
        Some(built)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seccomp").join(name)
}

fn tool<'a>(tool: &str, arguments: impl IntoIterator<Item = &'a OsStr>) -> Option<()> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) if output.status.success() => Some(()),
        Ok(output) => {
            eprintln!("skipped: {tool} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
            None
        }
        Err(error) => {
            eprintln!("skipped: no {tool}: {error}");
            None
        }
    }
}

/// Runs a program with this on its stdin.
pub fn run(command: &mut Command, input: &str) -> Output {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("start a program of the test");
    child.stdin.take().expect("it has a stdin").write_all(input.as_bytes()).expect("write to its stdin");
    child.wait_with_output().expect("wait for a program of the test")
}

/// What libseccomp makes of a filter: its program, and the names of the rules that it did not take.
pub struct Built {
    /// The instructions.
    pub program: Vec<sock_filter>,
    /// Names that it does not know, or rules that it refuses.
    pub left_out: Vec<String>,
}

/// Has libseccomp build a filter of the same rules; for the named architectures only. Calls that are newer than the
/// filter are listed up to 600 for x86-64, and not at all for i386, whose numbers libseccomp takes by name only.
pub fn libseccomp(tool: &Path, filter: &Filter, architectures: &[Architecture], optimization: u32) -> Built {
    let mut list = String::new();
    for table in filter.tables.iter().filter(|table| architectures.contains(&table.architecture)) {
        let x86_64 = table.architecture == Architecture::X86_64;
        let name = if x86_64 { "x86_64" } else { "x86" };
        let (default, beyond) = (table.default.code(), table.x32.code());
        writeln!(list, "table {name} {default} {beyond}").expect("strings take everything");
        let newer = (table.newest.saturating_add(1)..=600).filter(|_| x86_64 && architectures.len() == 1);
        newer.for_each(|number| writeln!(list, "rule {number} {}", table.newer.code()).expect("as above"));
        for rule in table.rules.iter().filter(|rule| rule.action != table.default) {
            let known = table.architecture.calls().find(|(_, number)| *number == rule.number);
            let name = match known {
                Some((name, _)) if !x86_64 || architectures.len() > 1 => name.to_owned(),
                _ => rule.number.to_string(),
            };
            write!(list, "rule {name} {}", rule.action.code()).expect("as above");
            for condition in &rule.conditions {
                let (comparison, mask) = spelled(&condition.comparison);
                write!(list, " {} {comparison} {} {mask}", condition.argument, condition.value).expect("as above");
            }
            list.push('\n');
        }
    }
    let output = run(Command::new(tool).arg(optimization.to_string()), &list);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "libseccomp failed: {errors}");
    let left_out = errors.lines().filter_map(|line| line.strip_prefix("not taken: ")).map(str::to_owned).collect();
    Built { program: contain::seccomp::assemble::decode(&output.stdout), left_out }
}

fn spelled(comparison: &Op) -> (&'static str, u64) {
    match comparison {
        Op::Ne => ("ne", 0),
        Op::Lt => ("lt", 0),
        Op::Le => ("le", 0),
        Op::Eq => ("eq", 0),
        Op::Ge => ("ge", 0),
        Op::Gt => ("gt", 0),
        Op::MaskedEq(mask) => ("masked", *mask),
    }
}

/// Of what two filters say, one loaded upon the other, the kernel does the stricter.
pub fn stricter(one: Action, other: Action) -> Action {
    let order = |action: Action| match action {
        Action::KillProcess => 0,
        Action::KillThread => 1,
        Action::Trap => 2,
        Action::Errno(_) => 3,
        Action::Notify => 4,
        Action::Trace(_) => 5,
        Action::Log => 6,
        Action::Allow => 7,
    };
    if order(other) < order(one) { other } else { one }
}
