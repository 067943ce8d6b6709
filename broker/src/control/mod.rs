//! Serves the controls of a cluster to programs in any language: JSON objects, one per line, over TCP.
//!
//! ```text
//!  server ──► line ──► ask (fields of one line, checked) ──► ops (the table) ──► rules, journal, controls
//! ```
//!
//! Who may connect may do anything to the cluster, so it listens on the loopback only.

mod answer;
mod ask;
mod controls;
mod inspect;
mod line;
mod names;
mod ops;
mod rules;
mod server;
mod suggest;

pub(crate) use server::{bind, serve};
