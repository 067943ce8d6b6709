//! Runs one mirror: finds its topics, creates their copies, starts and stops a pipeline for each.

pub mod plan;

mod discovery;
mod handle;
mod pipelines;
mod producers;
mod session;

pub use discovery::REQUEST_TIMEOUT;
pub use handle::{Mirror, Shared};
