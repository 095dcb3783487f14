// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories, by descriptor. Paths below a container's root are resolved by [`open_in`] alone.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::{Errno, Fd, Result, call};
use core::ffi::CStr;

/// Open flags (openat(2)); O_CLOEXEC is always added.
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod flags {
    pub const O_RDONLY: u32 = 0;
    pub const O_WRONLY: u32 = 1;
    pub const O_RDWR: u32 = 2;
    pub const O_CREAT: u32 = 0o100;
    pub const O_EXCL: u32 = 0o200;
    pub const O_NOCTTY: u32 = 0o400;
    pub const O_TRUNC: u32 = 0o1000;
    pub const O_NONBLOCK: u32 = 0o4000;
    pub const O_DIRECTORY: u32 = 0o200_000;
    pub const O_NOFOLLOW: u32 = 0o400_000;
    pub const O_PATH: u32 = 0o10_000_000;
}

/// How openat2(2) resolves a path (RESOLVE_*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolve(u64);

impl Resolve {
    /// The directory is the root: `..` and absolute links stay inside; no magic links.
    pub const IN_ROOT: Resolve = Resolve(0x10 | 0x02);
    /// From anywhere, no symbolic links at all.
    pub const NO_LINKS: Resolve = Resolve(0x04 | 0x02);
    /// Nothing above the directory, no symbolic links at all.
    pub const BENEATH_NO_LINKS: Resolve = Resolve(0x08 | 0x04 | 0x02);
    /// As `BENEATH_NO_LINKS`, and no other mount either.
    pub const SAME_MOUNT_NO_LINKS: Resolve = Resolve(0x08 | 0x04 | 0x02 | 0x01);
}

/// openat(2) of a path that the caller of the program chose with his own rights, on the host.
pub fn open(directory: Fd, path: &CStr, flags: u32) -> Result<Fd> {
    call!(OPENAT, directory.0, path.as_ptr(), (flags as usize) | O_CLOEXEC, 0).map(from_raw)
}

/// openat2(2): never resolves above `directory`.
pub fn open_in(directory: Fd, path: &CStr, flags: u32, resolve: Resolve) -> Result<Fd> {
    open_how(directory, path, flags, 0, resolve)
}

/// openat2(2) of a file that is made with these permissions where it is missing.
pub fn create_in(directory: Fd, path: &CStr, flags: u32, mode: u32, resolve: Resolve) -> Result<Fd> {
    open_how(directory, path, flags | self::flags::O_CREAT, mode, resolve)
}

fn open_how(directory: Fd, path: &CStr, flags: u32, mode: u32, resolve: Resolve) -> Result<Fd> {
    #[repr(C)]
    struct OpenHow {
        flags: u64,
        mode: u64,
        resolve: u64,
    }
    let how = OpenHow { flags: u64::from(flags) | O_CLOEXEC as u64, mode: u64::from(mode), resolve: resolve.0 };
    // EAGAIN: a rename or mount elsewhere raced with `..`; openat2(2) says to try again.
    let mut tries = 0u32;
    loop {
        let result = call!(OPENAT2, directory.0, path.as_ptr(), &raw const how, size_of::<OpenHow>()).map(from_raw);
        match result {
            Err(Errno::EAGAIN) if tries < 128 => tries = tries.saturating_add(1),
            other => return other,
        }
    }
}

/// read(2), tried again when interrupted.
pub fn read(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    loop {
        match call!(READ, fd.0, buffer.as_mut_ptr(), buffer.len()) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// pread(2) from the beginning.
pub fn read_at_start(fd: Fd, buffer: &mut [u8]) -> Result<usize> {
    read_at(fd, buffer, 0)
}

/// pread(2) from `offset` on.
pub fn read_at(fd: Fd, buffer: &mut [u8], offset: usize) -> Result<usize> {
    call!(PREAD64, fd.0, buffer.as_mut_ptr(), buffer.len(), offset)
}

/// write(2), tried again when interrupted.
pub fn write(fd: Fd, bytes: &[u8]) -> Result<usize> {
    loop {
        match call!(WRITE, fd.0, bytes.as_ptr(), bytes.len()) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// Writes all of `bytes` in one write(2), as files of /proc ask; a short write is EIO.
pub fn write_whole(fd: Fd, bytes: &[u8]) -> Result<()> {
    if write(fd, bytes)? == bytes.len() { Ok(()) } else { Err(Errno::EIO) }
}

/// mkdirat(2).
pub fn make_directory(directory: Fd, name: &CStr, mode: u32) -> Result<()> {
    call!(MKDIRAT, directory.0, name.as_ptr(), mode).map(drop)
}

/// An empty regular file by mknodat(2); fails where the name exists.
pub fn make_file(directory: Fd, name: &CStr, mode: u32) -> Result<()> {
    const S_IFREG: u32 = 0o100_000;
    call!(MKNODAT, directory.0, name.as_ptr(), S_IFREG | mode, 0).map(drop)
}

/// symlinkat(2).
pub fn make_symlink(target: &CStr, directory: Fd, name: &CStr) -> Result<()> {
    call!(SYMLINKAT, target.as_ptr(), directory.0, name.as_ptr()).map(drop)
}

/// readlinkat(2); how many bytes of `buffer` were filled.
pub fn read_link(directory: Fd, name: &CStr, buffer: &mut [u8]) -> Result<usize> {
    call!(READLINKAT, directory.0, name.as_ptr(), buffer.as_mut_ptr(), buffer.len())
}

/// What core looks at of stat(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Inode number.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Device of the file system.
    pub device: u64,
    /// Device number of a device file.
    pub special: u64,
    /// Bytes of a regular file.
    pub size: u64,
    /// Owning user, in the caller's user namespace.
    pub uid: u32,
    /// Owning group, likewise.
    pub gid: u32,
}

impl Status {
    /// The type bits (S_IFMT).
    pub fn kind(&self) -> u32 {
        self.mode & 0o170_000
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind() == 0o040_000
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }

    /// Whether it is root's and nobody else, not even a group, has the right to write it.
    pub fn only_root_writes(&self) -> bool {
        self.uid == 0 && self.mode & 0o022 == 0
    }
}

/// fstat(2).
pub fn status(fd: Fd) -> Result<Status> {
    // struct stat of x86-64 is 144 bytes: dev 0, ino 8, nlink 16, mode 24, uid, gid, pad, rdev 40.
    #[repr(C)]
    struct Stat {
        device: u64,
        inode: u64,
        links: u64,
        mode: u32,
        uid: u32,
        gid: u32,
        pad: u32,
        special: u64,
        size: u64,
        rest: [u64; 11],
    }
    let mut stat =
        Stat { device: 0, inode: 0, links: 0, mode: 0, uid: 0, gid: 0, pad: 0, special: 0, size: 0, rest: [0; 11] };
    call!(FSTAT, fd.0, &raw mut stat)?;
    Ok(Status {
        inode: stat.inode,
        mode: stat.mode,
        device: stat.device,
        special: stat.special,
        size: stat.size,
        uid: stat.uid,
        gid: stat.gid,
    })
}

/// File system magic numbers (statfs(2)).
pub const PROC_SUPER_MAGIC: u64 = 0x9fa0;
/// sysfs.
pub const SYSFS_MAGIC: u64 = 0x6265_6572;
/// A version 1 cgroup hierarchy.
pub const CGROUP_SUPER_MAGIC: u64 = 0x0027_e0eb;
/// cgroup2.
pub const CGROUP2_SUPER_MAGIC: u64 = 0x6367_7270;

/// The type of the file system that `fd` is on.
pub fn filesystem_magic(fd: Fd) -> Result<u64> {
    let [magic, ..] = filesystem(fd)?;
    Ok(magic)
}

/// The flags of the mount that `fd` is on and of its file system (ST_*). Those for read-only, nosuid, nodev and noexec
/// have the numbers of mount attributes.
pub fn mount_flags(fd: Fd) -> Result<u64> {
    let [.., flags, _, _, _, _] = filesystem(fd)?;
    Ok(flags)
}

/// Whether the file system that `fd` is on is mounted nosuid here.
pub fn is_nosuid(fd: Fd) -> Result<bool> {
    const ST_NOSUID: u64 = 2;
    let [.., flags, _, _, _, _] = filesystem(fd)?;
    Ok(flags & ST_NOSUID != 0)
}

/// struct statfs of x86-64: type, block size, five numbers, id, name length, fragment size, flags, four spare.
fn filesystem(fd: Fd) -> Result<[u64; 15]> {
    let mut buffer = [0u64; 15];
    call!(FSTATFS, fd.0, buffer.as_mut_ptr())?;
    Ok(buffer)
}

/// chdir(2).
pub fn change_directory(path: &CStr) -> Result<()> {
    call!(CHDIR, path.as_ptr()).map(drop)
}

/// fchdir(2).
pub fn change_directory_fd(directory: Fd) -> Result<()> {
    call!(FCHDIR, directory.0).map(drop)
}

/// Gives an open file to a user; its group stays (fchown(2)).
pub fn change_owner(fd: Fd, uid: u32) -> Result<()> {
    call!(FCHOWN, fd.0, uid, u32::MAX).map(drop)
}

/// Gives an open file to a group; its owner stays (fchown(2)).
pub fn change_group(fd: Fd, gid: u32) -> Result<()> {
    call!(FCHOWN, fd.0, u32::MAX, gid).map(drop)
}

/// umask(2); the mask that was set before.
pub fn set_umask(mask: u32) -> u32 {
    call!(UMASK, mask).map_or(0, |old| old as u32)
}

/// Whether the file at `path` has the extended attribute `name` (getxattr(2)); links are followed.
pub fn has_attribute(path: &CStr, name: &CStr) -> bool {
    // Size 0 asks for the length alone; nothing is written.
    call!(GETXATTR, path.as_ptr(), name.as_ptr(), 0, 0).is_ok()
}
