//! Keeps copies as they are to be: observes both clusters of a mirror, plans, acts and reports.
//!
//! `discovery` strings the others together, once per `discovery_interval`:
//!
//! ```text
//!  observe            plan (pure functions)            act                report
//!  listings ────────► plan (by selection) ───────────► copies ──────────► report: board, log, metrics
//!  set configs ─────► wanted_configs ────────────────► config_sync ─────►
//!  ACLs ────────────► wanted_acls ───────────────────► acl_sync ────────►
//! ```
//!
//! `preview` and `rehearsal` tell what would be done, for `kmirror plan` and `kmirror check`.

pub mod plan;
pub mod preview;
pub mod rehearsal;
pub mod wanted_configs;

mod acl_sync;
mod config_sync;
mod copies;
mod discovery;
mod ends;
pub mod reason;
mod refused_configs;
mod report;
mod rights;
mod selection;
mod slices;
mod wanted_acls;

pub use discovery::{Discovery, REQUEST_TIMEOUT};
