// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of a container: one descriptor to poll, and one event after the other.

use crate::boundary::{Handle, Maker, Output, borrow, call, free};
use crate::container::ContainerHandle;
use crate::error::ErrorHandle;
use crate::process;
use crate::result::{Growing, Place, ResultStruct};
use crate::status::CONTAIN_STATE_STOPPED;
use runtime::{Error, Event, Events, Kind};
use std::ffi::c_int;
use std::os::fd::AsRawFd;

/// What the container is doing has changed; the first event of all says what it was doing when the events were opened.
pub const CONTAIN_EVENT_STATE: u32 = 1;
/// It has ended, and the event says how; the last one.
pub const CONTAIN_EVENT_EXIT: u32 = 2;

/// The events of a container. Several threads may use one at once, but for freeing it; each event goes to one of them.
pub struct EventsHandle {
    maker: Maker,
    events: Events,
}

impl Handle for EventsHandle {
    const NAME: &'static str = "events";

    fn maker(&self) -> Maker {
        self.maker
    }
}

/// One thing that became of a container. The fields behind state are those of contain_result at CONTAIN_EVENT_EXIT, and
/// else 0.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EventStruct {
    /// How many bytes of the struct the library knew and filled in; what is behind them is zero.
    pub size: u64,
    /// What it is: a CONTAIN_EVENT_ value. More values may come.
    pub kind: u32,
    /// What the container is doing now: a CONTAIN_STATE_ value.
    pub state: u32,
    /// Why it ended: a CONTAIN_ENDED_ value. More values may come.
    pub ended_by: u32,
    /// The exit status or the signal's number, as ended_by says.
    pub status: i32,
    /// The exit status a shell would show.
    pub exit_status: i32,
    /// 0.
    pub reserved: u32,
    /// Nanoseconds from the command's exec to its end.
    pub wall_ns: u64,
    /// CPU time in user mode, in nanoseconds.
    pub user_ns: u64,
    /// CPU time in the kernel, in nanoseconds.
    pub system_ns: u64,
    /// The highest resident set of one process, in bytes.
    pub peak_memory: u64,
}

impl Growing for EventStruct {
    fn sized(self, size: u64) -> EventStruct {
        EventStruct { size, ..self }
    }
}

impl TryFrom<Event> for EventStruct {
    type Error = Error;

    fn try_from(event: Event) -> Result<EventStruct, Error> {
        let none = EventStruct {
            size: 0,
            kind: CONTAIN_EVENT_STATE,
            state: CONTAIN_STATE_STOPPED,
            ended_by: 0,
            status: 0,
            exit_status: 0,
            reserved: 0,
            wall_ns: 0,
            user_ns: 0,
            system_ns: 0,
            peak_memory: 0,
        };
        match event {
            Event::State(state) => Ok(EventStruct { state: (state as i32).unsigned_abs(), ..none }),
            Event::Exit(outcome) => {
                let ResultStruct { ended_by, status, exit_status, wall_ns, user_ns, system_ns, peak_memory, .. } =
                    outcome.into();
                let kind = CONTAIN_EVENT_EXIT;
                Ok(EventStruct {
                    kind,
                    ended_by,
                    status,
                    exit_status,
                    wall_ns,
                    user_ns,
                    system_ns,
                    peak_memory,
                    ..none
                })
            }
            _ => Err(Error::new(Kind::Internal, "library", "tell of", format!("{event:?}"))),
        }
    }
}

/// Opens the events of a container: its present state is the first, then comes each change in order, and its exit is the
/// last, also where the container is freed or deleted meanwhile. There may be any number of these for a container.
///
/// container: the container; may be freed afterwards.
/// events: where they go; the caller frees them with contain_events_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL; -EMFILE, for a container that was opened by its id and not started also if
/// the user's limit on inotify(7) is reached.
/// Threads: any, several at once on one container. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_events_open(
    container: *const ContainerHandle,
    events: *mut *mut EventsHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, place) = (borrow(container)?, Output::new("events", events)?);
            let events = container.runtime().events()?;
            place.write(Box::into_raw(Box::new(EventsHandle { maker: Maker::this_process(), events })));
            Ok(0)
        })
    }
}

/// The descriptor to poll for events, with poll(2) or in an epoll(7) descriptor: readable when there is one, and for good
/// after the exit. It may be readable without one: contain_events_next() then gives 0.
///
/// events: the events.
/// err: where an error goes, or NULL.
/// Returns: the descriptor, with close-on-exec; negative on failure.
/// Errors: -EINVAL if events is NULL.
/// Ownership: it stays that of the events and lasts as long as they. Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_events_get_fd(events: *const EventsHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(events)?.events.fd()?.as_raw_fd())) }
}

/// Gives the next event.
///
/// events: the events.
/// timeout_ms: how many milliseconds to wait at most; 0: not at all; -1: as long as it takes.
/// event: where it goes.
/// size: sizeof *event.
/// err: where an error goes, or NULL.
/// Returns: 1 if event is there; 0 if the time passed first; negative on failure.
/// Errors: -EINVAL; -E2BIG if size is no size of an event; -EINTR if a signal came while waiting without a timeout;
/// -ESRCH with CONTAIN_E_GONE if the exit has been told.
/// Threads: any, several at once; each event goes to one of them. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_events_next(
    events: *const EventsHandle,
    timeout_ms: i64,
    event: *mut EventStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let events = &borrow(events)?.events;
            let (timeout, place) = (process::timeout(timeout_ms)?, Place::wanted("event", event, size)?);
            let Some(event) = events.next(timeout)? else { return Ok(0) };
            place.write(EventStruct::try_from(event)?);
            Ok(1)
        })
    }
}

/// Frees events, and closes their descriptor. The container goes on.
///
/// events: the events; NULL is fine, and so are those that a fork copied.
/// Threads: nobody else may use them. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_events_free(events: *mut EventsHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(events) }
}
