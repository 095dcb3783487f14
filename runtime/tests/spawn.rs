// SPDX-License-Identifier: MIT OR Apache-2.0
//! The spawn, tried from callers of every kind, and what it leaves of them: nothing else than before. Every test
//! takes a process of its own, once as the user who runs the tests and, where that is root, once more as a user.

#[path = "spawn/console.rs"]
mod console;
#[path = "spawn/deadline.rs"]
mod deadline;
#[path = "spawn/left_alone.rs"]
mod left_alone;
#[path = "spawn/lifetime.rs"]
mod lifetime;
#[path = "spawn/reaping.rs"]
mod reaping;
#[path = "spawn/scenario.rs"]
mod scenario;
#[path = "spawn/signals.rs"]
mod signals;
#[path = "spawn/threads.rs"]
mod threads;
