// SPDX-License-Identifier: MIT OR Apache-2.0
//! `-n` and `--net none|host|veth[:HOST[=NAME]][,bridge=…][,address=…][,gateway=…][,mtu=…]`.

use crate::options::{Given, utf8};
use contain::{Network, Veth};

/// The network that was asked for; the last of `-n` and `--net` wins.
pub(crate) fn parse(given: &Given) -> Result<Network, String> {
    match given.last_of(&["n", "net"]) {
        None => Ok(Network::Private),
        Some("n") => Ok(Network::Host),
        Some(_) => {
            let text = utf8(given.value("net"))?.unwrap_or_default();
            match text.as_str() {
                "none" => Ok(Network::Private),
                "host" => Ok(Network::Host),
                other => other.strip_prefix("veth").and_then(veth).ok_or_else(|| wrong(&text)),
            }
        }
    }
}

fn wrong(text: &str) -> String {
    format!(
        "--net {text:?}: none, host or veth[:HOST[=NAME]][,bridge=NAME][,address=ADDRESS/BITS][,gateway=ADDRESS][,mtu=BYTES] is meant"
    )
}

/// What stands behind `veth`.
fn veth(rest: &str) -> Option<Network> {
    let mut veth = Veth::default();
    let mut fields = rest.split(',');
    match fields.next()? {
        "" => {}
        names => {
            let names = names.strip_prefix(':').filter(|names| !names.is_empty())?;
            let (host, name) = names.split_once('=').unwrap_or((names, &veth.name));
            (veth.name, veth.host) = (name.to_string(), host.to_string());
        }
    }
    for field in fields {
        let (key, value) = field.split_once('=')?;
        match key {
            "bridge" => veth.bridge = Some(value.to_string()),
            "address" => {
                let (address, bits) = value.split_once('/')?;
                veth.address = Some((address.parse().ok()?, bits.parse().ok()?));
            }
            "gateway" => veth.gateway = Some(value.parse().ok()?),
            "mtu" => veth.mtu = Some(value.parse().ok()?),
            _ => return None,
        }
    }
    Some(Network::Veth(veth))
}
