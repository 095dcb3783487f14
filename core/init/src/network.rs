// SPDX-License-Identifier: MIT OR Apache-2.0
//! Network interfaces: a pair between the host's network and the container's, and what the one inside is given.

use crate::context::{At, Context, Fault};
use contain_plan::Text;
use contain_plan::message::Part;
use contain_sys::Errno;
use contain_sys::net::{self, Pair};

/// Makes the pair, by the monitor on the host. Both go with the container's network namespace.
pub fn make_veth(
    context: &Context<'_>,
    name: Text<'_>,
    peer: Text<'_>,
    bridge: Text<'_>,
    mtu: u32,
) -> Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    // PID 1 is this process's child and not waited for: its number is nobody else's.
    let (name, peer, bridge) = (name.to_bytes(), peer.to_bytes(), bridge.to_bytes());
    Ok(net::make_pair(&Pair { name, peer, pid: init.pid, bridge, mtu })?)
}

/// Address, up, default route, in the order in which they need each other.
pub fn set_up(name: Text<'_>, address: &[u8], prefix: u32, gateway: &[u8]) -> Result<(), Fault> {
    let name = name.to_bytes();
    if !address.is_empty() {
        let prefix = u8::try_from(prefix).map_err(|_| Errno::EINVAL)?;
        net::add_address(name, address, prefix).at(Part::Configure)?;
    }
    net::raise(name)?;
    if !gateway.is_empty() {
        net::add_gateway(name, gateway).at(Part::Attach)?;
    }
    Ok(())
}
