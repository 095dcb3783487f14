// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a container is to be. Plain data: nothing here is checked or done until it is compiled.

pub(crate) mod json;

use crate::seccomp::Own;
use crate::user::User;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where the container's root comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// A directory, bound recursively.
    Directory(PathBuf),
    /// The host's own system read-only, with a tmpfs for the rest (`--host`).
    Host,
}

/// The network that the container sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// A network namespace of its own, with loopback up.
    Private,
    /// The caller's, without privilege over it.
    Host,
    /// One of its own with loopback and one end of a pair of virtual interfaces, whose other end is in the caller's
    /// (veth(4)). Takes CAP_NET_ADMIN over the caller's network.
    Veth(Veth),
}

/// A pair of connected interfaces; both are gone when the container's network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Veth {
    /// The caller's, 1 to 15 bytes; the kernel puts the first free number in the place of `%d`.
    pub host: String,
    /// The container's.
    pub name: String,
    /// A bridge of the caller's network that `host` becomes part of.
    pub bridge: Option<String>,
    /// The address of `name`, and the length of its network's prefix.
    pub address: Option<(IpAddr, u8)>,
    /// Where the default route leads; of the same family as the address.
    pub gateway: Option<IpAddr>,
    /// The largest packet in bytes, 68 to 65535 (68 is what IPv4 needs, IPv6 takes 1280); the kernel's 1500 unless given.
    pub mtu: Option<u32>,
}

impl Default for Veth {
    fn default() -> Self {
        let (host, name) = ("veth%d".to_string(), "eth0".to_string());
        Veth { host, name, bridge: None, address: None, gateway: None, mtu: None }
    }
}

/// What the command has as terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// A pseudo-terminal of its own on /dev/console; the monitor copies the caller's stdin and stdout.
    Emulated,
    /// A pseudo-terminal of its own, on /dev/console too, whose other end is the caller's to take
    /// ([`crate::Container::take_console`]). Those of `stdio` that are `Inherit` are the terminal, one of them at least.
    Taken(Window),
    /// None: the command gets the descriptors of `stdio`.
    None,
}

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its height.
    pub rows: u16,
    /// Its width.
    pub columns: u16,
}

impl Default for Window {
    fn default() -> Self {
        Window { rows: 24, columns: 80 }
    }
}

/// One of the command's three standard descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdio {
    /// The caller's own; with a console, that.
    Inherit,
    /// /dev/null.
    Null,
    /// A descriptor of the caller's; duplicated, and open at least until the call returns.
    Descriptor(i32),
}

/// A seccomp profile: a named one, or a filter of the caller's own (docs/seccomp.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Boots a distribution; refuses what a container has no business with.
    System,
    /// The engines' well-known default profile.
    App,
    /// No filter.
    None,
    /// The caller's own.
    Own(Own),
}

/// One resource limit of the command (getrlimit(2)); `u64::MAX` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rlimit {
    /// RLIMIT_* number.
    pub resource: u32,
    /// Soft limit.
    pub soft: u64,
    /// Hard limit; at most the caller's own, which no capability inside can raise.
    pub hard: u64,
}

/// The capabilities that the engines' default configurations give, by number (capabilities(7)): CHOWN, DAC_OVERRIDE,
/// FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP.
pub const APP_CAPABILITIES: u64 = {
    let numbers = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31];
    let (mut set, mut index) = (0, 0);
    while index < numbers.len() {
        set |= 1 << numbers[index];
        index += 1;
    }
    set
};

/// Something mounted in the container beside what every container has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mount {
    /// A file or directory of the host, with all that is mounted below it.
    Bind {
        /// On the host, looked up in the caller's working directory and with the caller's rights.
        source: PathBuf,
        /// Inside, absolute; links are resolved inside, and what is missing is made.
        target: PathBuf,
        /// Whether nothing can be written through it. A mount that the host adds below the source later is then not seen.
        read_only: bool,
    },
    /// An empty file system in memory, without devices and set-user-id programs.
    Tmpfs {
        /// Inside, absolute, as of a bind.
        target: PathBuf,
        /// How many bytes it can hold; half of the machine's memory when none.
        size: Option<u64>,
        /// Permissions of its root directory.
        mode: u32,
    },
}

/// A throw-away layer over the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    /// How many bytes can be written; half of the machine's memory when none.
    pub size: Option<u64>,
}

/// A file that is made in the container before its command starts: container root's, in a file system that the container
/// has for itself (a tmpfs). A directory of the host's that is bound in is not written to.
#[derive(Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its absolute path inside; directories on the way are made where they are missing (mode 0755).
    pub path: PathBuf,
    /// What it holds; all files together at most [`MAX_CONTENTS`].
    pub contents: Vec<u8>,
    /// Its permissions, at most 0o7777.
    pub mode: u32,
}

/// The most bytes that all new files of a container hold together.
pub const MAX_CONTENTS: usize = 256 * 1024 * 1024;

impl std::fmt::Debug for NewFile {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without what it holds, which may be long, or secret.
        write!(to, "NewFile({:?}, {} bytes, mode {:04o})", self.path, self.contents.len(), self.mode)
    }
}

/// What happens to the container when its caller dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// It is killed.
    Bound,
    /// It lives on.
    Detached,
}

/// A configuration. `Config::new` gives what `contain DIR CMD` does; the library's `run` uses `Config::run`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The root file system.
    pub root: Root,
    /// Mounts of the caller's own, made in this order after all others.
    pub mounts: Vec<Mount>,
    /// Whether what is written to the root goes to memory and away with the container: DIR stays as it is. Nothing may be
    /// mounted below DIR. With `Root::Host` the host's directories are writable in that way.
    pub overlay: Option<Overlay>,
    /// Whether nothing can be written to the root and what is mounted below it; /dev, /proc and `mounts` stay as they are.
    pub read_only: bool,
    /// The command and its arguments; not empty.
    pub argv: Vec<OsString>,
    /// The command's whole environment, `K=V`; the last of a name wins.
    pub env: Vec<OsString>,
    /// Whether argv[0] without a slash is looked up on the container's PATH (from `env`, else the usual one).
    pub search_path: bool,
    /// Working directory inside; `/` when none.
    pub chdir: Option<PathBuf>,
    /// Who the command runs as; user and group 0 when none. HOME is that user's where `env` names none ([`Config::run`]
    /// names root's).
    pub user: Option<User>,
    /// Host name inside; the host's when none.
    pub hostname: Option<OsString>,
    /// Container-to-host user ids, `START:LOWER:COUNT[,…]`; the defaults when none.
    pub uid_map: Option<String>,
    /// Container-to-host group ids.
    pub gid_map: Option<String>,
    /// The network.
    pub network: Network,
    /// The console.
    pub console: Console,
    /// Standard descriptors (all inherited with an emulated console).
    pub stdio: [Stdio; 3],
    /// How many descriptors from 3 on the command keeps from the caller.
    pub preserve_fds: u32,
    /// Descriptors of the caller's, 3 to 1026, that the command keeps under their own numbers beside those; open at
    /// least until the call returns.
    pub pass_fds: Vec<i32>,
    /// Files that are made before the command starts, in file systems of the container's own.
    pub files: Vec<NewFile>,
    /// `-i`: run by /bin/sh inside the new namespaces but PID, before the pivot.
    pub inside: Option<OsString>,
    /// `-o`: run by /bin/sh outside, as a child of the monitor.
    pub outside: Option<OsString>,
    /// A reaping PID 1 in front of the command, which then is PID 2.
    pub init: bool,
    /// The seccomp profile.
    pub seccomp: Profile,
    /// The capabilities that the command keeps of those over its user namespace, one bit each. Where none are given they
    /// go with the profile: the engines' fourteen under `app` and a filter of the caller's own, else all.
    pub capabilities: Option<u64>,
    /// Resource limits; the caller's where none is given.
    pub rlimits: Vec<Rlimit>,
    /// Whether the command and all it starts may gain no privilege by exec.
    pub no_new_privs: bool,
    /// How long the command may run, from its exec on; then the whole container is killed. For ever when none.
    pub timeout: Option<Duration>,
    /// What the caller's death means.
    pub lifetime: Lifetime,
}

impl Config {
    /// The capabilities that the command keeps: those given, else those that go with the profile; `None` for all.
    pub fn kept_capabilities(&self) -> Option<u64> {
        self.capabilities.or(matches!(self.seccomp, Profile::App | Profile::Own(_)).then_some(APP_CAPABILITIES))
    }

    /// The configuration of `contain DIR CMD`.
    pub fn new(root: Root, argv: Vec<OsString>) -> Self {
        Config {
            root,
            mounts: Vec::new(),
            overlay: None,
            read_only: false,
            argv,
            env: vec!["container=contain".into()],
            search_path: false,
            chdir: None,
            user: None,
            hostname: None,
            uid_map: None,
            gid_map: None,
            network: Network::Private,
            console: Console::Emulated,
            stdio: [Stdio::Inherit; 3],
            preserve_fds: 0,
            pass_fds: Vec::new(),
            files: Vec::new(),
            inside: None,
            outside: None,
            init: false,
            seccomp: Profile::System,
            capabilities: None,
            rlimits: Vec::new(),
            no_new_privs: false,
            timeout: None,
            lifetime: Lifetime::Bound,
        }
    }

    /// The configuration of the libraries' run: command on PATH as PID 2 under a reaping PID 1, no console,
    /// the `app` profile with its fourteen capabilities, and no_new_privs.
    pub fn run(root: Root, argv: Vec<OsString>) -> Self {
        Config {
            env: vec![
                "container=contain".into(),
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
                "HOME=/root".into(),
            ],
            search_path: true,
            console: Console::None,
            init: true,
            seccomp: Profile::App,
            no_new_privs: true,
            ..Config::new(root, argv)
        }
    }

    /// How many numbers from 3 on may be descriptors that the command keeps.
    pub(crate) fn kept_descriptors(&self) -> u32 {
        reach_of(&self.pass_fds).max(self.preserve_fds)
    }
}

/// How many numbers from 3 on these descriptors are among.
pub(crate) fn reach_of(descriptors: &[i32]) -> u32 {
    descriptors.iter().filter_map(|number| u32::try_from(*number).ok()).max().map_or(0, |last| last.saturating_sub(2))
}
