// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps that give a container its network.

use crate::config::{Network, Veth};
use crate::error::Error;
use crate::plan::{Draft, text};
use contain_plan::Step;
use contain_sys::net::NAME;
use std::net::IpAddr;

/// What can be refused without asking the machine.
pub(super) fn check(network: &Network) -> Result<(), Error> {
    let Network::Veth(veth) = network else { return Ok(()) };
    for name in [&veth.host, &veth.name].into_iter().chain(&veth.bridge) {
        check_name(name)?;
    }
    if veth.name == "lo" || veth.name.contains('%') {
        return Err(Error::invalid("network.name", format!("{:?}", veth.name), "a name that is not lo, without %"));
    }
    if let Some(mtu) = veth.mtu
        && !(68..=65535).contains(&mtu)
    {
        return Err(Error::invalid("network.mtu", mtu.to_string(), "68 to 65535 bytes"));
    }
    if let Some((address, prefix)) = veth.address
        && (prefix == 0 || prefix > if address.is_ipv4() { 32 } else { 128 })
    {
        let shown = format!("{address}/{prefix}");
        return Err(Error::invalid("network.address", shown, "the prefix has 1 to 32 bits, or 128 for IPv6"));
    }
    match (veth.gateway, veth.address) {
        (Some(gateway), Some((address, _))) if gateway.is_ipv4() == address.is_ipv4() => Ok(()),
        (Some(gateway), _) => {
            let allowed = "a gateway goes with an address of the same family";
            Err(Error::invalid("network.gateway", gateway.to_string(), allowed))
        }
        (None, _) => Ok(()),
    }
}

/// As the kernel has it: 1 to 15 bytes, not `.` or `..`, no slash, colon or space.
fn check_name(name: &str) -> Result<(), Error> {
    let wrong = |byte: u8| byte == b'/' || byte == b':' || byte == 0 || byte.is_ascii_whitespace();
    if (1..=NAME).contains(&name.len()) && name != "." && name != ".." && !name.bytes().any(wrong) {
        return Ok(());
    }
    Err(Error::invalid(
        "network",
        format!("{name:?}"),
        "the name of an interface: 1 to 15 bytes, no slash, colon or space",
    ))
}

/// The pair, made by the monitor while it is still on the host.
pub(super) fn outside(network: &Network, draft: &mut Draft) -> Result<(), Error> {
    if let Network::Veth(Veth { host, name, bridge, mtu, .. }) = network {
        draft.monitor(Step::MakeVeth {
            name: &text("network", host)?,
            peer: &text("network", name)?,
            bridge: &text("network", bridge.as_deref().unwrap_or_default())?,
            mtu: mtu.unwrap_or(0),
        });
    }
    Ok(())
}

/// Loopback and the container's interface, by PID 1.
pub(super) fn inside(network: &Network, draft: &mut Draft) -> Result<(), Error> {
    if *network != Network::Host {
        draft.init(Step::RaiseLoopback {});
    }
    if let Network::Veth(veth) = network {
        draft.init(Step::SetUpInterface {
            name: &text("network", &veth.name)?,
            address: &veth.address.map_or(Vec::new(), |(address, _)| bytes(address)),
            prefix: veth.address.map_or(0, |(_, prefix)| u32::from(prefix)),
            gateway: &veth.gateway.map_or(Vec::new(), bytes),
            shown: &text("network", shown(veth))?,
        });
    }
    Ok(())
}

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn shown(veth: &Veth) -> String {
    let address = veth.address.map(|(address, prefix)| format!(", address {address}/{prefix}"));
    let gateway = veth.gateway.map(|gateway| format!(", default route by {gateway}"));
    format!("up{}{}", address.unwrap_or_default(), gateway.unwrap_or_default())
}
