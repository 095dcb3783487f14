// SPDX-License-Identifier: MIT OR Apache-2.0
//! The story of a container: both processes walk the same steps; where the doer changes, they meet.

use crate::context::{Context, Fault, OWN, Said};
use crate::execute::Strings;
use crate::mounts::Nearby;
use crate::reaper::Reaper;
use crate::watch::Watch;
use crate::{
    OWN_FAILURE, bind, cgroup, console, execute, files, helper, id_map, identity, mounts, namespaces, network, overlay,
    reaper, report, root, tree, watch,
};
use contain_plan::message::Message;
use contain_plan::{Descriptors, Doer, Entry, Kind, Plan, Step};
use contain_sys::fd::{OnExec, close_on_exec};
use contain_sys::process::{self, Child, Hang};
use contain_sys::program::{Once, Program};
use contain_sys::signal::{self, Poll, number, poll, poll_event};
use contain_sys::socket::Wait;
use contain_sys::{Errno, Fd, net};

static STRINGS: Once<Strings> = Once::new(Strings::new());

/// How the walk ended.
pub enum Walked {
    /// The command runs: what is left to do.
    Watching(Watch),
    /// PID 1 has started the command and reaps.
    Reaping(Reaper),
    /// Nothing is left to do but to exit with this status.
    Over(i32),
}

/// Walks the plan, as the monitor and from the fork on as PID 1 too.
pub fn start(program: Program, plan: Plan<'_>, plan_fd: Fd) -> Walked {
    let Some(strings) = STRINGS.take() else { return Walked::Over(OWN_FAILURE) };
    let mut context = Context {
        program,
        strings,
        plan,
        plan_fd,
        descriptors: plan.header().descriptors,
        me: Doer::Monitor,
        umask: None,
        prepared: false,
        peer: Fd::NONE,
        init: None,
        process: Fd::NONE,
        step: 0,
        root: Fd::NONE,
        nearby: Nearby::NOWHERE,
        own: plan.has(Kind::MakeFile).then_some([None; OWN]),
        console: Fd::NONE,
        terminal: Fd::NONE,
        outside: None,
        printer: None,
        settled: None,
        guard: None,
        deadline_us: None,
        tree: None,
        reaper: plan.has(Kind::Reap),
        reported: None,
        said: Said::NOTHING,
    };
    match walk(&mut context) {
        Ok(walked) => walked,
        Err(fault) if context.me == Doer::Init => {
            // The monitor hears of it, or has heard the end of the socket.
            let _ = context.tell(&Message::Failed(context.failure(fault)), Fd::NONE);
            Walked::Over(OWN_FAILURE)
        }
        Err(fault) => {
            take_down(&mut context);
            let fault = namespaces::or_target_gone(&context, fault);
            Walked::Over(report::failure(&mut context, fault))
        }
    }
}

fn walk(context: &mut Context<'_>) -> Result<Walked, Fault> {
    let [a, b, c, d, e, f, g, h] = context.descriptors.all().map(Fd);
    close_on_exec(&mut [context.plan_fd, a, b, c, d, e, f, g, h])?;
    for head in context.plan.heads().flatten().filter(|head| head.is(Kind::HoldSource)) {
        if let Ok(Entry { step: Step::HoldSource { descriptor, .. }, .. }) = head.read() {
            Fd(descriptor).set_on_exec(OnExec::Close)?;
        }
    }
    // Ignored by the caller, it would keep the end of PID 1 from being waited for.
    signal::reset(number::SIGCHLD)?;
    let mut last = Doer::Monitor;
    for head in context.plan.heads() {
        let Ok(head) = head else { return Err(Errno::EPROTO.into()) };
        if head.doer != last {
            meet(context, last)?;
            last = head.doer;
        }
        context.step = head.number;
        if head.doer == context.me {
            let Ok(entry) = head.read() else { return Err(Errno::EPROTO.into()) };
            #[cfg(feature = "test-hooks")]
            test_hooks(context)?;
            match entry.step {
                Step::Watch { console, guard } => {
                    return watch::prepare(context, console, guard).map(Walked::Watching);
                }
                Step::Reap {} => return reaper::start_command(context).map(Walked::Reaping),
                _ => perform(context, &entry)?,
            }
        }
    }
    if context.me == Doer::Init {
        // It was made for its namespaces alone and is there until the monitor ends it.
        while context.hear(context.peer, Wait::Yes)?.is_some() {}
        return Ok(Walked::Over(0));
    }
    // A plan ends with a watch, or by becoming the command.
    Err(Errno::EPROTO.into())
}

/// The steps after the current one, in the process that a reaper started for the command.
pub fn rest(context: &mut Context<'_>) -> Result<(), Fault> {
    let done = context.step;
    for head in context.plan.heads().flatten() {
        if head.number > done && head.doer == Doer::Init {
            let Ok(entry) = head.read() else { break };
            context.step = head.number;
            #[cfg(feature = "test-hooks")]
            test_hooks(context)?;
            perform(context, &entry)?;
        }
    }
    Err(Errno::EPROTO.into())
}

/// Does one step; the failure of an optional one is passed over.
fn perform(context: &mut Context<'_>, entry: &Entry<'_>) -> Result<(), Fault> {
    match act(context, entry.step) {
        Err(_) if entry.optional => {
            context.said = Said::NOTHING;
            Ok(())
        }
        other => other,
    }
}

fn act(context: &mut Context<'_>, step: Step<'_>) -> Result<(), Fault> {
    match step {
        Step::Clone { namespaces } => namespaces::clone(context, namespaces),
        Step::MapIds { deny_setgroups, uid_map, gid_map } => id_map::write(context, deny_setgroups, uid_map, gid_map),
        Step::MapIdsThrough { uid_helper, uid_arguments, gid_helper, gid_arguments } => {
            id_map::write_through(context, (uid_helper, uid_arguments), (gid_helper, gid_arguments))
        }
        Step::MapIdsByHelper { helper, request } => id_map::write_by_helper(context, helper, request),
        Step::PrepareOutside { command, environment } => helper::prepare_outside(context, command, environment),
        Step::RunOutside { .. } => helper::run_outside(context),
        Step::Join { namespaces } => namespaces::join(context, namespaces),
        Step::RunInside { command, environment } => helper::run_inside(context, command, environment),
        Step::AwaitStart {} => await_start(context),
        Step::BecomeIds { uid, gid, clear_groups } => identity::become_ids(context, uid, gid, clear_groups),
        Step::BecomeUser { uid, gid, set_groups, groups, keep, console } => {
            let user = identity::User { uid, gid, set_groups, groups, keep, console };
            identity::become_user(context, &user)
        }
        Step::SetDeadline { microseconds } => set_deadline(context, microseconds),
        Step::BindRoot { .. } => root::bind(context),
        Step::TmpfsRoot { place } => root::tmpfs(context, place),
        Step::MakeDirectory { path, mode } => mounts::make_directory(context, path, mode),
        Step::MakeLink { target, path } => mounts::make_link(context, target, path),
        Step::Mount { filesystem, target, options, attributes, make } => {
            mounts::mount(context, filesystem, target, options, attributes, make)
        }
        Step::Bind { source, target, attributes, recursive } => {
            mounts::bind(context, source, target, attributes, recursive)
        }
        Step::BindDevices { names } => mounts::bind_devices(context, names),
        Step::HoldSource { descriptor, path } => bind::hold_source(Fd(descriptor), path),
        Step::BindSource { descriptor, target, attributes, .. } => {
            bind::bind_source(context, Fd(descriptor), target, attributes)
        }
        Step::MountInside { filesystem, target, options, attributes } => {
            bind::mount_inside(context, filesystem, target, options, attributes)
        }
        Step::ProtectRoot { submounts } => root::protect(context, submounts),
        Step::OverlayRoot { options, .. } => overlay::root(context, options),
        Step::Overlay { source, target, options } => overlay::directory(context, source, target, options),
        Step::OpenConsole {} => console::open(context),
        Step::OpenTerminal {} => console::open_inside(context),
        Step::MakeConsole { rows, columns } => console::make(context, rows, columns),
        Step::GiveConsole {} => console::give(context),
        Step::RaiseLoopback {} => Ok(net::raise(b"lo")?),
        Step::MakeVeth { name, peer, bridge, mtu } => network::make_veth(context, name, peer, bridge, mtu),
        Step::SetUpInterface { name, address, prefix, gateway, .. } => network::set_up(name, address, prefix, gateway),
        Step::Pivot {} => root::pivot(),
        Step::SetHostname { name } => Ok(contain_sys::identity::set_hostname(name.to_bytes())?),
        Step::LimitResource { resource, soft, hard } => Ok(contain_sys::identity::set_rlimit(resource, soft, hard)?),
        Step::TakeConsole {} => console::take(context, console::ALL),
        Step::UseConsole { descriptors } => console::take(context, descriptors),
        Step::ChangeDirectory { path } => root::change_directory(path),
        Step::ResetSignals {} => Ok(contain_sys::signal::reset_all()?),
        Step::SetCapabilities { bounding, permitted } => identity::set_capabilities(bounding, permitted),
        Step::SetNoNewPrivs {} => Ok(contain_sys::identity::set_no_new_privs()?),
        Step::Close { keep } => execute::prepare(context, keep),
        Step::LoadSeccomp { program, flags, .. } => Ok(contain_sys::identity::load_seccomp(program, flags)?),
        Step::Execute { search, arguments, environment, keep } => {
            execute::execute(context, search, arguments, environment, keep)
        }
        Step::MakeFile { path, mode, contents, offset, length } => {
            files::make(context, path, mode, (Fd(contents), offset, length))
        }
        Step::CopyOut { path, limit } => files::copy_out(context, path, limit),
        Step::CopyIn { path, mode } => files::copy_in(context, path, mode),
        Step::JoinTarget { leave_groups, namespaces, .. } => namespaces::join_target(context, leave_groups, namespaces),
        Step::Dismiss {} => dismiss(context),
        Step::EnterCgroup { mount, file } => cgroup::enter(context, mount, file),
        Step::Watch { .. } | Step::Reap {} | Step::RestoreTerminal {} | Step::Report {} | Step::Never(..) => {
            Err(Errno::EPROTO.into())
        }
    }
}

/// The doer changes: who was at work says so, the other one has waited for it.
fn meet(context: &mut Context<'_>, last: Doer) -> Result<(), Fault> {
    if context.me == last {
        if context.me == Doer::Monitor {
            watch::before_the_command(context)?;
        }
        match context.tell(&Message::Go, Fd::NONE) {
            // An injected command's process works while the monitor does: it has failed, and what it said is still to
            // be heard.
            Err(Errno::EPIPE | Errno::ECONNRESET) if context.me == Doer::Monitor => hear_failure(context)?,
            other => other?,
        }
        return if context.me == Doer::Monitor { watch::beside_the_command(context) } else { Ok(()) };
    }
    loop {
        if context.me == Doer::Monitor {
            wait_or_caller_gone(context, context.peer)?;
        }
        match context.hear(context.peer, Wait::Yes)? {
            Some(Message::Go) => return Ok(()),
            Some(Message::Failed(failure)) => {
                context.reported = Some(failure);
                return Err(Fault::Reported);
            }
            Some(_) => {}
            None if context.me == Doer::Init => return Err(Fault::Died),
            // The socket's last copy closed: by the exec of the command, or because PID 1 died on the way there.
            None if after_execute(context) => return Ok(()),
            None => return Err(Fault::Died),
        }
    }
}

/// What the other process said before it ended.
fn hear_failure(context: &mut Context<'_>) -> Result<(), Fault> {
    while let Some(message) = context.hear(context.peer, Wait::Yes)? {
        if let Message::Failed(failure) = message {
            context.reported = Some(failure);
            return Err(Fault::Reported);
        }
    }
    Err(Fault::Died)
}

/// Whether what PID 1 did last is the exec, or the copying of a file in its place.
fn after_execute(context: &Context<'_>) -> bool {
    let last = |step: Step<'_>| matches!(step, Step::Execute { .. } | Step::CopyOut { .. } | Step::CopyIn { .. });
    context.plan.entry(context.step).is_some_and(|entry| last(entry.step))
}

/// Waits until `fd` can be read; the caller's end ends everything.
fn wait_or_caller_gone(context: &Context<'_>, fd: Fd) -> Result<(), Fault> {
    if context.descriptors.caller < 0 {
        return Ok(());
    }
    let ask = |fd: i32| Poll { fd, events: poll_event::IN, answered: 0 };
    let mut asked = [ask(fd.0), ask(context.descriptors.caller)];
    loop {
        poll(&mut asked, -1)?;
        let [wanted, caller] = asked;
        if wanted.answered != 0 {
            return Ok(());
        }
        if caller.answered != 0 {
            return Err(Fault::CallerGone);
        }
    }
}

/// Reports "created" and waits for the caller's word.
fn await_start(context: &mut Context<'_>) -> Result<(), Fault> {
    let control = Fd(context.descriptors.control);
    let Some(init) = context.init else { return Err(Fault::Died) };
    let created = Message::Created { init: init.pid };
    contain_sys::socket::send(control, &created.to_bytes(), init.pidfd, Wait::Yes)?;
    signal::set_mask(0)?;
    let word = start_word(context, init);
    signal::set_mask(signal::ALL)?;
    word
}

fn start_word(context: &mut Context<'_>, init: Child) -> Result<(), Fault> {
    let ask = |fd: i32| Poll { fd, events: poll_event::IN, answered: 0 };
    loop {
        let Descriptors { control, caller, listen, .. } = context.descriptors;
        let mut asked = [ask(control), ask(caller), ask(init.pidfd.0), ask(listen)];
        poll(&mut asked, -1)?;
        let [word, caller, ended, said] = asked;
        if ended.answered != 0 {
            return Err(Fault::Died);
        }
        // ORDER: a caller that has detached may be gone already.
        if word.answered != 0 {
            match context.hear(Fd(control), Wait::Yes)? {
                Some(Message::Start) => return Ok(()),
                Some(Message::Detach) => context.descriptors.caller = -1,
                // Others may start it, and its caller's pidfd alone says whether that lives.
                Some(Message::Release) | None if listen >= 0 => context.descriptors.control = -1,
                Some(Message::Release) | None => return Err(Fault::CallerGone),
                Some(other) => obey(other)?,
            }
            continue;
        }
        if caller.answered != 0 {
            return Err(Fault::CallerGone);
        }
        if said.answered != 0 && listened(context)? {
            return Ok(());
        }
    }
}

/// What would end the command ends the container before its command has begun.
fn obey(word: Message) -> Result<(), Fault> {
    match word {
        Message::Kill => Err(Fault::CallerGone),
        Message::Signal { signal } if signal == number::SIGKILL || watch::ends_a_process(signal) => {
            Err(Fault::CallerGone)
        }
        _ => Ok(()),
    }
}

/// A word from anyone who may open the socket on disk: whether it is to start. What comes along is where the answer
/// goes.
fn listened(context: &mut Context<'_>) -> Result<bool, Fault> {
    let (message, answer) = watch::heard(Fd(context.descriptors.listen))?;
    if message == Some(Message::Start) && answer.is_some() {
        context.descriptors.control = answer.0;
        return Ok(true);
    }
    if answer.is_some() {
        answer.close()?;
    }
    message.map_or(Ok(()), obey).map(|()| false)
}

/// The watch counts from the exec on. Only what is ended with a PID namespace of its own needs no list.
fn set_deadline(context: &mut Context<'_>, microseconds: u64) -> Result<(), Fault> {
    context.deadline_us = Some(microseconds);
    if context.descriptors.target >= 0 {
        context.tree = Some(tree::open(context)?);
    }
    Ok(())
}

/// Ends PID 1, which was there for its user namespace alone.
fn dismiss(context: &mut Context<'_>) -> Result<(), Fault> {
    take_down(context);
    Ok(())
}

/// Kills what was made so far and waits until it is gone.
pub fn take_down(context: &mut Context<'_>) {
    let outside = context.outside.take().map(|(child, _)| child);
    let guard = context.guard.take().map(|guard| guard.child);
    for child in [context.init.take(), outside, guard].into_iter().flatten() {
        // What cannot be killed, by a filter around this process, is not waited for: it dies with the monitor.
        if process::send_signal(child.pidfd, number::SIGKILL).is_ok() {
            let _ = process::wait(child.pid, Hang::Yes);
        }
    }
}

/// Stops at the step that the plan names, or fails it.
#[cfg(feature = "test-hooks")]
fn test_hooks(context: &Context<'_>) -> Result<(), Fault> {
    let header = context.plan.header();
    if u32::from(header.fail_at) == context.step {
        return Err(Errno::EIO.into());
    }
    if u32::from(header.stop_at) == context.step {
        contain_sys::file::write_whole(Fd(2), b"stopped\n")?;
        // The monitor goes on when its caller or a PID 1 is gone: that the walk itself finds it out is what is tested.
        let gone = match context.me {
            Doer::Monitor => {
                let Descriptors { caller, target, .. } = context.descriptors;
                [caller, target, context.init.map_or(-1, |init| init.pidfd.0)]
            }
            Doer::Init => [-1; 3],
        };
        let mut asked = gone.map(|fd| Poll { fd, events: poll_event::IN, answered: 0 });
        while asked.iter().all(|one| one.answered == 0) {
            let _ = poll(&mut asked, -1);
        }
    }
    Ok(())
}
