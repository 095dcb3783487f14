// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every failure of every step has words, and the failures that people meet most have their cause and a remedy.

use super::*;
use crate::outcome::status_of_wait;
use contain_plan::message::TEXT;
use contain_plan::step::KINDS;
use contain_plan::{Doer, List};
use make::{Values, Written, plain, plan, step};

#[allow(dead_code, reason = "the tests of the format use what these do not")]
#[path = "../../../core/plan/tests/format/make.rs"]
mod make;

/// The error of this one step.
fn of(step: Step<'_>, part: Part, errno: i32) -> Error {
    told(step, Failure { inside: true, ..Failure::new(1, errno, part) })
}

fn told(step: Step<'_>, failure: Failure) -> Error {
    let bytes = plan(&[(Doer::Init, false, step)], &[]);
    error(Some(&Plan::read(&bytes).expect("a plan")), &failure)
}

fn mount(filesystem: &'static std::ffi::CStr, target: &'static std::ffi::CStr) -> Step<'static> {
    Step::Mount { filesystem, target, options: List::EMPTY, attributes: 0, make: true }
}

const EXECUTE: Step<'static> = Step::Execute { search: c"", arguments: List::EMPTY, environment: List::EMPTY, keep: 0 };

const THROUGH: Step<'static> = Step::MapIdsThrough {
    uid_helper: c"/usr/bin/newuidmap",
    uid_arguments: List::EMPTY,
    gid_helper: c"/usr/bin/newgidmap",
    gid_arguments: List::EMPTY,
};

/// The cause has this word, the remedy that one.
fn assert_says(error: &Error, cause: &str, remedy: &str) {
    let has = |text: &Option<String>, word: &str| text.as_deref().is_some_and(|text| text.contains(word));
    assert!(has(&error.cause, cause), "{cause:?} is not the cause: {error:?}");
    assert!(has(&error.remedy, remedy), "{remedy:?} is not the remedy: {error:?}");
}

#[test]
fn every_failure_of_every_step_has_words_in_our_style() {
    let values = plain();
    // Words of a list by comma have their own ends; a remedy may end with a command.
    let in_style = |text: &str| !text.ends_with(['.', ' ', '\n']) && !text.starts_with(char::is_uppercase);
    for (kind, name) in KINDS {
        let step = step(*kind, &values).unwrap_or_else(|| panic!("{name} has no generator in make.rs"));
        for part in Part::ALL {
            for errno in 0..=133 {
                let error = of(step, part, errno);
                assert!(!error.operation.is_empty() && in_style(&error.operation), "{name}: {error:?}");
                assert!(!error.stage.is_empty() && !error.stage.contains(' '), "{name}: {error:?}");
                assert!(error.cause.iter().chain(&error.remedy).all(|text| in_style(text)), "{name}: {error:?}");
                assert!(error.remedy.is_none() || error.cause.is_some(), "{name}: a remedy for what? {error:?}");
                assert_eq!(error.errno, (errno != 0).then_some(errno), "{name}");
                assert_eq!((error.step, error.in_child), (Some(1), true), "{name}");
                assert_ne!(error.kind, Kind::Internal, "{name}: {error:?}");
            }
        }
    }
}

/// A step that does something to something says to what.
#[test]
fn object_of_a_step_is_what_a_person_would_name() {
    let values = Values { texts: [c"usr/bin/env".into(), c"usr/bin/sh".into()], ..plain() };
    let whole = |kind: u16| of(step(kind, &values).expect("a generator"), Part::Whole, EINVAL).to_string();
    for (kind, name) in KINDS {
        let error = of(step(*kind, &values).expect("a generator"), Part::Whole, EINVAL);
        // Clone, join, pivot, signals, init, the switches, the finally steps: the operation says it all.
        let alone = [1, 6, 8, 19, 24, 25, 26, 27, 28, 31, 32, 33, 34].contains(kind);
        assert_eq!(error.object.is_empty(), alone, "{kind} {name}: {error}");
    }
    for (kind, line) in [
        (9, "step 1, become user 493 and group 7: EINVAL (Invalid argument)"),
        (10, "step 1, bind the root usr/bin/env: EINVAL (Invalid argument)"),
        (12, "step 1, make directory /usr/bin/env: EINVAL (Invalid argument)"),
        (16, "step 1, bind devices into /dev: EINVAL (Invalid argument)"),
        (29, "step 1, make ready to execute A=1: EINVAL (Invalid argument)"),
        (30, "step 1, join the container of process -5: EINVAL (Invalid argument)"),
    ] {
        assert!(whole(kind).starts_with(line), "{}", whole(kind));
    }
}

#[test]
fn proc_that_is_masked_outside_is_the_cause_inside_another_container() {
    let error = of(mount(c"proc", c"proc"), Part::Configure, EPERM);
    assert_says(&error, "inside another container", "unmask=ALL");
    assert_eq!((error.kind, error.stage), (Kind::System, "rootfs.mount"));
    assert!(error.to_string().starts_with("step 1, mount proc on /proc: EPERM (Operation not permitted): the kernel"));
    let other = of(mount(c"tmpfs", c"proc"), Part::Configure, EPERM);
    assert_eq!(other.cause, None, "a tmpfs needs no /proc outside");
    assert_says(&of(mount(c"sysfs", c"sys"), Part::Configure, EPERM), "network namespace", "-n");
}

#[test]
fn user_namespaces_that_are_forbidden_or_used_up_are_told_apart() {
    let clone = |errno| of(Step::Clone { namespaces: 0 }, Part::Whole, errno);
    assert_says(&clone(EPERM), "user namespaces are forbidden", "apparmor_restrict_unprivileged_userns");
    for errno in [ENOSPC, EUSERS] {
        assert_says(&clone(errno), "user.max_user_namespaces", "sysctl user.max_user_namespaces");
    }
    assert_says(&clone(EAGAIN), "RLIMIT_NPROC", "ulimit -u");
    assert_says(&clone(EINVAL), "does not know", "5.10");
}

#[test]
fn missing_dev_in_a_root_of_unmapped_ids_is_explained() {
    for errno in [EACCES, EPERM, EROFS, libc::EOVERFLOW] {
        let error = of(mount(c"tmpfs", c"dev"), Part::Target, errno);
        assert_says(&error, "container root may not make it", "make the directories dev, proc and sys");
        assert!(error.to_string().contains("find or make the directory /dev in the root"), "{error}");
    }
    let link = of(mount(c"tmpfs", c"dev"), Part::Target, ELOOP);
    assert_says(&link, "symbolic link", "real directory");
    assert_eq!(link.kind, Kind::Root);
}

#[test]
fn program_that_exists_and_is_not_found_lacks_its_interpreter() {
    let missing = of(EXECUTE, Part::Interpreter, ENOENT);
    assert_says(&missing, "it exists", "interpreter");
    assert_says(&of(EXECUTE, Part::Program, ENOENT), "no such program", "path inside the root");
    assert_says(&of(EXECUTE, Part::Program, EACCES), "not executable", "permissions");
    let status = |part, errno| of(EXECUTE, part, errno).exit_status();
    assert_eq!((status(Part::Interpreter, ENOENT), status(Part::Program, ENOENT)), (127, 127));
    assert_eq!((status(Part::Program, EACCES), status(Part::Program, ENOEXEC)), (126, 126));
    assert_eq!(status(Part::Program, E2BIG), 125);
}

#[test]
fn every_answer_of_contain_idmap_has_its_cause_and_remedy() {
    let step = Step::MapIdsByHelper { helper: c"/x/contain-idmap", request: b"" };
    let answered = |status| told(step, Failure { status, ..Failure::new(1, 0, Part::Answer) });
    for answer in &Answer::ALL[1..] {
        let error = answered(answer.code() as i32);
        assert_eq!((error.cause.as_deref(), error.remedy.as_deref()), (Some(answer.text()), answer.remedy()));
        assert_eq!((error.kind, error.errno, error.status, error.exit_status()), (Kind::IdMap, None, None, 125));
        assert_eq!(error.to_string(), format!("step 1, map ids through /x/contain-idmap: {}", answer.text()));
    }
    for unknown in [0, -1, 12, i32::MAX] {
        assert_says(&answered(unknown), "none of this version's", "of the same version");
    }
}

#[test]
fn contain_idmap_that_ends_without_an_answer_is_told() {
    let step = Step::MapIdsByHelper { helper: c"/x/contain-idmap", request: b"" };
    let ended = |status, errno| told(step, Failure { status, ..Failure::new(1, errno, Part::Helper) });
    assert_says(&ended(9, 0), "it ended without an answer: it was ended by signal 9", "log");
    assert_says(&ended(127 << 8, 0), "without an answer: it exited with status 127", "same version");
    assert_says(&ended(0, libc::EPROTO), "none of this version's", "of the same version");
    assert_says(&ended(0, libc::ETIMEDOUT), "did not end within", "log");
    assert_eq!((ended(9, 0).kind, ended(9, 0).status), (Kind::IdMap, Some(9)));
}

#[test]
fn newuidmap_that_refuses_is_named_with_its_status() {
    for (part, program) in [(Part::Users, "newuidmap"), (Part::Groups, "newgidmap")] {
        let error = told(THROUGH, Failure { status: 1 << 8, ..Failure::new(1, 0, part) });
        assert_says(&error, "refused the map", "/etc/subuid and /etc/subgid");
        assert_eq!((error.kind, error.status, error.exit_status()), (Kind::IdMap, Some(1 << 8), 125));
        assert!(error.to_string().starts_with(&format!("step 1, run /usr/bin/{program}: it refused")), "{error}");
    }
    let direct = Step::MapIds { deny_setgroups: true, uid_map: b"0 1000 1\n1 5 9\n", gid_map: b"0 1000 1\n" };
    assert_says(&of(direct, Part::Users, EPERM), "may not map", "install contain-idmap");
    assert_eq!(of(direct, Part::Users, EPERM).object, "0 1000 1, 1 5 9");
    assert_says(&of(direct, Part::Procfs, EINVAL), "not a procfs", "mount -t proc");
}

#[test]
fn helper_of_the_users_gives_its_own_status() {
    for (status, words, exit) in [(3 << 8, "it exited with status 3", 3), (9, "it was ended by signal 9", 137)] {
        for step in
            [Step::RunOutside { command: c"exit 3" }, Step::RunInside { command: c"exit 3", environment: List::EMPTY }]
        {
            let error = told(step, Failure { status, ..Failure::new(1, 0, Part::Helper) });
            assert_eq!((error.kind, error.status, error.exit_status()), (Kind::Helper, Some(status), exit));
            assert_eq!((error.cause.as_deref(), status_of_wait(status)), (Some(words), exit));
            assert_eq!(error.object, "exit 3");
        }
    }
}

#[test]
fn descriptors_that_are_used_up_are_the_cause_in_any_step() {
    let values = plain();
    for (kind, name) in KINDS.iter().filter(|(kind, _)| *kind != 1) {
        let error = of(step(*kind, &values).expect("a generator"), Part::Source, EMFILE);
        assert_eq!(error.cause.as_deref(), Some("the limit on open files is reached"), "{name}");
    }
}

#[test]
fn words_of_the_kernel_are_carried_along_without_what_cannot_be_read() {
    let mut failure = Failure::new(1, EINVAL, Part::Configure);
    let said = b"tmpfs: Bad value for 'mode'\xff\n";
    failure.text[..said.len()].copy_from_slice(said);
    failure.text_length = said.len() as u32;
    let error = told(mount(c"tmpfs", c"dev"), failure);
    assert_eq!(error.kernel_message.as_deref(), Some("tmpfs: Bad value for 'mode'\u{fffd}"));
    let line = "step 1, mount tmpfs on /dev: EINVAL (Invalid argument): the kernel says: tmpfs: Bad value for 'mode'";
    assert!(error.to_string().starts_with(line), "{error}");
    let blank = Failure { text: [b' '; TEXT], text_length: TEXT as u32, ..failure };
    assert_eq!(told(mount(c"tmpfs", c"dev"), blank).kernel_message, None);
}

#[test]
fn process_that_died_is_said_to_have_been_killed() {
    let error = told(Step::Pivot {}, Failure::new(1, 0, Part::Died));
    assert_eq!(error.cause.as_deref(), Some("the process doing it was killed"));
    assert_eq!((error.errno, error.in_child, error.exit_status()), (None, false, 125));
}

#[test]
fn process_that_died_with_its_container_is_gone() {
    let error = told(Step::SetNoNewPrivs {}, Failure::new(1, libc::ESRCH, Part::Died));
    assert_eq!((error.kind, error.cause.as_deref()), (Kind::Gone, Some("the container has ended")));
}

#[test]
fn failure_of_no_step_of_the_plan_is_a_defect() {
    let values = plain();
    let steps: Vec<Written<'_>> = vec![(Doer::Init, false, step(19, &values).expect("a pivot"))];
    let bytes = plan(&steps, &[]);
    let plan = Plan::read(&bytes).expect("a plan");
    for (plan, number) in [(Some(&plan), 2), (Some(&plan), u32::MAX), (None, 1)] {
        let error = error(plan, &Failure::new(number, EPERM, Part::Whole));
        assert_eq!(error.kind, Kind::Internal, "step {number}");
        assert_eq!(error.step, Some(number));
    }
    let nothing = error(Some(&plan), &Failure::new(0, 0, Part::Whole));
    assert_eq!((nothing.kind, nothing.step), (Kind::Internal, None));
}

#[test]
fn failure_before_the_first_step_names_what_refuses() {
    let error = error(None, &Failure::new(0, EPERM, Part::Whole));
    assert_eq!((error.kind, error.errno, error.step), (Kind::System, Some(EPERM), None));
    assert!(error.remedy.is_some_and(|remedy| remedy.contains("seccomp")));
}
