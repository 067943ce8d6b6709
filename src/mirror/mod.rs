//! Runs one mirror: a pipeline for each topic that the control loop says is to be copied.

mod aftermath;
mod handle;
mod pipelines;
mod producers;
mod session;

pub use handle::{Mirror, Shared};
