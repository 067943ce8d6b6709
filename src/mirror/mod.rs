//! Runs one mirror: finds its topics, keeps their copies as they are to be, starts and stops a pipeline for each.
//!
//! The control loop (`discovery`) observes both clusters, plans, acts and reports, once per `discovery_interval`:
//!
//! ```text
//!  observe            plan (pure functions)            act                report
//!  listings ────────► plan (by selection) ───────────► copies ──────────► report: board, log, metrics
//!  set configs ─────► wanted_configs ────────────────► config_sync ─────►
//!  ACLs ────────────► wanted_acls ───────────────────► acl_sync ────────►
//! ```

pub mod plan;
pub mod preview;
pub mod rehearsal;
pub mod wanted_configs;

mod acl_sync;
mod config_sync;
mod copies;
mod discovery;
mod ends;
mod handle;
mod pipelines;
mod producers;
mod reason;
mod refused_configs;
mod report;
mod rights;
mod selection;
mod session;
mod slices;
mod wanted_acls;

pub use discovery::REQUEST_TIMEOUT;
pub use handle::{Mirror, Shared};
