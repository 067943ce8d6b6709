//! Makes the cluster misbehave on purpose: rules that match requests, and what is done to those they match.
//!
//! ```text
//!  Faults (registry) ──► Rule (being written) ──► Armed (in force) ◄── Fault (the test's handle on it)
//!                          ├── Matcher   which requests        ├── Turn     which of those, counted or drawn
//!                          └── Action    what happens          └── Gate     the requests that wait
//! ```
//!
//! A request that nothing is installed for costs one load of an atomic.

mod action;
mod armed;
mod gate;
mod glob;
mod handle;
mod matcher;
mod random;
mod registry;
mod rule;
mod turn;

#[cfg(test)]
mod matcher_tests;

pub(crate) use action::{Action, Stage};
pub(crate) use armed::Armed;
pub use handle::Fault;
pub(crate) use matcher::Seen;
pub(crate) use random::Random;
pub use registry::Faults;
pub use rule::Rule;
