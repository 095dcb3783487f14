// SPDX-License-Identifier: MIT OR Apache-2.0
//! Message sockets between contain's own processes: whole messages, with at most one descriptor.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::{Errno, Fd, Result, call};
use core::ffi::CStr;

const AF_UNIX: usize = 1;
const SOCK_SEQPACKET: usize = 5;

/// A connected pair (AF_UNIX, SOCK_SEQPACKET): a message arrives whole or not at all; a closed peer reads as 0.
pub fn pair() -> Result<(Fd, Fd)> {
    let mut fds = [-1i32; 2];
    call!(SOCKETPAIR, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0, fds.as_mut_ptr())?;
    let [a, b] = fds;
    Ok((Fd(a), Fd(b)))
}

#[repr(C)]
struct Vector {
    base: *mut u8,
    length: usize,
}

#[repr(C)]
struct Header {
    name: usize,
    name_length: u32,
    pad0: u32,
    vectors: *mut Vector,
    vector_count: usize,
    control: *mut Control,
    control_length: usize,
    flags: i32,
    pad1: u32,
}

/// One SCM_RIGHTS message with one descriptor (cmsg(3)), padded to 24 bytes.
#[repr(C, align(8))]
struct Control {
    length: usize,
    level: i32,
    kind: i32,
    fd: i32,
    pad: i32,
}

const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;
const CONTROL_LENGTH: usize = 20;
const MSG_NOSIGNAL: usize = 0x4000;
const MSG_DONTWAIT: usize = 0x40;
const MSG_CMSG_CLOEXEC: usize = 0x4000_0000;

/// Whether a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until it can be done.
    Yes,
    /// EAGAIN instead.
    No,
}

/// Sends one message; EPIPE (never SIGPIPE) where the peer is gone.
pub fn send(socket: Fd, message: &[u8], passed: Fd, wait: Wait) -> Result<()> {
    let mut vector = Vector { base: message.as_ptr().cast_mut(), length: message.len() };
    let mut control = Control { length: CONTROL_LENGTH, level: SOL_SOCKET, kind: SCM_RIGHTS, fd: passed.0, pad: 0 };
    let mut header = header(&mut vector, &mut control);
    if !passed.is_some() {
        header.control_length = 0;
    }
    let flags = MSG_NOSIGNAL | if wait == Wait::No { MSG_DONTWAIT } else { 0 };
    loop {
        match call!(SENDMSG, socket.0, &raw const header, flags) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Receives one message into `buffer`: its length (0: the peer is gone), and the descriptor that came with it.
pub fn receive(socket: Fd, buffer: &mut [u8], wait: Wait) -> Result<(usize, Fd)> {
    receive_message(socket, buffer, wait).map(|message| (message.length, message.fd))
}

/// As [`receive`], but a message that does not fit, and one with more than one descriptor or with other ancillary
/// data, is EPROTO.
pub fn receive_whole(socket: Fd, buffer: &mut [u8]) -> Result<(usize, Fd)> {
    let message = receive_message(socket, buffer, Wait::Yes)?;
    if message.is_whole { Ok((message.length, message.fd)) } else { Err(Errno::EPROTO) }
}

struct Message {
    length: usize,
    fd: Fd,
    /// All of it came, and beside it nothing but one descriptor, or nothing.
    is_whole: bool,
}

fn receive_message(socket: Fd, buffer: &mut [u8], wait: Wait) -> Result<Message> {
    const MSG_CTRUNC: i32 = 0x8;
    const MSG_TRUNC: i32 = 0x20;
    let mut vector = Vector { base: buffer.as_mut_ptr(), length: buffer.len() };
    let mut control = Control { length: 0, level: 0, kind: 0, fd: -1, pad: 0 };
    let mut header = header(&mut vector, &mut control);
    // Room for one descriptor: the kernel closes any further one.
    header.control_length = CONTROL_LENGTH;
    let flags = MSG_CMSG_CLOEXEC | if wait == Wait::No { MSG_DONTWAIT } else { 0 };
    let length = loop {
        match call!(RECVMSG, socket.0, &raw mut header, flags) {
            // ECONNRESET: the peer is gone and had not read everything. Told once; what it sent is still to be had.
            Err(Errno::EINTR | Errno::ECONNRESET) => {}
            other => break other?,
        }
    };
    let has_fd = header.control_length >= CONTROL_LENGTH && control.level == SOL_SOCKET && control.kind == SCM_RIGHTS;
    // The padding has room for a second descriptor.
    let is_one = control.length == if header.control_length == 0 { 0 } else { CONTROL_LENGTH };
    let is_whole = header.flags & (MSG_TRUNC | MSG_CTRUNC) == 0 && is_one && (has_fd || header.control_length == 0);
    Ok(Message { length, fd: if has_fd { Fd(control.fd) } else { Fd::NONE }, is_whole })
}

/// Whether `fd` is a socket like those of [`pair`].
pub fn is_message_socket(fd: Fd) -> Result<bool> {
    const SO_TYPE: usize = 3;
    const SO_DOMAIN: usize = 39;
    let option = |name: usize| {
        let (mut value, mut length) = (0i32, 4u32);
        call!(GETSOCKOPT, fd.0, SOL_SOCKET, name, &raw mut value, &raw mut length).map(|_| value as usize)
    };
    Ok(option(SO_DOMAIN)? == AF_UNIX && option(SO_TYPE)? == SOCK_SEQPACKET)
}

/// Sends one datagram to the socket at `path`, without waiting.
pub fn send_datagram(path: &CStr, message: &[u8]) -> Result<()> {
    const SOCK_DGRAM: usize = 2;
    const SOCK_NONBLOCK: usize = 0o4000;
    /// struct sockaddr_un.
    #[repr(C)]
    struct Address {
        family: u16,
        path: [u8; 108],
    }
    let mut address = Address { family: AF_UNIX as u16, path: [0; 108] };
    let path = path.to_bytes();
    address.path.get_mut(..path.len()).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(path);
    let socket = call!(SOCKET, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | O_CLOEXEC, 0).map(from_raw)?;
    let (data, length) = (message.as_ptr(), message.len());
    let flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    let sent = call!(SENDTO, socket.0, data, length, flags, &raw const address, size_of::<Address>());
    socket.close()?;
    sent.map(drop)
}

fn header(vector: &mut Vector, control: &mut Control) -> Header {
    Header {
        name: 0,
        name_length: 0,
        pad0: 0,
        vectors: vector,
        vector_count: 1,
        control,
        control_length: size_of::<Control>(),
        flags: 0,
        pad1: 0,
    }
}
