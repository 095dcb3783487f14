// SPDX-License-Identifier: MIT OR Apache-2.0
//! The generated documents: committed as they are generated, and understood by those who read them. A reader that is
//! not installed is left out with a word.

use std::path::{Path, PathBuf};
use std::process::Command;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Stdout and stderr of a program that must succeed; nothing where it is not installed.
fn output(program: &str, arguments: &[&str]) -> Option<(String, String)> {
    match Command::new(program).args(arguments).current_dir(top()).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let (out, error) = (text(output.stdout), text(output.stderr));
            assert!(output.status.success(), "{program} {arguments:?}: {out}{error}");
            Some((out, error))
        }
        Err(_) => {
            println!("skipped: no {program} on this machine");
            None
        }
    }
}

fn documents(ending: &str) -> Vec<String> {
    contain_cli::documents::all().into_iter().map(|(path, _)| path).filter(|path| path.ends_with(ending)).collect()
}

#[test]
fn committed_documents_are_the_generated_ones() {
    for (path, text) in contain_cli::documents::all() {
        let committed = std::fs::read_to_string(top().join(&path)).unwrap_or_default();
        assert!(committed == text, "{path} is out of date: run `make docs` and commit");
    }
}

#[test]
fn manual_pages_are_without_warnings() {
    for page in [documents(".1"), documents(".3"), documents(".8")].concat() {
        if let Some((_, warnings)) = output("groff", &["-man", "-ww", "-z", "-Tutf8", &page]) {
            assert_eq!(warnings, "", "{page}");
        }
    }
}

/// What bash offers for a line whose end is the cursor.
fn bash(program: &str, words: &[&str]) -> Vec<String> {
    let script = format!(
        "source cli/completions/{program}.bash; COMP_LINE=$1; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_POINT=${{#COMP_LINE}}; _{program}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    // Words are given as bash takes them apart: one that continues the last begins with `+`.
    let line = words.join(" ").replace(" +", "");
    let words = words.iter().map(|word| word.trim_start_matches('+'));
    let arguments: Vec<&str> = ["-c", &script, "bash", &line].into_iter().chain(words).collect();
    let (out, _) = output("bash", &arguments).expect("bash is there");
    out.lines().filter(|line| !line.is_empty()).map(str::to_string).collect()
}

#[test]
fn bash_offers_what_fits_the_place() {
    assert!(bash("contain", &["contain", "--ho"]).contains(&"--hostname".to_string()));
    assert_eq!(bash("contain", &["contain", "-c", "--expl"]), ["--explain"]);
    assert_eq!(bash("contain", &["contain", "run"]), ["runtime"], "DIR is a directory");
    assert_eq!(bash("contain", &["contain", "-cu", "0", "+:", "+1", "+:", "+1", "run"]), ["runtime"]);
    assert_eq!(bash("contain", &["contain", "--hostname", "+=", "+x", "run"]), ["runtime"]);
    assert_eq!(bash("contain", &["contain", "--hostname", "run"]), [""; 0], "a value that nobody can know");
    assert!(bash("contain", &["contain", "--host", "bas"]).contains(&"bash".to_string()), "then comes the command");
    assert_eq!(bash("contain", &["contain", "runtime", "cat", "READ"]), ["README.md"]);
    assert_eq!(bash("contain", &["contain", "runtime", "--expl"]), [""; 0], "what follows DIR is the command's");
    assert!(bash("pseudo", &["pseudo", "bas"]).contains(&"bash".to_string()));
    assert!(bash("inject", &["inject", "1", "bas"]).contains(&"bash".to_string()));
}

#[test]
fn zsh_understands_its_functions() {
    for program in ["contain", "inject", "pseudo"] {
        output("zsh", &["-n", &format!("cli/completions/_{program}")]);
    }
}

#[test]
fn fish_offers_what_fits_the_place() {
    let offered = |program: &str, line: &str| {
        let script = format!("source cli/completions/{program}.fish; complete -C '{line}'");
        output("fish", &["--no-config", "-c", &script]).map(|(out, _)| {
            out.lines().map(|line| line.split('\t').next().unwrap_or("").to_string()).collect::<Vec<_>>()
        })
    };
    for (program, line, wanted) in [
        ("contain", "contain -c --expl", "--explain"),
        ("contain", "contain -u 0:1:1 run", "runtime/"),
        ("contain", "contain --host bas", "bash"),
        ("contain", "contain runtime cat READ", "README.md"),
        ("pseudo", "pseudo bas", "bash"),
    ] {
        if let Some(found) = offered(program, line) {
            assert!(found.iter().any(|word| word == wanted), "{line}: {found:?}");
        }
    }
    if let Some(found) = offered("contain", "contain runtime --expl") {
        assert!(!found.contains(&"--explain".to_string()), "what follows DIR is the command's: {found:?}");
    }
}
