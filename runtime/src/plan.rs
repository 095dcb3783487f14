// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing plans: steps into buffers that are wiped when they are dropped, the header in front at the end.

use crate::error::{Error, Kind};
use crate::outcome::Causes;
use crate::wiped::Wiped;
use contain_plan::{Descriptors, Doer, Header, List, MAX_LENGTH, MAX_STEPS, Sink, Step, Told, write_step};
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

/// A list of texts as a step holds it.
pub(crate) struct Texts {
    count: u32,
    body: Wiped,
}

impl Texts {
    /// A list of these.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a CString>) -> Texts {
        let mut list = Texts { count: 0, body: Wiped::default() };
        for text in texts {
            list.body.text(text);
            list.count += 1;
        }
        list
    }

    /// As a step's field.
    pub fn list(&self) -> List<'_> {
        List::new(self.count, &self.body)
    }
}

/// Text for a plan; a NUL inside is an error that names the field.
pub(crate) fn text(field: &str, value: impl AsRef<OsStr>) -> Result<CString, Error> {
    let value = value.as_ref();
    CString::new(value.as_bytes()).map_err(|_| nul_inside(field, value))
}

/// Texts for a plan.
pub(crate) fn texts<S: AsRef<OsStr>>(field: &str, values: &[S]) -> Result<Texts, Error> {
    let mut list = Texts { count: 0, body: Wiped::default() };
    for value in values {
        let value = value.as_ref();
        if value.as_bytes().contains(&0) {
            return Err(nul_inside(field, value));
        }
        // Written as Sink::text does, without a copy on the way: arguments and environment can be secret.
        list.body.u32(u32::try_from(value.len() + 1).unwrap_or(u32::MAX));
        list.body.bytes(value.as_bytes());
        list.body.u8(0);
        list.count += 1;
    }
    Ok(list)
}

fn nul_inside(field: &str, value: &OsStr) -> Error {
    Error::invalid(field, format!("{value:?}"), "a NUL byte cannot be part of it")
}

/// What the kernel or the machine has left out, for people: the notes of a plan.
pub(crate) type Notes = Vec<String>;

/// A plan that is being written.
#[derive(Default)]
pub(crate) struct Draft {
    steps: Wiped,
    finally: Wiped,
    count: usize,
    finally_count: usize,
    /// Descriptors that its steps name, which contain-init gets under the same numbers.
    pub held: Vec<Arc<OwnedFd>>,
    /// What a person should know about it: ids left out, a cgroup not entered.
    pub notes: Notes,
    /// What only somebody who looks at the plan wants to know: why a better way was not taken.
    pub remarks: Notes,
    /// How the starter prints a failure.
    pub told: Told,
    /// What of it can end the command.
    pub causes: Causes,
}

impl Draft {
    /// An empty plan with something to be told.
    pub fn with_notes(notes: Notes, remarks: Notes) -> Draft {
        Draft { notes, remarks, ..Draft::default() }
    }

    /// A step that the monitor does.
    pub fn monitor(&mut self, step: Step<'_>) {
        self.push(Doer::Monitor, false, step);
    }

    /// A step that PID 1 does.
    pub fn init(&mut self, step: Step<'_>) {
        self.push(Doer::Init, false, step);
    }

    /// A step that PID 1 does where it can.
    pub fn init_optional(&mut self, step: Step<'_>) {
        self.push(Doer::Init, true, step);
    }

    /// A step that the monitor does when PID 1 has ended.
    pub fn finally(&mut self, step: Step<'_>) {
        write_step(&mut self.finally, Doer::Monitor, false, &step);
        self.finally_count += 1;
    }

    /// A step.
    pub fn push(&mut self, doer: Doer, optional: bool, step: Step<'_>) {
        self.causes.note(&step);
        write_step(&mut self.steps, doer, optional, &step);
        self.count += 1;
    }

    /// The whole plan.
    pub fn finish(&self, descriptors: Descriptors, test: Test) -> Result<Bytes, Error> {
        let length = self.steps.len() + self.finally.len() + 64;
        if length > MAX_LENGTH || self.count + self.finally_count > MAX_STEPS {
            return Err(Error::new(Kind::TooBig, "plan", "compile the plan", "")
                .errno(libc::E2BIG)
                .cause(format!(
                    "it has {} steps and {length} bytes, and can have {MAX_STEPS} and {MAX_LENGTH}",
                    self.count + self.finally_count
                ))
                .remedy("pass fewer or shorter arguments and environment variables"));
        }
        let header = Header {
            steps: self.count as u16,
            steps_length: self.steps.len() as u32,
            finally_length: self.finally.len() as u32,
            descriptors,
            stop_at: test.stop_at,
            fail_at: test.fail_at,
            told: self.told,
        };
        let mut whole = Wiped::with_capacity(length);
        header.write(&mut whole);
        whole.bytes(&self.steps);
        whole.bytes(&self.finally);
        Ok(whole)
    }
}

/// A finished plan; wiped when dropped.
pub(crate) type Bytes = Wiped;

/// Where a build of contain-init for tests stops or fails.
#[derive(Clone, Copy, Default)]
pub(crate) struct Test {
    pub stop_at: u16,
    pub fail_at: u16,
}

impl Test {
    /// From CONTAIN_TEST_STOP and CONTAIN_TEST_FAIL in builds for tests; nothing otherwise.
    pub fn from_environment() -> Test {
        if !cfg!(feature = "test-hooks") {
            return Test::default();
        }
        let number = |name| std::env::var(name).ok().and_then(|value: String| value.parse().ok()).unwrap_or_default();
        Test { stop_at: number("CONTAIN_TEST_STOP"), fail_at: number("CONTAIN_TEST_FAIL") }
    }
}
