// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mapped files and memory that must not be left behind.

use crate::{Errno, Fd, Result, call};

/// A private, read-only mapping of the first `length` bytes of a file.
#[derive(Debug)]
pub struct Mapping {
    address: *const u8,
    length: usize,
}

impl Mapping {
    /// mmap(2), PROT_READ, MAP_PRIVATE. The file must be at least that long and must not shrink: a sealed memfd.
    pub fn new(fd: Fd, length: usize) -> Result<Mapping> {
        const PROT_READ: usize = 1;
        const MAP_PRIVATE: usize = 2;
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        let address = call!(MMAP, 0, length, PROT_READ, MAP_PRIVATE, fd.0, 0)?;
        Ok(Mapping { address: address as *const u8, length })
    }

    /// The mapped bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping is `length` bytes, readable, and lives until `self` is unmapped; the file is sealed
        // against shrinking and writing, so the bytes neither vanish nor change.
        unsafe { core::slice::from_raw_parts(self.address, self.length) }
    }

    /// munmap(2): the bytes are gone from this process.
    pub fn unmap(self) -> Result<()> {
        call!(MUNMAP, self.address, self.length).map(drop)
    }
}

/// Seals of a memfd (fcntl(2), F_ADD_SEALS).
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod seal {
    pub const SEAL: usize = 1;
    pub const SHRINK: usize = 2;
    pub const GROW: usize = 4;
    pub const WRITE: usize = 8;
    pub const EXEC: usize = 32;
}

const F_ADD_SEALS: usize = 1033;
const F_GET_SEALS: usize = 1034;

/// A memfd that can be sealed. `executable`: with MFD_EXEC where the kernel knows it (6.3), otherwise with
/// MFD_NOEXEC_SEAL; older kernels get neither.
pub fn make_memfd(name: &core::ffi::CStr, executable: Executable) -> Result<Fd> {
    const MFD_CLOEXEC: usize = 1;
    const MFD_ALLOW_SEALING: usize = 2;
    const MFD_NOEXEC_SEAL: usize = 8;
    const MFD_EXEC: usize = 16;
    let base = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    let extra = if executable == Executable::Yes { MFD_EXEC } else { MFD_NOEXEC_SEAL };
    match call!(MEMFD_CREATE, name.as_ptr(), base | extra) {
        Err(Errno::EINVAL) => call!(MEMFD_CREATE, name.as_ptr(), base),
        other => other,
    }
    .map(crate::fd::from_raw)
}

/// Whether a memfd is to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executable {
    /// It is a program.
    Yes,
    /// It is data.
    No,
}

/// Seals a memfd against every change; against a change of its mode too where the kernel knows that (6.3).
pub fn seal_memfd(fd: Fd) -> Result<()> {
    let all = seal::WRITE | seal::GROW | seal::SHRINK | seal::SEAL;
    match call!(FCNTL, fd.0, F_ADD_SEALS, all | seal::EXEC) {
        Err(Errno::EINVAL) => call!(FCNTL, fd.0, F_ADD_SEALS, all),
        other => other,
    }
    .map(drop)
}

/// The seals of a memfd; EINVAL where it is none.
pub fn seals(fd: Fd) -> Result<usize> {
    call!(FCNTL, fd.0, F_GET_SEALS)
}
