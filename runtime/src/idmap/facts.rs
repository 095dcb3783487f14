// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the decision about the maps depends on, read from this process and this machine. Every file is read up
//! to a limit; of the environment only CONTAIN_LIBEXECDIR counts, which names a folder for contain-idmap.

use std::ffi::CString;
use std::fs::{File, metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use contain_policy::{IdMap, MAX_FILE, accounts};
use contain_sys::identity::{self, capability};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{AccessFlags, access};

use super::Via;
use crate::LIBEXECDIR;
use crate::caller::system;
use crate::error::{Error, Kind};

/// Bits of the capability sets (linux/capability.h).
const CAP_SETGID: u64 = 1 << 6;
const CAP_SETUID: u64 = 1 << 7;
const CAP_SETFCAP: u64 = 1 << 31;

/// Why the helpers are of no use to a process that gains no privilege by exec.
pub(super) const GAIN_NOTHING: &str = "this process has no_new_privs, under which they gain no privilege";

/// Where the system's helpers are looked for: folders that only root fills.
const FOLDERS: [&str; 5] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];

/// /etc/subuid or /etc/subgid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SubordinateFile {
    Missing,
    /// It is there and cannot be used, for this reason.
    Unreadable(String),
    Read(Vec<u8>),
}

/// The user's side of the facts, or the group's.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    /// The real id.
    pub(super) own: u32,
    /// What the current user namespace maps: its own ids are the "container" ids of this map.
    pub(super) current: Box<IdMap>,
    /// The file that delegates further ids; not looked at for privileged root.
    pub(super) file: SubordinateFile,
}

/// A name of the caller in /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: Vec<u8>,
    /// The primary group that goes with it.
    pub(super) gid: u32,
}

/// All facts.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) users: Ids,
    pub(super) groups: Ids,
    /// The names of the real user id, in the order of /etc/passwd; not looked at for privileged root.
    pub(super) accounts: Vec<Account>,
    /// Whether CAP_SETUID and CAP_SETGID are both effective.
    pub(super) may_set_ids: bool,
    /// Whether a user map onto host id 0 would be taken.
    pub(super) may_map_host_root: bool,
    /// Whether setgroups is denied in the current user namespace, and so in every one below it.
    pub(super) setgroups_denied: bool,
    /// contain-idmap, or why it is of no use; not looked for where root is privileged.
    pub(super) idmap: Result<PathBuf, String>,
    /// The system's helpers, or why they are of no use; not looked for where root is privileged.
    pub(super) newidmap: Result<Via, String>,
}

impl Facts {
    /// Real root that may write any map.
    pub(super) fn is_privileged_root(&self) -> bool {
        self.users.own == 0 && self.may_set_ids
    }

    /// The facts of the calling thread.
    pub(super) fn collect() -> Result<Facts, Error> {
        let effective = identity::capabilities().map_err(system("idmap", "read", "the capabilities"))?.effective;
        let side = |own, path| {
            let text = read_proc(path)?;
            // A map has room for 340 lines: it is not carried about.
            let current = IdMap::parse_kernel(&text).map(Box::new).map_err(|_| {
                Error::new(Kind::IdMap, "idmap", "read the id map", path)
                    .cause("no id is mapped in this user namespace, or the text is not understood")
            })?;
            Ok(Ids { own, current, file: SubordinateFile::Missing })
        };
        let [user, ..] = identity::users().map_err(system("idmap", "read", "the user ids"))?;
        let [group, ..] = identity::groups_of_process().map_err(system("idmap", "read", "the group ids"))?;
        let mut facts = Facts {
            users: side(user, "/proc/thread-self/uid_map")?,
            groups: side(group, "/proc/thread-self/gid_map")?,
            accounts: Vec::new(),
            may_set_ids: effective & (CAP_SETUID | CAP_SETGID) == CAP_SETUID | CAP_SETGID,
            may_map_host_root: effective & CAP_SETFCAP != 0 || !host_root_needs_capability(),
            setgroups_denied: read_proc("/proc/thread-self/setgroups")?.starts_with(b"deny"),
            idmap: Err("not looked for".to_string()),
            newidmap: Err("not looked for".to_string()),
        };
        if !facts.is_privileged_root() {
            facts.users.file = SubordinateFile::read("/etc/subuid");
            facts.groups.file = SubordinateFile::read("/etc/subgid");
            facts.accounts = accounts_of(facts.users.own);
            let gains = gains_privilege(&Limits::read()?);
            facts.idmap = gains.clone().and_then(|()| find_idmap(&libexec_folder()));
            facts.newidmap = gains.and_then(|()| find_newidmap());
        }
        Ok(facts)
    }
}

impl SubordinateFile {
    fn read(path: &str) -> Self {
        match read_limited(Path::new(path)) {
            Ok(bytes) => SubordinateFile::Read(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => SubordinateFile::Missing,
            Err(error) => SubordinateFile::Unreadable(error.to_string()),
        }
    }
}

/// The names of `uid` in /etc/passwd; none where that cannot be used. The environment is not asked.
fn accounts_of(uid: u32) -> Vec<Account> {
    let Ok(bytes) = read_limited(Path::new("/etc/passwd")) else { return Vec::new() };
    let Ok(found) = accounts(&bytes, uid) else { return Vec::new() };
    found.map(|account| Account { name: account.name.to_vec(), gid: account.gid }).collect()
}

/// What keeps the calling thread from gaining privilege when it executes a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    /// CAP_SETUID and CAP_SETGID are both in the bounding set.
    may_gain_ids: bool,
    no_new_privs: bool,
}

impl Limits {
    fn read() -> Result<Limits, Error> {
        let bounding = |number| identity::is_bounding(number);
        let may_gain_ids = bounding(capability::SETUID)
            .and_then(|user| bounding(capability::SETGID).map(|group| user && group))
            .map_err(system("idmap", "read", "the bounding set"))?;
        let no_new_privs = identity::has_no_new_privs().map_err(system("idmap", "read", "no_new_privs"))?;
        Ok(Limits { may_gain_ids, no_new_privs })
    }
}

/// contain-idmap and the system's helpers in words, or why they would do nothing for the calling thread.
pub(super) fn helpers() -> Result<[Result<String, String>; 2], Error> {
    let gains = gains_privilege(&Limits::read()?);
    let idmap = gains.clone().and_then(|()| find_idmap(&libexec_folder()));
    let newidmap = gains.and_then(|()| find_newidmap());
    Ok([idmap.map(|path| path.display().to_string()), newidmap.map(|via| via.to_string())])
}

/// Whether any helper would gain what it needs when this process executes it; else why not.
fn gains_privilege(limits: &Limits) -> Result<(), String> {
    if limits.no_new_privs {
        return Err(GAIN_NOTHING.to_string());
    }
    if !limits.may_gain_ids {
        return Err("CAP_SETUID and CAP_SETGID are not in this process's bounding set".to_string());
    }
    Ok(())
}

/// Where contain-idmap is: as for contain-init, one folder that is fixed at build time, or the one that the caller
/// named.
fn libexec_folder() -> PathBuf {
    std::env::var_os("CONTAIN_LIBEXECDIR").unwrap_or(LIBEXECDIR.into()).into()
}

/// contain-idmap in this folder, or why it would do nothing for this process.
fn find_idmap(folder: &Path) -> Result<PathBuf, String> {
    let path = folder.join("contain-idmap");
    match defect(&path) {
        Some(Defect::Absent) => return Err("contain-idmap is not installed".to_string()),
        Some(Defect::Because(reason)) => return Err(format!("{} {reason}", path.display())),
        None => {}
    }
    match metadata(folder) {
        Ok(folder) if folder.uid() == 0 && folder.mode() & 0o022 == 0 => Ok(path),
        _ => Err(format!("{} can be written by others than root", folder.display())),
    }
}

/// newuidmap and newgidmap, or why they would do nothing for this process.
fn find_newidmap() -> Result<Via, String> {
    Ok(Via::Newidmap { newuidmap: find_helper("newuidmap")?, newgidmap: find_helper("newgidmap")? })
}

/// The first usable program of that name; else what is wrong with the first that there is.
fn find_helper(name: &str) -> Result<PathBuf, String> {
    let mut wrong = None;
    for path in FOLDERS.iter().map(|folder| Path::new(folder).join(name)) {
        match defect(&path) {
            None => return Ok(path),
            Some(Defect::Absent) => {}
            Some(Defect::Because(reason)) => {
                wrong.get_or_insert_with(|| format!("{} {reason}", path.display()));
            }
        }
    }
    Err(wrong.unwrap_or_else(|| format!("{name} is not installed")))
}

/// Why a program is not a privileged helper that can be used.
#[derive(Debug, PartialEq, Eq)]
enum Defect {
    Absent,
    Because(&'static str),
}

fn defect(path: &Path) -> Option<Defect> {
    let Ok(file) = metadata(path) else { return Some(Defect::Absent) };
    let no_suid = || statvfs(path).is_ok_and(|system| system.flags().contains(FsFlags::ST_NOSUID));
    let reason = if !file.is_file() {
        "is not a file"
    } else if file.uid() != 0 {
        "is not owned by root"
    } else if file.mode() & 0o022 != 0 {
        "can be written by others than root"
    } else if file.mode() & 0o4000 == 0 && !has_capabilities(path) {
        "is neither setuid nor has it file capabilities"
    } else if access(path, AccessFlags::X_OK).is_err() {
        "may not be executed by this user"
    } else if no_suid() {
        "is on a file system mounted nosuid"
    } else {
        return None;
    };
    Some(Defect::Because(reason))
}

/// Whether a file has capabilities of its own (capabilities(7)).
fn has_capabilities(path: &Path) -> bool {
    CString::new(path.as_os_str().as_bytes())
        .is_ok_and(|path| contain_sys::file::has_attribute(&path, c"security.capability"))
}

/// Whether the kernel gives host user 0 only to holders of CAP_SETFCAP.
fn host_root_needs_capability() -> bool {
    let release = read_proc("/proc/sys/kernel/osrelease").unwrap_or_default();
    is_from_5_12(&String::from_utf8_lossy(&release))
}

/// Whether a kernel release is 5.12 or newer; one that is not understood is.
fn is_from_5_12(release: &str) -> bool {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= (5, 12),
        _ => true,
    }
}

/// A file of up to [`MAX_FILE`] bytes.
fn read_limited(path: &Path) -> std::io::Result<Vec<u8>> {
    // Room for most of them in one read: those of /proc have no size that could be asked for.
    let mut bytes = Vec::with_capacity(4096);
    File::open(path)?.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(bytes)
}

fn read_proc(path: &str) -> Result<Vec<u8>, Error> {
    read_limited(Path::new(path)).map_err(|error| match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::ENOENT => crate::procfs::missing("idmap", path),
        errno => Error::system("idmap", "read", path, errno),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_that_proc_shows() {
        let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = |name| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap();
        let bounding = u64::from_str_radix(line("CapBnd:"), 16).unwrap();
        let may_gain_ids = bounding & CAP_SETUID != 0 && bounding & CAP_SETGID != 0;
        let expected = Limits { may_gain_ids, no_new_privs: line("NoNewPrivs:") == "1" };
        assert_eq!(Limits::read().ok(), Some(expected));
    }

    #[test]
    fn helpers_that_would_gain_nothing_are_told() {
        let none = Limits { may_gain_ids: true, no_new_privs: false };
        assert_eq!(gains_privilege(&none), Ok(()));
        let refused = gains_privilege(&Limits { no_new_privs: true, ..none });
        assert!(refused.is_err_and(|reason| reason.contains("no_new_privs")));
        let refused = gains_privilege(&Limits { may_gain_ids: false, ..none });
        assert!(refused.is_err_and(|reason| reason.contains("bounding set")));
    }

    #[test]
    fn idmap_that_is_absent_or_anybodys_is_not_used() {
        let absent = find_idmap(Path::new("/usr/there is no such folder"));
        assert_eq!(absent, Err("contain-idmap is not installed".to_string()));
        let folder = std::env::temp_dir().join(format!("contain-facts-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("contain-idmap"), "").unwrap();
        let found = find_idmap(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        let root = nix::unistd::getuid().is_root();
        let reason = if root { "is neither setuid nor has it file capabilities" } else { "is not owned by root" };
        assert!(found.is_err_and(|text| text.ends_with(reason)));
    }

    #[test]
    fn helper_defects_are_told_apart() {
        assert_eq!(defect(Path::new("/usr/bin/there is no such program")), Some(Defect::Absent));
        assert_eq!(defect(Path::new("/usr/bin")), Some(Defect::Because("is not a file")));
        assert_eq!(
            defect(Path::new("/etc/passwd")),
            Some(Defect::Because("is neither setuid nor has it file capabilities"))
        );
    }

    #[test]
    fn helper_that_is_root_s_and_setuid_is_usable() {
        let path = Path::new("/usr/bin/su");
        let setuid = metadata(path).is_ok_and(|file| file.uid() == 0 && file.mode() & 0o4022 == 0o4000);
        let no_suid = statvfs(path).is_ok_and(|system| system.flags().contains(FsFlags::ST_NOSUID));
        if !setuid || no_suid {
            println!("skipped: no setuid {} on a file system that honours it", path.display());
            return;
        }
        assert_eq!(defect(path), None);
    }

    #[test]
    fn kernel_release_is_compared_by_number() {
        for (release, newer) in [
            ("5.10.0-30-amd64\n", false),
            ("5.11.22", false),
            ("4.19.0", false),
            ("5.12.0-rc1", true),
            ("5.9.1", false),
            ("6.1.0", true),
            ("6.18.44-fc-v595\n", true),
            ("10.0", true),
            ("", true),
            ("unknown", true),
        ] {
            assert_eq!(is_from_5_12(release), newer, "{release:?}");
        }
    }

    #[test]
    fn missing_subordinate_file_is_no_error() {
        assert_eq!(SubordinateFile::read("/etc/there is no such file"), SubordinateFile::Missing);
        assert!(matches!(SubordinateFile::read("/etc"), SubordinateFile::Unreadable(_)));
        assert!(matches!(SubordinateFile::read("/dev/zero"), SubordinateFile::Unreadable(_)), "1 MiB is the limit");
    }
}
