// SPDX-License-Identifier: MIT OR Apache-2.0
//! The console, PID 1's side: a pseudo-terminal that container root owns, bound at /dev/console. It is one of the host's
//! where the monitor copies between it and the caller's terminal, and one of the container's own where a library's
//! caller has its other end.

use crate::context::{At, Context, Fault};
use contain_plan::message::{Message, Part, Passed};
use contain_sys::fd::OnExec;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::mount::{self, Depth};
use contain_sys::socket::{self, Wait};
use contain_sys::terminal::{self, mode};
use contain_sys::{Errno, Fd, process};

/// Opens the pair, binds the slave and hands the master to the monitor. The slave belongs to container root since
/// this process is container root by now; it is bound from this mount namespace's own copy of devpts.
pub fn open(context: &mut Context<'_>) -> Result<(), Fault> {
    let (master, slave) = terminal::open_pair().at(Part::Source)?;
    set_up(slave)?;
    bind(context, slave)?;
    context.tell(&Message::Pass { what: Passed::Console }, master)?;
    context.tell(&Message::Pass { what: Passed::Terminal }, slave)?;
    Ok(())
}

/// The slave at /dev/console, in the container's own /dev.
fn bind(context: &Context<'_>, slave: Fd) -> Result<(), Fault> {
    let inside = file::open_in(context.root, c"dev", flags::O_PATH | flags::O_DIRECTORY, Resolve::BENEATH_NO_LINKS)
        .at(Part::Target)?;
    let tree = mount::copy_tree(slave, c"", Depth::Mount).at(Part::Attach)?;
    file::make_file(inside, c"console", 0o600).at(Part::Target)?;
    mount::attach_at(tree, inside, c"console").at(Part::Attach)
}

/// Opens a pair of the container's own devpts, which this process has joined, and hands the master to the monitor. The
/// slave has a name inside; it belongs to container root, who this process is by now.
pub fn open_inside(context: &mut Context<'_>) -> Result<(), Fault> {
    let root = file::open(Fd::CWD, c"/", flags::O_PATH | flags::O_DIRECTORY).at(Part::Source)?;
    let (master, slave) = terminal::open_pair_in(root).at(Part::Source)?;
    set_up(slave)?;
    context.tell(&Message::Pass { what: Passed::Console }, master)?;
    context.tell(&Message::Pass { what: Passed::Terminal }, slave)?;
    context.terminal = slave;
    Ok(())
}

/// Opens a pair of the container's own devpts, as large as the caller wants it, and hands the master to the monitor.
/// Nobody but this process has the slave: when the last one inside has closed it, the caller's reads end. Attributes are
/// the kernel's for a new terminal; the caller may change them.
pub fn make(context: &mut Context<'_>, rows: u32, columns: u32) -> Result<(), Fault> {
    let (Ok(rows), Ok(columns)) = (u16::try_from(rows), u16::try_from(columns)) else {
        return Err(Errno::EINVAL.into());
    };
    // The root of a container that has been joined is here; of one that is being made it is still below.
    let is_new = context.descriptors.target < 0;
    let root = if is_new {
        context.root
    } else {
        file::open(Fd::CWD, c"/", flags::O_PATH | flags::O_DIRECTORY).at(Part::Source)?
    };
    let (master, slave) = terminal::open_pair_in(root).at(Part::Source)?;
    // As posix_openpt(3) has it: who takes it reads and writes as from any descriptor.
    master.set_waits().at(Part::Configure)?;
    // ORDER: before the command can ask for it.
    terminal::set_window_size(slave, &[rows, columns, 0, 0]).at(Part::Configure)?;
    if is_new {
        bind(context, slave)?;
    }
    context.tell(&Message::Pass { what: Passed::Console }, master)?;
    // The caller's closing it is a hang-up once nobody else has it.
    master.close()?;
    context.terminal = slave;
    Ok(())
}

/// Hands the master, which PID 1 has passed on, to the caller, who has it alone from here on.
pub fn give(context: &mut Context<'_>) -> Result<(), Fault> {
    let master = core::mem::replace(&mut context.console, Fd::NONE);
    if !master.is_some() {
        return Err(Errno::EPROTO.into());
    }
    socket::send(Fd(context.descriptors.control), &Message::Console.to_bytes(), master, Wait::Yes)?;
    Ok(master.close()?)
}

/// Attributes of the inner terminal. Without a terminal outside, bytes pass unchanged: nothing is echoed, a carriage
/// return stays one, and no line end becomes two bytes.
fn set_up(slave: Fd) -> Result<(), Fault> {
    let mut attributes = terminal::attributes(slave)?;
    attributes.input |= mode::IGNBRK | mode::IUTF8;
    if terminal::attributes(Fd(0)).is_err() {
        // IXON too: the kernel looks ahead for stop characters, quoted ones among them (5.19).
        attributes.input &= !(mode::ICRNL | mode::IXON);
        attributes.local &= !mode::ECHO;
    }
    if terminal::attributes(Fd(1)).is_err() {
        attributes.output &= !mode::OPOST;
    }
    terminal::set_attributes(slave, &attributes)?;
    // ORDER: before the command can ask for it; the monitor follows later changes.
    if let Ok(size) = terminal::window_size(Fd(0)).or_else(|_| terminal::window_size(Fd(1))) {
        terminal::set_window_size(slave, &size)?;
    }
    Ok(())
}

/// Stdin, stdout and stderr.
pub const ALL: u32 = 0b111;

/// A session of its own with the console as controlling terminal, and as those of stdin, stdout and stderr whose bits
/// are set.
pub fn take(context: &mut Context<'_>, descriptors: u32) -> Result<(), Fault> {
    // CVE-2017-5226: nothing inside can type into the caller's terminal.
    // Beside a library caller PID 1 has one from the beginning.
    if context.descriptors.in_place() || context.reaper {
        process::new_session()?;
    }
    // By its name inside, which is what ps(1), tty(1) and /proc show.
    let flags = flags::O_RDWR | flags::O_NOCTTY;
    let console = if context.terminal.is_some() {
        context.terminal
    } else {
        file::open_in(context.root, c"dev/console", flags, Resolve::BENEATH_NO_LINKS)?
    };
    terminal::make_controlling(console)?;
    for number in 0..3 {
        if descriptors & 1u32.wrapping_shl(number) != 0 {
            console.duplicate_to(Fd(number.cast_signed()), OnExec::Keep)?;
        }
    }
    context.terminal = console;
    Ok(())
}
