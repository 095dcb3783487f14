// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain [OPTIONS] DIR [CMD [ARG]...]

use crate::options::{Given, Option_, Program, utf8};
use crate::print::Printer;
use crate::process::RLIMIT;
use crate::result::JSON_FD;
use crate::start::ExitCode;
use crate::{doctor, mounts, network, print, process, result};
use contain::command_line::Manner;
use contain::state::Detached;
use contain::{Config, Console, Root};
use std::ffi::OsString;

/// Its table.
pub(crate) static PROGRAM: Program = Program {
    name: "contain",
    operands: "DIR [CMD [ARG]...]",
    about: "Runs CMD (default /bin/sh) as PID 1 of a new container whose root is DIR.",
    options: &[
        Option_ {
            short: Some('c'),
            long: None,
            value: None,
            help: "no console: CMD gets stdin, stdout and stderr as they are",
        },
        Option_ { short: Some('g'), long: None, value: Some("MAP"), help: "container-to-host group id map" },
        Option_ {
            short: Some('i'),
            long: None,
            value: Some("CMD"),
            help: "run a helper inside the new namespaces, at the new root",
        },
        Option_ {
            short: Some('n'),
            long: None,
            value: None,
            help: "share the host's network, without privilege over it",
        },
        Option_ { short: Some('o'), long: None, value: Some("CMD"), help: "run a helper outside the new namespaces" },
        Option_ { short: Some('u'), long: None, value: Some("MAP"), help: "container-to-host user id map" },
        Option_ {
            short: None,
            long: Some("net"),
            value: Some("none|host|veth[:...]"),
            help: "the network: its own, the host's (-n), or its own with a pair of interfaces",
        },
        Option_ {
            short: None,
            long: Some("host"),
            value: None,
            help: "in place of DIR: the host's system read-only, and a tmpfs",
        },
        Option_ {
            short: None,
            long: Some("bind"),
            value: Some("SRC[:DST]"),
            help: "bind a file or directory of the host on DST (default SRC)",
        },
        Option_ { short: None, long: Some("bind-ro"), value: Some("SRC[:DST]"), help: "the same, read-only" },
        Option_ {
            short: None,
            long: Some("tmpfs"),
            value: Some("DST[:size=SIZE,mode=MODE]"),
            help: "an empty file system in memory on DST",
        },
        Option_ {
            short: None,
            long: Some("overlay"),
            value: None,
            help: "what is written to the root goes to memory and away at the end",
        },
        Option_ {
            short: None,
            long: Some("overlay-size"),
            value: Some("SIZE"),
            help: "the same, and how much that can be",
        },
        Option_ {
            short: None,
            long: Some("read-only"),
            value: None,
            help: "the root and what is mounted below it cannot be written to",
        },
        Option_ { short: None, long: Some("hostname"), value: Some("NAME"), help: "the host name inside" },
        Option_ {
            short: None,
            long: Some("env"),
            value: Some("K=V"),
            help: "an environment variable of CMD, which else has container=contain alone",
        },
        Option_ { short: None, long: Some("keep-env"), value: None, help: "CMD gets the caller's environment too" },
        Option_ { short: None, long: Some("clean-env"), value: None, help: "CMD does not get it (default)" },
        Option_ {
            short: None,
            long: Some("chdir"),
            value: Some("DIR"),
            help: "the directory inside in which CMD starts",
        },
        Option_ {
            short: None,
            long: Some("user"),
            value: Some("USER[:GROUP]"),
            help: "who CMD runs as: the container's names, or numbers",
        },
        Option_ { short: None, long: Some("init"), value: None, help: "a reaping PID 1 in front of CMD" },
        Option_ {
            short: None,
            long: Some("cap-add"),
            value: Some("CAP"),
            help: "a capability that CMD has too; ALL for all",
        },
        Option_ {
            short: None,
            long: Some("cap-drop"),
            value: Some("CAP"),
            help: "a capability that CMD does not have; ALL for all",
        },
        Option_ {
            short: None,
            long: Some("seccomp"),
            value: Some("PROFILE|FILE"),
            help: "which system calls CMD may make: system (default), app, none, or OCI's linux.seccomp in a file",
        },
        Option_ {
            short: None,
            long: Some("no-new-privs"),
            value: None,
            help: "CMD and what it starts gain no privilege by setuid programs",
        },
        RLIMIT,
        Option_ {
            short: None,
            long: Some("preserve-fds"),
            value: Some("N"),
            help: "CMD keeps N descriptors from 3 on",
        },
        Option_ {
            short: None,
            long: Some("timeout"),
            value: Some("SECONDS"),
            help: "how long CMD may run; then all of the container is killed",
        },
        Option_ {
            short: None,
            long: Some("name"),
            value: Some("NAME"),
            help: "inject and the library find the container by NAME until it ends",
        },
        Option_ {
            short: None,
            long: Some("detach"),
            value: None,
            help: "print the supervisor's process id and return once CMD runs; without -c CMD has /dev/null",
        },
        Option_ { short: None, long: Some("explain"), value: None, help: "print what would be done, and do nothing" },
        Option_ {
            short: None,
            long: Some("doctor"),
            value: None,
            help: "say what this host allows, what is missing, and how to mend it",
        },
        Option_ {
            short: None,
            long: Some("json"),
            value: None,
            help: "a record of how it ended, on stderr; with --explain or --doctor: what they print for programs",
        },
        JSON_FD,
    ],
    notes: "Maps are START:LOWER:COUNT[,START:LOWER:COUNT]..., START inside, LOWER on the host.\n\
        Exit status: CMD's own; 128+N when signal N ended it; 127 not found; 126 not executable;\n\
        125 contain's own failure; 124 out of time; 64 usage. Of --doctor: 0 where contain --host works, else 1.\n",
};

/// Runs the program.
pub fn main() -> ExitCode {
    print::main(&PROGRAM, |given, printer| {
        if given.has("doctor") {
            return examine(given, printer);
        }
        match configure(given).and_then(|config| Ok((wanted(given, &config)?, config))) {
            Ok((wanted, config)) => run(given, &config, wanted, printer),
            Err(wrong) => printer.usage(&wrong),
        }
    })
}

/// What is to be done beside running the container.
struct Wanted {
    name: Option<String>,
    record: Option<i32>,
}

fn wanted(given: &Given, config: &Config) -> Result<Wanted, String> {
    if given.has("explain") && given.value("json-fd").is_some() {
        return Err("--json-fd goes without --explain, which prints to stdout".into());
    }
    let record = if given.has("explain") { None } else { result::wanted(given, config.preserve_fds)? };
    if record.is_some() && given.has("detach") {
        return Err("--json tells how CMD ended, and --detach does not wait for that".into());
    }
    Ok(Wanted { name: name(given)?, record })
}

fn configure(given: &Given) -> Result<Config, String> {
    let mut operands = given.operands.iter().cloned();
    let root =
        if given.has("host") { Root::Host } else { Root::Directory(operands.next().ok_or("no DIR given")?.into()) };
    let mut argv: Vec<OsString> = operands.collect();
    if argv.is_empty() {
        argv.push("/bin/sh".into());
    }
    let mut config = Config::new(root, argv);
    config.uid_map = utf8(given.value("u"))?;
    config.gid_map = utf8(given.value("g"))?;
    config.inside = given.value("i").cloned();
    config.outside = given.value("o").cloned();
    config.hostname = given.value("hostname").cloned();
    config.init = given.has("init");
    config.mounts = mounts::parse(given)?;
    config.overlay = mounts::overlay(given)?;
    config.read_only = given.has("read-only");
    if given.has("c") {
        config.console = Console::None;
    }
    config.network = network::parse(given)?;
    process::configure(given, &mut config)?;
    Ok(config)
}

fn examine(given: &Given, printer: Printer) -> ExitCode {
    match given.operands.first() {
        Some(_) => printer.usage("--doctor takes no DIR: it looks at this host"),
        None if given.value("json-fd").is_some() => {
            printer.usage("--json-fd goes without --doctor, which prints to stdout")
        }
        None => doctor::print(given.has("json")),
    }
}

/// The name of `--name`, where it can be one.
fn name(given: &Given) -> Result<Option<String>, String> {
    let name = utf8(given.value("name"))?;
    match name.as_deref().map_or(Ok(()), contain::state::check_name) {
        Ok(()) => Ok(name),
        Err(error) => Err(format!("--name: {error}")),
    }
}

fn run(given: &Given, config: &Config, wanted: Wanted, printer: Printer) -> ExitCode {
    if given.has("explain") {
        return explain(given, config, printer);
    }
    let name = wanted.name.as_deref();
    if !given.has("detach") {
        let start = |manner: &Manner<'_>| contain::command_line::contain(config, name, manner);
        return result::with_record(wanted.record, config.preserve_fds, printer, start);
    }
    let tell = |note: &str| printer.note(note);
    let manner = Manner { tell: &tell, records: printer.records(), result: None };
    match contain::command_line::detach(config, name, &manner, &|error| printer.error(error).into()) {
        Ok(Detached::Running(pid)) => print::out(&format!("{pid}\n")),
        Ok(Detached::Failed(status)) => ExitCode::from(status),
        Err(error) => printer.error(&error),
    }
}

fn explain(given: &Given, config: &Config, printer: Printer) -> ExitCode {
    let explained = if given.has("json") {
        contain::explain::json(config).map(|text| text + "\n")
    } else {
        contain::explain::text(config)
    };
    match explained {
        Ok(text) => print::out(&text),
        Err(error) => printer.error(&error),
    }
}
