// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one thing core does to a network: loopback up.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::{Result, call};

/// Sets IFF_UP on `lo` of the current network namespace (netdevice(7)).
pub fn raise_loopback() -> Result<()> {
    const AF_INET: usize = 2;
    const SOCK_DGRAM: usize = 2;
    const SIOCSIFFLAGS: usize = 0x8914;
    const IFF_UP: u16 = 1;
    /// struct ifreq: 16 bytes of name, then a union of 24.
    #[repr(C)]
    struct Request {
        name: [u8; 16],
        flags: u16,
        rest: [u8; 22],
    }
    let mut request = Request { name: [0; 16], flags: IFF_UP, rest: [0; 22] };
    for (slot, byte) in request.name.iter_mut().zip(b"lo") {
        *slot = *byte;
    }
    let socket = call!(SOCKET, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0).map(from_raw)?;
    let result = call!(IOCTL, socket.0, SIOCSIFFLAGS, &raw mut request).map(drop);
    socket.close()?;
    result
}
