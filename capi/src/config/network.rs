// SPDX-License-Identifier: MIT OR Apache-2.0
//! The network that a container sees.

use super::ConfigHandle;
use super::set::set;
use crate::boundary::invalid;
use crate::error::ErrorHandle;
use crate::options::{self, Options};
use crate::strings;
use runtime::{Error, Network, Veth};
use std::ffi::{c_char, c_int};

/// A network namespace of its own, with loopback up.
pub const CONTAIN_NETWORK_PRIVATE: u32 = 0;
/// The caller's network, without privilege over it.
pub const CONTAIN_NETWORK_HOST: u32 = 1;

/// A pair of connected interfaces, one end in the container's network and the other in the caller's. NULL and 0 are
/// the usual.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct VethOptions {
    /// The caller's end, 1 to 15 bytes, with the first free number in the place of %d; NULL: veth%d.
    pub host: *const c_char,
    /// The container's end; NULL: eth0.
    pub name: *const c_char,
    /// A bridge of the caller's network that the caller's end becomes part of; NULL: none.
    pub bridge: *const c_char,
    /// The container's address, ADDRESS/PREFIX; NULL: none.
    pub address: *const c_char,
    /// Where the container's default route leads, an address; NULL: no default route.
    pub gateway: *const c_char,
    /// The largest packet in bytes, 68 to 65535; 0: the kernel's 1500.
    pub mtu: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: pointers and integers, without padding (layout.rs); NULL is a valid pointer to hold.
unsafe impl Options for VethOptions {}

/// Sets the network; at first it is CONTAIN_NETWORK_PRIVATE.
///
/// config: the configuration.
/// network: a CONTAIN_NETWORK_ value.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or network is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_network(
    config: *mut ConfigHandle,
    network: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || match network {
                CONTAIN_NETWORK_PRIVATE => Ok(Network::Private),
                CONTAIN_NETWORK_HOST => Ok(Network::Host),
                _ => Err(invalid("network", network.to_string(), "it is a CONTAIN_NETWORK_ value")),
            },
            |config, network| config.network = network,
        )
    }
}

/// Gives the container a network of its own with loopback and one end of a pair of connected interfaces. Takes
/// CAP_NET_ADMIN over the caller's network.
///
/// config: the configuration.
/// options: names, address, route; NULL, with a size of 0: the usual names and no address.
/// size: sizeof *options.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or an address is none; -E2BIG for options that this library does not know. Names
/// and numbers are looked at when the configuration is used.
/// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_network_veth(
    config: *mut ConfigHandle,
    options: *const VethOptions,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || options::read("options", options, size)?.veth(),
            |config, veth| config.network = Network::Veth(veth),
        )
    }
}

impl VethOptions {
    /// # Safety
    /// The pointers are NULL or NUL-terminated strings.
    unsafe fn veth(&self) -> Result<Veth, Error> {
        // SAFETY: as the caller says.
        let text = |name: &str, pointer: *const c_char| unsafe { strings::optional(name, pointer) };
        if self.reserved != 0 {
            return Err(invalid("reserved", self.reserved.to_string(), "it is 0"));
        }
        let mut veth = Veth::default();
        if let Some(host) = text("host", self.host)? {
            veth.host = host;
        }
        if let Some(name) = text("name", self.name)? {
            veth.name = name;
        }
        veth.bridge = text("bridge", self.bridge)?;
        if let Some(address) = text("address", self.address)? {
            let parts = address.split_once('/').and_then(|(ip, prefix)| Some((ip.parse().ok()?, prefix.parse().ok()?)));
            veth.address =
                Some(parts.ok_or_else(|| invalid("address", address.clone(), "it has the form ADDRESS/PREFIX"))?);
        }
        if let Some(gateway) = text("gateway", self.gateway)? {
            let parsed =
                gateway.parse().map_err(|_| invalid("gateway", gateway.clone(), "it is an IPv4 or IPv6 address"))?;
            veth.gateway = Some(parsed);
        }
        veth.mtu = (self.mtu != 0).then_some(self.mtu);
        Ok(veth)
    }
}
