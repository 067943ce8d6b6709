//! Runs one mirror: finds its topics, creates their copies, starts and stops a pipeline for each.

pub mod plan;

mod discovery;
mod pipelines;
mod producers;
mod session;

pub use session::{Mirror, Shared};
