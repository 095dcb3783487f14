// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a container is doing, what is in it, and its removal from disk.

use crate::boundary::{Output, borrow, call, null, switch};
use crate::container::ContainerHandle;
use crate::error::ErrorHandle;
use crate::result::{Growing, Place};
use crate::strings;
use runtime::Status;
use std::ffi::{c_char, c_int};
use std::time::UNIX_EPOCH;

/// All is done but the command's exec; contain_container_start() was not called.
pub const CONTAIN_STATE_CREATED: u32 = 1;
/// The command has been executed and has not ended.
pub const CONTAIN_STATE_RUNNING: u32 = 2;
/// The container's cgroup is frozen.
pub const CONTAIN_STATE_PAUSED: u32 = 3;
/// The container has ended.
pub const CONTAIN_STATE_STOPPED: u32 = 4;

const _: () = {
    use runtime::State;
    assert!(CONTAIN_STATE_CREATED == State::Created as u32 && CONTAIN_STATE_RUNNING == State::Running as u32);
    assert!(CONTAIN_STATE_PAUSED == State::Paused as u32 && CONTAIN_STATE_STOPPED == State::Stopped as u32);
};

/// What is known of a container on disk.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct StatusStruct {
    /// How many bytes of the struct the library knew and filled in; what is behind them is zero.
    pub size: u64,
    /// What it is doing: a CONTAIN_STATE_ value.
    pub state: u32,
    /// 0.
    pub reserved: u32,
    /// Process id of PID 1 as the caller sees it; 0 once the container has ended.
    pub init_pid: i32,
    /// Process id of the supervisor; 0 once that has ended.
    pub pid: i32,
    /// When it was created, in seconds since 1970.
    pub created: i64,
}

impl Growing for StatusStruct {
    fn sized(self, size: u64) -> StatusStruct {
        StatusStruct { size, ..self }
    }
}

impl From<&Status> for StatusStruct {
    fn from(status: &Status) -> StatusStruct {
        let created = status.created.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        StatusStruct {
            size: 0,
            state: (status.state as i32).unsigned_abs(),
            reserved: 0,
            init_pid: status.init_pid.unwrap_or(0),
            pid: status.pid.unwrap_or(0),
            created: i64::try_from(created).unwrap_or(i64::MAX),
        }
    }
}

/// The id of a container whose state is on disk.
///
/// container: the container.
/// id: where a copy of it goes; the caller frees it with contain_string_free().
/// err: where an error goes, or NULL.
/// Returns: 1 if it has one; 0 if its state is not on disk, and nothing is written; negative on failure.
/// Errors: -EINVAL if an argument is NULL.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_id(
    container: *const ContainerHandle,
    id: *mut *mut c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, place) = (borrow(container)?, Output::new("id", id)?);
            let Some(id) = container.runtime().id() else { return Ok(0) };
            place.write(strings::owned(id).into_raw());
            Ok(1)
        })
    }
}

/// What a container is doing, looked up anew.
///
/// container: the container.
/// err: where an error goes, or NULL.
/// Returns: a CONTAIN_STATE_ value, above 0; negative on failure.
/// Errors: -EINVAL if container is NULL.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_state(
    container: *const ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(container)?.runtime().state().map(|state| state as c_int)) }
}

/// All that is known of a container whose state is on disk, looked up anew.
///
/// container: the container.
/// status: where it goes.
/// size: sizeof *status.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or the container's state is not on disk; -E2BIG if size is no size of a
/// status.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_status(
    container: *const ContainerHandle,
    status: *mut StatusStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, place) = (borrow(container)?, Place::wanted("status", status, size)?);
            place.write(StatusStruct::from(&container.runtime().status()?));
            Ok(0)
        })
    }
}

/// The process ids, as the caller sees them, of everything in a container, injected commands too. What starts or ends
/// meanwhile may be missing or named.
///
/// container: the container.
/// pids: where they go; NULL, with a capacity of 0: they are only counted.
/// capacity: how many pids has room for.
/// count: where the number of all of them goes, which may be more than capacity.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if container or count is NULL, or pids with a capacity; -ESRCH with CONTAIN_E_GONE if it has ended.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_processes(
    container: *const ContainerHandle,
    pids: *mut i32,
    capacity: usize,
    count: *mut usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, place) = (borrow(container)?, Output::new("count", count)?);
            if pids.is_null() && capacity > 0 {
                return Err(null("pids"));
            }
            let all = container.runtime().processes()?;
            let written = all.len().min(capacity);
            if written > 0 {
                // SAFETY: pids has room for `capacity`, as the page asks, and `written` is no more than that.
                std::ptr::copy_nonoverlapping(all.as_ptr(), pids, written);
            }
            place.write(all.len());
            Ok(0)
        })
    }
}

/// Removes a container from disk. One without state on disk has nothing to be removed; with force it is killed.
///
/// container: the container.
/// force: 0: only if it has ended. 1: it is killed first, and one that has been deleted already is no error.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if container is NULL or force is another number; without force -EBUSY with CONTAIN_E_BUSY if it has
/// not ended, -ENOENT with CONTAIN_E_GONE if it was deleted before.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_delete(
    container: *const ContainerHandle,
    force: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let container = borrow(container)?;
            container.runtime().delete(switch("force", force)?).map(|()| 0)
        })
    }
}
