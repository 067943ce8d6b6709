//! Every fault that a mirror meets in production, one test per claim, provoked by the in-tree broker.
//!
//! A fault meets kmirror's clients alone, by their ids; the tests' own raw client is never struck.

mod rejected;
mod soak;
mod source_log;
mod weather;
mod zombie;
