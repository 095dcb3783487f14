// SPDX-License-Identifier: MIT OR Apache-2.0
//! From Python's prepared values to the runtime's configuration.

use crate::call::raise;
use contain::seccomp::Own;
use contain::{
    Config, Console, Error, Lifetime, Mount, Network, NewFile, Overlay, Profile, Rlimit, Root, Stdio, User, Veth,
    Window, capability,
};
use pyo3::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

/// `contain._config.Settings`: paths and texts as bytes, choices by name.
#[derive(FromPyObject)]
pub struct Settings {
    argv: Vec<Vec<u8>>,
    root: Option<Vec<u8>>,
    mounts: Vec<MountParts>,
    read_only: bool,
    overlay: (bool, Option<u64>),
    env: Option<Vec<Vec<u8>>>,
    cwd: Option<Vec<u8>>,
    user: Option<String>,
    hostname: Option<Vec<u8>>,
    network: String,
    veth: Option<VethParts>,
    uid_map: Option<String>,
    gid_map: Option<String>,
    seccomp: String,
    capabilities: Option<Vec<String>>,
    no_new_privs: bool,
    rlimits: Vec<(u32, u64, u64)>,
    files: Vec<(Vec<u8>, Vec<u8>, u32)>,
    pass_fds: Vec<i32>,
    inside: Option<Vec<u8>>,
    outside: Option<Vec<u8>>,
    timeout: Option<f64>,
    console: Option<(u16, u16)>,
    init: bool,
    lifetime: String,
    owned: bool,
}

/// Source, where there is one, target, whether it is read-only; of a tmpfs its size and permissions.
type MountParts = (Option<Vec<u8>>, Vec<u8>, bool, Option<u64>, u32);

/// Names on the host and inside, the bridge, address with prefix, gateway, bytes of a packet.
type VethParts = (String, String, Option<String>, Option<String>, Option<String>, Option<u32>);

/// Three of `None` (the caller's own), subprocess.DEVNULL, or a descriptor's number.
pub type Standard = [Option<i32>; 3];

/// subprocess.DEVNULL.
const DEVNULL: i32 = -3;

impl Settings {
    /// The runtime's configuration; what it leaves open is as in `Config::run`.
    pub fn config(self, py: Python<'_>) -> PyResult<Config> {
        self.convert().map_err(|error| raise(py, &error))
    }

    /// Whether the container ends when its handle is dropped.
    pub fn is_owned(&self) -> bool {
        self.owned
    }

    fn convert(self) -> Result<Config, Error> {
        let network = match (&*self.network, self.veth) {
            (_, Some(parts)) => Network::Veth(veth(parts)?),
            ("private", _) => Network::Private,
            ("host", _) => Network::Host,
            (other, _) => return Err(not_one_of("network", other, &["private", "host", "a contain.Veth"])),
        };
        let lifetime = match &*self.lifetime {
            "bound" => Lifetime::Bound,
            "detached" => Lifetime::Detached,
            other => return Err(not_one_of("lifetime", other, &["bound", "detached"])),
        };
        let seccomp = profile(&self.seccomp)?;
        let root = self.root.map_or(Root::Host, |path| Root::Directory(text(path).into()));
        let mut defaults = Config::run(root, texts(self.argv));
        if self.user.is_some() {
            // The user's own, then, from the container's passwd.
            defaults.env.retain(|variable| !variable.as_encoded_bytes().starts_with(b"HOME="));
        }
        let file = |(path, contents, mode)| NewFile { path: text(path).into(), contents, mode };
        Ok(Config {
            mounts: self.mounts.into_iter().map(mount).collect(),
            read_only: self.read_only,
            overlay: self.overlay.0.then_some(Overlay { size: self.overlay.1 }),
            env: self.env.map_or(defaults.env, texts),
            user: self.user.as_deref().map(User::parse).transpose()?,
            capabilities: self.capabilities.map(|names| capability::changed(0, &names, &[""; 0])).transpose()?,
            files: self.files.into_iter().map(file).collect(),
            pass_fds: self.pass_fds,
            inside: self.inside.map(text),
            outside: self.outside.map(text),
            timeout: self.timeout.map(Duration::from_secs_f64),
            console: self.console.map_or(Console::None, |size| Console::Taken(window(size))),
            chdir: self.cwd.map(|path| text(path).into()),
            hostname: self.hostname.map(text),
            network,
            uid_map: self.uid_map,
            gid_map: self.gid_map,
            seccomp,
            no_new_privs: self.no_new_privs,
            rlimits: self.rlimits.into_iter().map(rlimit).collect(),
            init: self.init,
            lifetime,
            ..defaults
        })
    }
}

/// A resource limit.
pub fn rlimit((resource, soft, hard): (u32, u64, u64)) -> Rlimit {
    Rlimit { resource, soft, hard }
}

/// How large a console is.
pub fn window((rows, columns): (u16, u16)) -> Window {
    Window { rows, columns }
}

fn mount((source, target, read_only, size, mode): MountParts) -> Mount {
    let target = text(target).into();
    match source {
        Some(source) => Mount::Bind { source: text(source).into(), target, read_only },
        None => Mount::Tmpfs { target, size, mode },
    }
}

fn veth((host, name, bridge, address, gateway, mtu): VethParts) -> Result<Veth, Error> {
    let parts = |text: &str| {
        let (address, prefix) = text.split_once('/')?;
        Some((address.parse().ok()?, prefix.parse().ok()?))
    };
    let address = address
        .map(|text| {
            parts(&text).ok_or_else(|| Error::invalid("address", format!("{text:?}"), "it has the form ADDRESS/PREFIX"))
        })
        .transpose()?;
    let gateway = gateway
        .map(|text| {
            let wrong = |_| Error::invalid("gateway", format!("{text:?}"), "it is an IPv4 or IPv6 address");
            text.parse().map_err(wrong)
        })
        .transpose()?;
    Ok(Veth { host, name, bridge, address, gateway, mtu })
}

/// A seccomp profile by its name, or a filter of the caller's own as OCI's JSON object.
pub fn profile(name: &str) -> Result<Profile, Error> {
    match name {
        document if document.starts_with('{') => Own::from_oci(document.as_bytes()).map(Profile::Own),
        "system" => Ok(Profile::System),
        "app" => Ok(Profile::App),
        "none" => Ok(Profile::None),
        other => Err(not_one_of("seccomp", other, &["system", "app", "none"])),
    }
}

/// The runtime's words for three standard descriptors.
pub fn stdio(standard: Standard) -> Result<[Stdio; 3], Error> {
    let [stdin, stdout, stderr] = standard.map(|given| match given {
        None => Ok(Stdio::Inherit),
        Some(DEVNULL) => Ok(Stdio::Null),
        Some(number) if number >= 0 => Ok(Stdio::Descriptor(number)),
        Some(other) => Err(Error::invalid("stdio", other.to_string(), "a descriptor is a number of 0 or more")),
    });
    Ok([stdin?, stdout?, stderr?])
}

/// The error of a name that is none of those allowed.
pub fn not_one_of(field: &str, given: &str, allowed: &[&str]) -> Error {
    Error::invalid(field, format!("{given:?}"), format!("it is one of {}", allowed.join(", ")))
}

/// Bytes as the system takes them.
pub fn text(bytes: Vec<u8>) -> OsString {
    OsString::from_vec(bytes)
}

/// Lists of bytes as the system takes them.
pub fn texts(bytes: Vec<Vec<u8>>) -> Vec<OsString> {
    bytes.into_iter().map(text).collect()
}
