// SPDX-License-Identifier: MIT OR Apache-2.0
//! What core does to a network: an interface up, a pair of virtual ones made, an address, a default route
//! (rtnetlink(7), netdevice(7)). Messages have a fixed size; what does not fit is an error, never cut.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::{Errno, Fd, Result, call, file};

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// The longest name of an interface, without NUL.
pub const NAME: usize = 15;

/// struct ifreq: 16 bytes of name, then a union of 24.
#[repr(C)]
struct Request {
    name: [u8; 16],
    number: [u8; 4],
    rest: [u8; 20],
}

impl Request {
    fn new(name: &[u8]) -> Result<Request> {
        let mut request = Request { name: [0; 16], number: [0; 4], rest: [0; 20] };
        let slot = request.name.get_mut(..name.len()).filter(|slot| slot.len() <= NAME).ok_or(Errno::EINVAL)?;
        slot.copy_from_slice(name);
        Ok(request)
    }

    fn ask(&mut self, what: usize) -> Result<()> {
        const SOCK_DGRAM: usize = 2;
        let socket = call!(SOCKET, usize::from(AF_INET), SOCK_DGRAM | O_CLOEXEC, 0).map(from_raw)?;
        let result = call!(IOCTL, socket.0, what, &raw mut *self).map(drop);
        socket.close()?;
        result
    }
}

/// Sets IFF_UP on an interface of the current network namespace.
pub fn raise(name: &[u8]) -> Result<()> {
    const SIOCSIFFLAGS: usize = 0x8914;
    let mut request = Request::new(name)?;
    request.number = 1u32.to_ne_bytes();
    request.ask(SIOCSIFFLAGS)
}

/// The number of an interface of the current network namespace.
fn index(name: &[u8]) -> Result<u32> {
    const SIOCGIFINDEX: usize = 0x8933;
    let mut request = Request::new(name)?;
    request.ask(SIOCGIFINDEX)?;
    Ok(u32::from_ne_bytes(request.number))
}

/// A pair of connected interfaces (veth(4)).
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The one here; a `%d` in it becomes the first free number.
    pub name: &'a [u8],
    /// The one there.
    pub peer: &'a [u8],
    /// A process in the network namespace there.
    pub pid: i32,
    /// A bridge here that the one here belongs to; empty for none.
    pub bridge: &'a [u8],
    /// The largest packet of both; 0 for the kernel's default.
    pub mtu: u32,
}

/// Makes a pair, the one here up.
pub fn make_pair(pair: &Pair<'_>) -> Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const IFLA_IFNAME: u16 = 3;
    const IFLA_MTU: u16 = 4;
    const IFLA_MASTER: u16 = 10;
    const IFLA_LINKINFO: u16 = 18;
    const IFLA_NET_NS_PID: u16 = 19;
    const IFLA_INFO_KIND: u16 = 1;
    const IFLA_INFO_DATA: u16 = 2;
    const VETH_INFO_PEER: u16 = 1;
    /// struct ifinfomsg: family, type, index, flags, which flags change.
    const fn link(flags: u32) -> [u8; 16] {
        let [a, b, c, d] = flags.to_ne_bytes();
        [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, a, b, c, d]
    }
    let mut message = Message::new(RTM_NEWLINK);
    message.bytes(&link(1))?;
    message.text(IFLA_IFNAME, pair.name)?;
    message.mtu(IFLA_MTU, pair.mtu)?;
    if !pair.bridge.is_empty() {
        message.attribute(IFLA_MASTER, &index(pair.bridge)?.to_ne_bytes())?;
    }
    let info = message.open(IFLA_LINKINFO)?;
    message.attribute(IFLA_INFO_KIND, b"veth")?;
    let data = message.open(IFLA_INFO_DATA)?;
    let peer = message.open(VETH_INFO_PEER)?;
    message.bytes(&link(0))?;
    message.text(IFLA_IFNAME, pair.peer)?;
    message.mtu(IFLA_MTU, pair.mtu)?;
    message.attribute(IFLA_NET_NS_PID, &pair.pid.to_ne_bytes())?;
    for nested in [peer, data, info] {
        message.close(nested)?;
    }
    message.exchange()
}

/// Gives an interface an address of 4 or 16 bytes and a prefix length.
pub fn add_address(name: &[u8], address: &[u8], prefix: u8) -> Result<()> {
    const RTM_NEWADDR: u16 = 20;
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    // An address of a network that has just been made is nobody else's, and can be used at once.
    const IFA_F_NODAD: u8 = 2;
    let mut message = Message::new(RTM_NEWADDR);
    message.bytes(&[family(address)?, prefix, IFA_F_NODAD, 0])?;
    message.bytes(&index(name)?.to_ne_bytes())?;
    message.attribute(IFA_LOCAL, address)?;
    message.attribute(IFA_ADDRESS, address)?;
    message.exchange()
}

/// Makes the default route lead to a gateway by an interface.
pub fn add_gateway(name: &[u8], gateway: &[u8]) -> Result<()> {
    const RTM_NEWROUTE: u16 = 24;
    const RTA_OIF: u16 = 4;
    const RTA_GATEWAY: u16 = 5;
    const MAIN_TABLE: u8 = 254;
    const BY_BOOT: u8 = 3;
    const UNICAST: u8 = 1;
    let mut message = Message::new(RTM_NEWROUTE);
    // struct rtmsg: family, lengths of destination and source, tos, table, protocol, scope, type, flags.
    message.bytes(&[family(gateway)?, 0, 0, 0, MAIN_TABLE, BY_BOOT, 0, UNICAST, 0, 0, 0, 0])?;
    message.attribute(RTA_GATEWAY, gateway)?;
    message.attribute(RTA_OIF, &index(name)?.to_ne_bytes())?;
    message.exchange()
}

fn family(address: &[u8]) -> Result<u8> {
    match address.len() {
        4 => Ok(AF_INET),
        16 => Ok(AF_INET6),
        _ => Err(Errno::EINVAL),
    }
}

/// One request to the kernel: struct nlmsghdr, then what its kind has, then attributes, each aligned to 4.
struct Message {
    buffer: [u8; 256],
    length: usize,
}

/// struct nlmsghdr.
const HEAD: usize = 16;

impl Message {
    fn new(kind: u16) -> Message {
        // NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE.
        const FLAGS: u16 = 0x1 | 0x4 | 0x200 | 0x400;
        let mut message = Message { buffer: [0; 256], length: HEAD };
        // The length at 0 is filled in when it is sent; the sequence number at 8 and the port at 12 are 0.
        let _ = message.put(4, &kind.to_ne_bytes());
        let _ = message.put(6, &FLAGS.to_ne_bytes());
        message
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> Result<()> {
        let end = at.checked_add(bytes.len()).ok_or(Errno::E2BIG)?;
        self.buffer.get_mut(at..end).ok_or(Errno::E2BIG)?.copy_from_slice(bytes);
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.put(self.length, bytes)?;
        // What is between the end and the next multiple of 4 is zero.
        self.length = self.length.saturating_add(bytes.len().next_multiple_of(4));
        Ok(())
    }

    /// The head of an attribute whose value follows; where it stands.
    fn open(&mut self, kind: u16) -> Result<usize> {
        let at = self.length;
        self.put(at.saturating_add(2), &kind.to_ne_bytes())?;
        self.length = at.saturating_add(4);
        Ok(at)
    }

    fn close(&mut self, at: usize) -> Result<()> {
        let length = u16::try_from(self.length.saturating_sub(at)).map_err(|_| Errno::E2BIG)?;
        self.put(at, &length.to_ne_bytes())
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) -> Result<()> {
        let at = self.open(kind)?;
        let length = u16::try_from(value.len().saturating_add(4)).map_err(|_| Errno::E2BIG)?;
        self.put(at, &length.to_ne_bytes())?;
        self.bytes(value)
    }

    /// A text with its NUL.
    fn text(&mut self, kind: u16, value: &[u8]) -> Result<()> {
        let mut name = [0u8; NAME + 1];
        let whole = name.get_mut(..value.len()).filter(|slot| slot.len() <= NAME).ok_or(Errno::EINVAL)?;
        whole.copy_from_slice(value);
        self.attribute(kind, name.get(..value.len().saturating_add(1)).unwrap_or(&[]))
    }

    fn mtu(&mut self, kind: u16, mtu: u32) -> Result<()> {
        if mtu == 0 { Ok(()) } else { self.attribute(kind, &mtu.to_ne_bytes()) }
    }

    /// Sends it and hears the kernel's answer.
    fn exchange(mut self) -> Result<()> {
        const AF_NETLINK: usize = 16;
        const SOCK_RAW: usize = 3;
        let length = u32::try_from(self.length).map_err(|_| Errno::E2BIG)?;
        self.put(0, &length.to_ne_bytes())?;
        let whole = self.buffer.get(..self.length).ok_or(Errno::E2BIG)?;
        let socket = call!(SOCKET, AF_NETLINK, SOCK_RAW | O_CLOEXEC, 0).map(from_raw)?;
        let result = file::write_whole(socket, whole).and_then(|()| answer(socket));
        socket.close()?;
        result
    }
}

/// struct nlmsgerr behind its head: a negative errno, or 0.
fn answer(socket: Fd) -> Result<()> {
    const NLMSG_ERROR: u16 = 2;
    let mut buffer = [0u8; 512];
    let length = file::read(socket, &mut buffer)?;
    let heard = buffer.get(..length).unwrap_or(&[]);
    let kind = heard.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    let code = heard.get(HEAD..HEAD + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match (kind, code) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(code)) => Err(Errno(code.checked_neg().unwrap_or(i32::MAX))),
        _ => Err(Errno::EPROTO),
    }
}
