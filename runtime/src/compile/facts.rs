// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a plan depends on beside its configuration: this machine and the calling process. All that compiling reads is
//! read here; with made-up facts it needs neither privilege nor a kernel.

use super::files;
use super::sources::{self, Source};
use super::submounts;
use crate::config::{Config, Root};
use crate::error::{Error, Kind};
use crate::idmap::{self, IdMaps};
use crate::user::{self, Resolved};
use contain_sys::process::namespace;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The facts.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The ids, as decided for this caller and this configuration.
    pub maps: IdMaps,
    /// The user that the command runs as, where one is given.
    pub user: Option<Resolved>,
    /// CLONE_NEW* bits of those namespaces that a kernel may have been built without and that this one has.
    pub optional_namespaces: u64,
    /// An empty place of the host on which a root made of its system is mounted until it becomes the root; looked for
    /// for such a root alone.
    pub root_place: PathBuf,
    /// What of the host's system a root made of it has, sorted; read for such a root alone.
    pub host_root: Vec<HostEntry>,
    /// The mounts below the directories that an overlay is to cover, by their paths; read for one alone.
    pub submounts: Vec<PathBuf>,
    /// What is bound from the host, in the order of the configuration's binds.
    pub sources: Vec<Source>,
    /// What the files that are made are to hold, one after the other; none where none is made, and in made-up facts.
    pub contents: Option<Arc<OwnedFd>>,
    /// The caller's environment, `NAME=VALUE`; read where a helper gets it.
    pub environment: Vec<OsString>,
}

/// A name in the host's root directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostEntry {
    pub name: OsString,
    /// What it names, where it is a symbolic link.
    pub link: Option<PathBuf>,
}

impl Facts {
    /// The facts of this process, as far as this configuration needs them.
    pub fn collect(config: &Config) -> Result<Facts, Error> {
        let mut maps = idmap::resolve(config.uid_map.as_deref(), config.gid_map.as_deref())?;
        let [user, ..] =
            contain_sys::identity::users().map_err(crate::caller::system("caller", "read", "the user ids"))?;
        if config.root == Root::Host && user == 0 {
            // Ids that are the host's own would read what the host keeps from others, as /etc/shadow.
            maps.keep_root_alone(config.uid_map.is_none(), config.gid_map.is_none());
        }
        let helped = config.inside.is_some() || config.outside.is_some();
        let user = config.user.as_ref().map(|user| user::resolve(user, &config.root, &maps)).transpose()?;
        Ok(Facts {
            maps,
            user,
            optional_namespaces: optional_namespaces(),
            root_place: if config.root == Root::Host { root_place() } else { PathBuf::new() },
            host_root: if config.root == Root::Host { host_root()? } else { Vec::new() },
            submounts: if config.overlay.is_some() { submounts::of(&config.root) } else { Vec::new() },
            sources: sources::collect(config)?,
            contents: files::contents(config)?,
            environment: if helped { environment() } else { Vec::new() },
        })
    }
}

/// Looked for until they have been found: a kernel does not lose them.
fn optional_namespaces() -> u64 {
    static FOUND: AtomicU64 = AtomicU64::new(0);
    let found = FOUND.load(Ordering::Relaxed);
    let has = |path: &str, flag: u64| if found & flag != 0 || Path::new(path).exists() { flag } else { 0 };
    let all = has("/proc/self/ns/cgroup", namespace::CGROUP) | has("/proc/self/ns/time", namespace::TIME);
    FOUND.store(all, Ordering::Relaxed);
    all
}

/// The first that exists of the directories that are empty on most systems; a helper of `-i` sees the new root there.
fn root_place() -> PathBuf {
    let known = ["/mnt", "/media", "/srv", "/tmp"].map(PathBuf::from);
    known.into_iter().find(|path| path.is_dir()).unwrap_or("/".into())
}

/// The host's programs, libraries and settings.
fn host_root() -> Result<Vec<HostEntry>, Error> {
    let names = || std::fs::read_dir("/")?.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let read: std::io::Result<Vec<OsString>> = names();
    let mut names = read.map_err(|error| {
        Error::new(Kind::Root, "rootfs.host", "read", "/").errno(error.raw_os_error().unwrap_or(libc::EIO))
    })?;
    names.retain(|name| {
        let bytes = name.as_bytes();
        matches!(bytes, b"usr" | b"bin" | b"sbin" | b"etc") || bytes.starts_with(b"lib")
    });
    names.sort_unstable();
    let entry = |name: OsString| HostEntry { link: std::fs::read_link(Path::new("/").join(&name)).ok(), name };
    Ok(names.into_iter().map(entry).collect())
}

fn environment() -> Vec<OsString> {
    let variable = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        name
    };
    std::env::vars_os().map(variable).collect()
}
