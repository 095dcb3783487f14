// SPDX-License-Identifier: MIT OR Apache-2.0
//! State on disk: one process creates, others start, inject, kill and delete. Every test takes a process of its own,
//! once as the user who runs the tests and, where that is root, once more as a user. Needs user namespaces.

#[path = "state/events.rs"]
mod events;
#[path = "state/hostile.rs"]
mod hostile;
#[path = "state/killed.rs"]
mod killed;
#[path = "state/life.rs"]
mod life;
#[allow(dead_code, reason = "shared with the tests of the spawn")]
#[path = "spawn/scenario.rs"]
mod scenario;
#[path = "state/several.rs"]
mod several;
#[path = "state/stage.rs"]
mod stage;
