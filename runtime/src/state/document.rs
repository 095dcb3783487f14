// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written down about a container: `state.json` and, of a filter of its caller's own, `seccomp.bpf`, written by the
//! caller that makes it; and `record`, written by the monitor through a descriptor. None holds arguments or environment,
//! which can be secret.

use super::directory::{Directory, STAGE};
use super::held::{Held, Scope};
use crate::config::{Lifetime, Profile};
use crate::error::{Error, Kind};
use crate::outcome::Causes;
use crate::seccomp::{Own, Summary};
use contain_plan::Message;
use contain_plan::message::{Ending, Failure, LENGTH};
use serde_json::{Value, json};
use std::ffi::CStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// The file that says what a container is.
pub(crate) const STATE: &CStr = c"state.json";
/// The file with the program of a filter of the caller's own.
const FILTER: &CStr = c"seccomp.bpf";
/// The longest program: 4096 instructions of 8 bytes.
const FILTER_MOST: usize = 4096 * 8;
/// The file that says what became of it.
const RECORD: &CStr = c"record";
/// The longest state.json: an id of 1024 bytes and a path of 4096 fit many times.
const MOST: usize = 64 * 1024;
/// The messages that a record has room for: a start or a failure, and an end.
const MESSAGES: usize = 2;
/// The form of state.json.
const VERSION: u64 = 1;

/// state.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// For people.
    pub root: String,
    pub filter: Filter,
    /// What of its configuration can end the command.
    pub causes: Causes,
    pub lifetime: Lifetime,
    /// It is removed when the container ends, and one that was left by a crash may be replaced.
    pub transient: bool,
    pub monitor: Held,
    /// Unknown before the clone.
    pub init: Option<Held>,
    /// Where the process ids mean something.
    pub scope: Scope,
}

/// What the container's command runs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Named(Profile),
    /// Its program is in a file of its own.
    Own {
        /// Of seccomp(2).
        flags: u32,
        /// How many system calls it refuses, of how many.
        refused: (usize, usize),
    },
}

impl Filter {
    /// What is written of a profile, and the program beside it.
    pub fn of(profile: &Profile) -> (Filter, Option<&[u8]>) {
        match profile {
            Profile::Own(own) => {
                let Summary { refused, total, .. } = own.summary();
                (Filter::Own { flags: own.flags(), refused: (refused, total) }, Some(own.program()))
            }
            named => (Filter::Named(named.clone()), None),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Filter::Named(profile) => name_of(&PROFILES, profile).into(),
            Filter::Own { flags, refused: (refused, total) } => {
                json!({ "own": { "flags": flags, "refused": refused, "total": total } })
            }
        }
    }

    fn from_json(value: &Value) -> Option<Filter> {
        if value.is_string() {
            return named(&PROFILES, value).map(Filter::Named);
        }
        let number = |name: &str| value["own"][name].as_u64();
        let count = |name: &str| number(name).and_then(|count| usize::try_from(count).ok());
        Some(Filter::Own { flags: number("flags")?.try_into().ok()?, refused: (count("refused")?, count("total")?) })
    }

    /// The profile that was written down in this directory.
    pub fn profile(&self, directory: &Directory) -> Result<Profile, Error> {
        let (flags, refused) = match self {
            Filter::Named(profile) => return Ok(profile.clone()),
            Filter::Own { flags, refused } => (*flags, *refused),
        };
        let program = directory.read(FILTER, FILTER_MOST)?.unwrap_or_default();
        Own::found(program, flags, refused).map(Profile::Own).ok_or_else(|| {
            Error::new(Kind::Invalid, STAGE, "read", directory.path().join("seccomp.bpf").display().to_string())
                .cause("it is missing or damaged, and nothing is run in a container without its filter")
                .remedy("name a profile for the injected command")
        })
    }
}

const PROFILES: [(&str, Profile); 3] = [("system", Profile::System), ("app", Profile::App), ("none", Profile::None)];
const LIFETIMES: [(&str, Lifetime); 2] = [("bound", Lifetime::Bound), ("detached", Lifetime::Detached)];

fn name_of<T: PartialEq>(names: &[(&'static str, T)], value: &T) -> &'static str {
    names.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

fn named<T: Clone>(names: &[(&'static str, T)], value: &Value) -> Option<T> {
    names.iter().find(|(name, _)| value == name).map(|(_, known)| known.clone())
}

impl Document {
    fn to_json(&self) -> Value {
        json!({
            "version": VERSION,
            "id": self.id,
            "created": self.created,
            "root": self.root,
            "seccomp": self.filter.to_json(),
            "causes": self.causes.to_json(),
            "lifetime": name_of(&LIFETIMES, &self.lifetime),
            "transient": self.transient,
            "monitor": self.monitor.to_json(),
            "init": self.init.map(|held| held.to_json()),
            "scope": self.scope.to_json(),
        })
    }

    fn from_json(value: &Value) -> Option<Document> {
        if value["version"].as_u64()? != VERSION {
            return None;
        }
        Some(Document {
            id: value["id"].as_str()?.to_string(),
            created: value["created"].as_u64()?,
            root: value["root"].as_str()?.to_string(),
            filter: Filter::from_json(&value["seccomp"])?,
            causes: Causes::from_json(&value["causes"])?,
            lifetime: named(&LIFETIMES, &value["lifetime"])?,
            transient: value["transient"].as_bool()?,
            monitor: Held::from_json(&value["monitor"])?,
            init: match &value["init"] {
                Value::Null => None,
                held => Some(Held::from_json(held)?),
            },
            scope: Scope::from_json(&value["scope"])?,
        })
    }

    /// The monitor, while it lives.
    pub fn live_monitor(&self) -> Result<Option<OwnedFd>, Error> {
        self.live(self.monitor)
    }

    /// PID 1 as it was noted, while it lives.
    pub fn live_init(&self) -> Result<Option<OwnedFd>, Error> {
        self.init.map_or(Ok(None), |held| self.live(held))
    }

    fn live(&self, held: Held) -> Result<Option<OwnedFd>, Error> {
        // Nothing lives that was noted before this boot, whatever has its process id and start time now.
        if self.scope.is_over(&Scope::here()?) { Ok(None) } else { held.open() }
    }

    /// Writes it by a temporary file and rename, and the program of a filter of the caller's own before it.
    pub fn write(&self, directory: &Directory, program: Option<&[u8]>) -> Result<(), Error> {
        if let Some(program) = program {
            directory.replace(FILTER, program)?;
        }
        directory.replace(STATE, format!("{:#}\n", self.to_json()).as_bytes())
    }

    /// Reads and checks it; none where there is none, which a crash while making the container leaves.
    pub fn read(directory: &Directory) -> Result<Option<Document>, Error> {
        let Some(bytes) = directory.read(STATE, MOST)? else { return Ok(None) };
        let document = serde_json::from_slice(&bytes).ok().and_then(|value| Document::from_json(&value));
        document.map(Some).ok_or_else(|| {
            Error::new(Kind::Invalid, STAGE, "read", directory.path().join("state.json").display().to_string())
                .cause("it is not what contain writes: damaged, or of another version")
                .remedy("remove what is left of the container: delete with force")
        })
    }
}

/// The record: what the monitor has written of the container's life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    /// The command has been executed; PID 1 as seen from where the monitor is.
    pub started: Option<i32>,
    pub failed: Option<Failure>,
    pub ended: Option<Ending>,
}

impl Record {
    /// An empty one, as a descriptor for the monitor. It has its whole length from the start: a full disk is told now.
    pub fn make(directory: &Directory) -> Result<OwnedFd, Error> {
        directory.make_file(RECORD, &[0; MESSAGES * LENGTH])
    }

    /// Opened, so that it can be read when it is no longer there; none where it is not there.
    pub fn open(directory: &Directory) -> Result<Option<File>, Error> {
        directory.open_file(RECORD, MESSAGES * LENGTH).map(|found| found.map(File::from))
    }

    /// What it says; nothing where it is not there.
    pub fn read(directory: &Directory) -> Result<Record, Error> {
        Ok(Record::from_bytes(&directory.read(RECORD, MESSAGES * LENGTH)?.unwrap_or_default()))
    }

    /// What one that was opened says by now.
    pub fn read_again(file: &File) -> std::io::Result<Record> {
        let mut bytes = [0; MESSAGES * LENGTH];
        let length = file.read_at(&mut bytes, 0)?;
        Ok(Record::from_bytes(bytes.get(..length).unwrap_or_default()))
    }

    fn from_bytes(bytes: &[u8]) -> Record {
        let mut record = Record::default();
        for message in bytes.chunks_exact(LENGTH).filter_map(|bytes| Message::from_bytes(bytes).ok()) {
            match message {
                Message::Started { init } => record.started = Some(init),
                Message::Failed(failure) => record.failed = Some(failure),
                Message::Ended(ending) => record.ended = Some(ending),
                _ => {}
            }
        }
        record
    }
}
