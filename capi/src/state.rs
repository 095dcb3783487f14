// SPDX-License-Identifier: MIT OR Apache-2.0
//! State on disk (docs/state.md): the directory with the containers of a user, what is in it, and containers by id.

use crate::boundary::{Handle, Maker, Output, borrow, call, free, invalid, switch};
use crate::config::ConfigHandle;
use crate::container::{self, ContainerHandle, Made};
use crate::error::ErrorHandle;
use crate::options::RunOptions;
use crate::result::Place;
use crate::status::StatusStruct;
use crate::strings;
use runtime::{Config, Error, Root, Runtime};
use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The directory with the state of a user's containers. Several threads may use one at once, but for freeing it.
pub struct RuntimeHandle {
    maker: Maker,
    runtime: Runtime,
}

impl Handle for RuntimeHandle {
    const NAME: &'static str = "runtime";

    fn maker(&self) -> Maker {
        self.maker
    }
}

/// The containers that were found in a directory. Several threads may read one at once.
pub struct ListHandle {
    maker: Maker,
    entries: Vec<Entry>,
}

struct Entry {
    id: CString,
    root: CString,
    status: Result<StatusStruct, Error>,
}

impl Handle for ListHandle {
    const NAME: &'static str = "list";

    fn maker(&self) -> Maker {
        self.maker
    }
}

/// Opens the directory with the state of containers, and makes it (its last part, mode 0700) where it does not exist.
///
/// directory: the directory; NULL: /run/contain for root, $XDG_RUNTIME_DIR/contain for a user.
/// runtime: where the runtime goes; the caller frees it with contain_runtime_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if runtime is NULL, or XDG_RUNTIME_DIR would be needed and is not set; what the kernel says of the
/// directory; CONTAIN_E_INVALID if it is somebody else's or others can enter it.
/// Ownership: the string is copied. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_runtime_open(
    directory: *const c_char,
    runtime: *mut *mut RuntimeHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("runtime", runtime)?;
            let directory = strings::optional_bytes(directory);
            let runtime = Runtime::open(directory.as_deref().map(Path::new))?;
            place.write(Box::into_raw(Box::new(RuntimeHandle { maker: Maker::this_process(), runtime })));
            Ok(0)
        })
    }
}

/// Makes a container whose state is on disk, up to the moment before its command begins: any process of this user can
/// start it, and this one may end unless the configuration binds it.
///
/// runtime: the directory that it is to be in.
/// id: made of A-Z a-z 0-9 _ + . - and of 1 to 1024 bytes.
/// config: what the container is to be; may be freed afterwards.
/// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration.
/// size: sizeof *options.
/// container: where the container goes; the caller frees it with contain_container_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: those of contain_container_create(); -EEXIST with CONTAIN_E_EXISTS if there is one of this id.
/// Ownership: the string is copied; descriptors are duplicated and stay the caller's.
/// Threads: any, several at once on one runtime; one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_runtime_create(
    runtime: *const RuntimeHandle,
    id: *const c_char,
    config: *const ConfigHandle,
    options: *const RunOptions,
    size: usize,
    container: *mut *mut ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || make(runtime, id, (config, options, size, container), Runtime::create)) }
}

/// Makes a container whose state is on disk and lets its command begin; returns once it has been executed. A command
/// that cannot be executed leaves nothing on disk.
///
/// runtime: the directory that it is to be in.
/// id: made of A-Z a-z 0-9 _ + . - and of 1 to 1024 bytes.
/// config: what the container is to be; may be freed afterwards.
/// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration.
/// size: sizeof *options.
/// container: where the container goes; the caller frees it with contain_container_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: those of contain_runtime_create() and contain_container_start().
/// Ownership: the string is copied; descriptors are duplicated and stay the caller's.
/// Threads: any, several at once on one runtime; one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_runtime_run(
    runtime: *const RuntimeHandle,
    id: *const c_char,
    config: *const ConfigHandle,
    options: *const RunOptions,
    size: usize,
    container: *mut *mut ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || make(runtime, id, (config, options, size, container), Runtime::run)) }
}

/// What a container is made of, and where it goes.
type Making = (*const ConfigHandle, *const RunOptions, usize, *mut *mut ContainerHandle);

/// # Safety
/// As the pages of the two functions ask.
unsafe fn make(
    runtime: *const RuntimeHandle,
    id: *const c_char,
    (config, options, size, container): Making,
    how: impl FnOnce(&Runtime, &str, &Config) -> Result<runtime::Container, Error>,
) -> Result<c_int, Error> {
    // SAFETY: as the caller says.
    unsafe {
        let (runtime, id) = (&borrow(runtime)?.runtime, strings::utf8("id", id)?);
        container::make(config, options, size, container, |config| how(runtime, &id, config))
    }
}

/// Opens a container that some process of this user has made in the directory.
///
/// runtime: the directory.
/// id: its id.
/// container: where the container goes; the caller frees it with contain_container_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or id is none; -ENOENT with CONTAIN_E_GONE if there is none of this id.
/// Ownership: the string is copied.
/// Threads: any, several at once on one runtime. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_open(
    runtime: *const RuntimeHandle,
    id: *const c_char,
    container: *mut *mut ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("container", container)?;
            let opened = borrow(runtime)?.runtime.open_container(&strings::utf8("id", id)?)?;
            // What its command got is not on disk.
            let env = Config::run(Root::Host, Vec::new()).env;
            place.write(container::boxed(Made { container: opened, env, pipes: Default::default() }));
            Ok(0)
        })
    }
}

/// Removes a container from disk by its id.
///
/// runtime: the directory.
/// id: its id.
/// force: 0: only if it has ended. 1: it is killed first, what a crash has left is cleaned up, and one that does not
/// exist is no error.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or not allowed; -ENOENT with CONTAIN_E_GONE if there is none of this id;
/// -EBUSY with CONTAIN_E_BUSY if it has not ended.
/// Ownership: the string stays the caller's. Threads: any, several at once on one runtime. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_runtime_delete(
    runtime: *const RuntimeHandle,
    id: *const c_char,
    force: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (runtime, id) = (&borrow(runtime)?.runtime, strings::utf8("id", id)?);
            runtime.delete(&id, switch("force", force)?).map(|()| 0)
        })
    }
}

/// Finds all containers in the directory, as they are now.
///
/// runtime: the directory.
/// list: where the list goes; the caller frees it with contain_list_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL; what the kernel says of the directory.
/// Threads: any, several at once on one runtime. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_runtime_list(
    runtime: *const RuntimeHandle,
    list: *mut *mut ListHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("list", list)?;
            let listed = borrow(runtime)?.runtime.list()?.into_iter().map(|found| {
                let root = found.status.as_ref().map(|status| status.root.clone()).unwrap_or_default();
                Entry {
                    id: strings::owned(&found.id),
                    root: CString::new(root.as_os_str().as_bytes()).unwrap_or_default(),
                    status: found.status.as_ref().map(StatusStruct::from).map_err(Error::clone),
                }
            });
            let handle = ListHandle { maker: Maker::this_process(), entries: listed.collect() };
            place.write(Box::into_raw(Box::new(handle)));
            Ok(0)
        })
    }
}

/// Frees a runtime. Its containers stay as they are.
///
/// runtime: the runtime; NULL is fine, and so is one that a fork copied.
/// Threads: nobody else may use it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_runtime_free(runtime: *mut RuntimeHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(runtime) }
}

/// # Safety
/// `list` is NULL or a live list.
unsafe fn entry<'a>(list: *const ListHandle, at: usize) -> Option<&'a Entry> {
    // SAFETY: as the caller says.
    unsafe { borrow(list) }.ok().and_then(|list| list.entries.get(at))
}

/// How many containers a list has.
///
/// list: the list, or NULL.
/// Returns: the number; 0 if list is NULL or one that a fork copied.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_list_get_count(list: *const ListHandle) -> usize {
    // SAFETY: as this function's page asks.
    unsafe { borrow(list) }.map_or(0, |list| list.entries.len())
}

/// The id of a container in a list, which is in the order of the ids.
///
/// list: the list, or NULL.
/// at: which one, from 0.
/// Returns: a string that lasts as long as the list; NULL if there is none.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_list_get_id(list: *const ListHandle, at: usize) -> *const c_char {
    // SAFETY: as this function's page asks.
    unsafe { entry(list, at) }.map_or(std::ptr::null(), |entry| entry.id.as_ptr())
}

/// The root directory of a container in a list, as it was given; --host for the host's own system.
///
/// list: the list, or NULL.
/// at: which one, from 0.
/// Returns: a string that lasts as long as the list, empty where it cannot be told; NULL if there is none.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_list_get_root(list: *const ListHandle, at: usize) -> *const c_char {
    // SAFETY: as this function's page asks.
    unsafe { entry(list, at) }.map_or(std::ptr::null(), |entry| entry.root.as_ptr())
}

/// What is known of a container in a list.
///
/// list: the list.
/// at: which one, from 0.
/// status: where it goes.
/// size: sizeof *status.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or there is none; -E2BIG if size is no size of a status; else why its status
/// cannot be told: what a crash or somebody else has left can be deleted with force.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_list_get_status(
    list: *const ListHandle,
    at: usize,
    status: *mut StatusStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let list = borrow(list)?;
            let place = Place::wanted("status", status, size)?;
            let length = list.entries.len();
            let entry = list
                .entries
                .get(at)
                .ok_or_else(|| invalid("at", at.to_string(), format!("the list has {length} containers")))?;
            place.write(entry.status.clone()?);
            Ok(0)
        })
    }
}

/// Frees a list and every string that was read from it.
///
/// list: the list; NULL is fine, and so is one that a fork copied.
/// Threads: nobody else may use it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_list_free(list: *mut ListHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(list) }
}
