// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of a configuration, printed before anything is done.

use crate::{Config, Error};

/// The plan as a person reads it, one line a step.
pub fn text(_config: &Config) -> Result<String, Error> { unimplemented!() }

/// The plan as a program reads it: `{"version":1,"steps":[{"number":1,"doer":"monitor","name":"clone","object":…},…]}`.
pub fn json(_config: &Config) -> Result<String, Error> { unimplemented!() }
