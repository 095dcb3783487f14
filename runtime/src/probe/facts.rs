// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the checks look at, read from this process and this machine, or tried in a way that changes nothing.

use super::files::text;
use crate::caller::own;
use crate::error::Error;
use crate::{idmap, launch};
use contain_policy::accounts;
use contain_sys::{Errno, Fd, file, memory};
use nix::sys::resource::{Resource, getrlimit};
use std::collections::BTreeMap;
use std::path::Path;

/// The facts. Those of a machine of which nothing is known are the default.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// The kernel's release.
    pub release: String,
    /// The values of those of [`SYSCTLS`] that there are.
    pub sysctls: BTreeMap<&'static str, String>,
    /// The names in /proc/self/ns.
    pub namespaces: Vec<String>,
    /// /proc/self/status, mountinfo, cgroup and uid_map.
    pub status: String,
    pub mountinfo: String,
    pub cgroup: String,
    pub uid_map: String,
    /// /proc/self/setgroups.
    pub setgroups: Option<String>,
    /// /proc/filesystems.
    pub filesystems: String,
    /// Where /proc/self leads.
    pub proc_self: Option<String>,
    pub pid: u32,
    /// The real user id, and its names in /etc/passwd.
    pub uid: u32,
    pub names: Vec<String>,
    /// The texts of /etc/subuid and /etc/subgid.
    pub subordinate: [Option<String>; 2],
    /// contain-idmap and the system's helpers, each in words, or why it is of no use.
    pub helpers: Option<[Result<String, String>; 2]>,
    /// The ids that a container would have.
    pub ids: Option<Result<Ids, Error>>,
    /// What calls with arguments that cannot succeed answered: a name and an errno, 0 for none.
    pub calls: Vec<(&'static str, i32)>,
    /// The version of Landlock's interface, or an errno.
    pub landlock: Option<Result<i32, i32>>,
    /// Soft limits: processes, open files, file size.
    pub processes: Option<u64>,
    pub open_files: Option<u64>,
    pub file_size: Option<u64>,
    /// Processes in this process's cgroup, and how many there may be.
    pub cgroup_processes: Option<(u64, u64)>,
    /// The cgroup2 directory of this process: its controllers, and whether this process may make cgroups there.
    pub unified: Option<(String, bool)>,
    /// The v1 hierarchies in which this process may make cgroups.
    pub writable_v1: Vec<String>,
    /// Opening a pseudo-terminal.
    pub terminal: Option<Result<(), i32>>,
    /// Opening /dev/net/tun.
    pub tun: Option<Result<(), i32>>,
    /// Whether AppArmor is on, the profile of this process, and whether contain-init's profile is installed.
    pub apparmor: bool,
    pub apparmor_label: String,
    pub apparmor_profile: bool,
    /// Whether SELinux enforces; none where it is not there.
    pub selinux: Option<bool>,
    /// Making a program in memory.
    pub memfd: Option<Result<(), i32>>,
    /// The file of contain-init, and what is wrong with it, where something is.
    pub init: (String, Option<String>),
}

/// The ids of a container: the maps in words, how many users there are, and what a person should know.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub summary: String,
    pub users: u64,
    pub notes: Vec<String>,
}

/// The settings that matter, by their dotted names.
pub(super) const SYSCTLS: [&str; 14] = [
    "user.max_user_namespaces",
    "user.max_mnt_namespaces",
    "user.max_pid_namespaces",
    "user.max_ipc_namespaces",
    "user.max_uts_namespaces",
    "user.max_net_namespaces",
    "user.max_cgroup_namespaces",
    "user.max_time_namespaces",
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.pty.max",
    "kernel.pty.nr",
    "kernel.osrelease",
    "vm.memfd_noexec",
];

/// Where AppArmor's parser looks for the profile that is installed with contain.
const PROFILE: &str = "/etc/apparmor.d/contain-init";

impl Facts {
    /// The facts of this process.
    pub fn collect() -> Facts {
        let mut facts = Facts::default();
        facts.read_kernel();
        facts.read_process();
        facts.read_ids();
        facts.read_cgroups();
        facts.try_calls();
        facts
    }

    fn read_kernel(&mut self) {
        for name in SYSCTLS {
            if let Some(value) = text(format!("/proc/sys/{}", name.replace('.', "/"))) {
                self.sysctls.insert(name, value.trim().to_string());
            }
        }
        self.release = self.sysctls.get("kernel.osrelease").cloned().unwrap_or_default();
        self.filesystems = text("/proc/filesystems").unwrap_or_default();
        self.apparmor = text("/sys/module/apparmor/parameters/enabled").is_some_and(|text| text.starts_with('Y'));
        let label = text("/proc/self/attr/apparmor/current").or_else(|| text("/proc/self/attr/current"));
        self.apparmor_label = label.unwrap_or_default().trim_end_matches(['\0', '\n']).to_string();
        self.apparmor_profile = Path::new(PROFILE).exists();
        self.selinux = text("/sys/fs/selinux/enforce").map(|text| text.starts_with('1'));
    }

    fn read_process(&mut self) {
        let read = |path| text(path).unwrap_or_default();
        self.status = read("/proc/self/status");
        self.mountinfo = read("/proc/self/mountinfo");
        self.cgroup = read("/proc/self/cgroup");
        self.uid_map = read("/proc/self/uid_map");
        self.setgroups = text("/proc/self/setgroups");
        self.proc_self = std::fs::read_link("/proc/self").ok().map(|path| path.display().to_string());
        self.pid = std::process::id();
        let names = std::fs::read_dir("/proc/self/ns").into_iter().flatten().flatten();
        self.namespaces = names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let limit = |resource| getrlimit(resource).ok().map(|(soft, _)| soft);
        self.processes = limit(Resource::RLIMIT_NPROC);
        self.open_files = limit(Resource::RLIMIT_NOFILE);
        self.file_size = limit(Resource::RLIMIT_FSIZE);
    }

    fn read_ids(&mut self) {
        self.uid = nix::unistd::getuid().as_raw();
        let passwd = text("/etc/passwd").unwrap_or_default();
        if let Ok(found) = accounts(passwd.as_bytes(), self.uid) {
            self.names = found.map(|account| String::from_utf8_lossy(account.name).into_owned()).collect();
        }
        self.subordinate = ["/etc/subuid", "/etc/subgid"].map(text);
        self.helpers = idmap::helpers().ok();
        self.ids = Some(idmap::resolve(None, None).map(|maps| {
            let users = maps.uid_map.iter().map(|entry| u64::from(entry.count())).sum();
            Ids { summary: maps.summary(), users, notes: maps.notes }
        }));
    }

    fn read_cgroups(&mut self) {
        let mounted = crate::cgroup::own(&self.cgroup, &self.mountinfo);
        for (controllers, folder) in mounted {
            let writable = |name: &str| {
                let path = folder.join(name);
                nix::unistd::access(&path, nix::unistd::AccessFlags::W_OK).is_ok()
            };
            if controllers == "pids" {
                self.cgroup_processes = processes(&folder);
            }
            if controllers.is_empty() {
                let available = text(folder.join("cgroup.controllers")).unwrap_or_default().trim().to_string();
                self.cgroup_processes = self.cgroup_processes.or_else(|| processes(&folder));
                self.unified = Some((available, writable("") && writable("cgroup.procs")));
            } else if writable("") && writable("cgroup.procs") {
                self.writable_v1.push(controllers);
            }
        }
    }

    fn try_calls(&mut self) {
        self.calls = calls();
        self.landlock = Some(landlock());
        self.terminal = Some(open(c"/dev/ptmx"));
        self.tun = Some(open(c"/dev/net/tun"));
        let made = memory::make_memfd(c"contain-probe", memory::Executable::Yes);
        self.memfd = Some(made.map(|fd| drop(own(fd))).map_err(|errno| errno.0));
        self.init = launch::installed();
    }
}

/// `pids.current` and `pids.max` of a cgroup.
fn processes(folder: &Path) -> Option<(u64, u64)> {
    let number = |name: &str| text(folder.join(name))?.trim().parse::<u64>().ok();
    number("pids.current").zip(number("pids.max"))
}

fn open(path: &std::ffi::CStr) -> Result<(), i32> {
    let flags = file::flags::O_RDWR | file::flags::O_NOCTTY;
    file::open(Fd::CWD, path, flags).map(|fd| drop(own(fd))).map_err(|Errno(errno)| errno)
}

/// Calls that contain-init needs, each with an argument that no kernel takes: what answers ENOSYS or EPERM is not there
/// or filtered away. None of the arguments is a pointer that the kernel would follow.
fn calls() -> Vec<(&'static str, i32)> {
    const BAD: i64 = -1;
    let tried: [(&'static str, i64, [i64; 5]); 9] = [
        ("clone3", libc::SYS_clone3, [0, 0, 0, 0, 0]),
        ("openat2", libc::SYS_openat2, [BAD, 0, 0, 0, 0]),
        ("close_range", libc::SYS_close_range, [1, 0, 0, 0, 0]),
        ("pidfd_open", libc::SYS_pidfd_open, [BAD, 0, 0, 0, 0]),
        ("pidfd_send_signal", libc::SYS_pidfd_send_signal, [BAD, 0, 0, 0, 0]),
        ("setns", libc::SYS_setns, [BAD, 0, 0, 0, 0]),
        ("execveat", libc::SYS_execveat, [BAD, 0, 0, 0, 1]),
        ("memfd_create", libc::SYS_memfd_create, [0, BAD, 0, 0, 0]),
        ("mount_setattr", libc::SYS_mount_setattr, [BAD, 0, 0, 0, 0]),
    ];
    let answer = |(name, number, [a, b, c, d, e]): (&'static str, i64, [i64; 5])| {
        // SAFETY: every pointer among the arguments is null, and each call has a size, descriptor or flag that makes it
        // fail before it does anything.
        let result = unsafe { libc::syscall(number, a, b, c, d, e) };
        (name, if result < 0 { nix::errno::Errno::last_raw() } else { 0 })
    };
    tried.map(answer).to_vec()
}

/// The version of Landlock's interface (landlock_create_ruleset(2), LANDLOCK_CREATE_RULESET_VERSION).
fn landlock() -> Result<i32, i32> {
    const VERSION: libc::c_long = 1;
    // SAFETY: with this flag, null and 0 the call makes nothing and returns a number.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, 0 as libc::c_long, 0 as libc::c_long, VERSION) };
    if result < 0 { Err(nix::errno::Errno::last_raw()) } else { Ok(i32::try_from(result).unwrap_or(i32::MAX)) }
}
