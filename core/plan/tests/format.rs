// SPDX-License-Identifier: MIT OR Apache-2.0
//! The format of plans and messages: writer and reader against each other, every limit, and what is no plan.

#[path = "format/fuzz.rs"]
mod fuzz;
#[path = "format/make.rs"]
mod make;
#[path = "format/malformed.rs"]
mod malformed;
#[path = "format/messages.rs"]
mod messages;
#[path = "../../../tests/fuzz/mutate.rs"]
mod mutate;
#[path = "format/round_trip.rs"]
mod round_trip;
