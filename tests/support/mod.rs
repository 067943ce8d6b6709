//! What both suites stand on: raw access to a cluster, the ledger that compares two topics, and the daemon as a process.
//!
//! Everything here blocks its thread: a test on a tokio runtime uses the `multi_thread` flavour, or a plain `#[test]`.
//! Cluster access is our own encoder and decoder over TCP, because a client library tidies records up on the way: rdkafka
//! stamps a timestamp of 0 with the present and panics on a header key that is not UTF-8.
//!
//! ```text
//! workload ─► ledger::Writer ─► batch ─► client (produce) ─► cluster
//!                  │                                            │
//!               Ledger ◄── decode ◄── client (read) ◄───────────┘
//!                  │
//!               compare ─► Comparison { lost, duplicated, reordered, altered, foreign, rewinds }
//! ```

#![allow(
    dead_code,
    reason = "each suite that includes this module uses its own part of it"
)]

pub mod acls;
pub mod alignment;
pub mod batch;
pub mod checkpoints;
pub mod cli;
pub mod client;
pub mod codec;
pub mod compare;
pub mod config_file;
pub mod copied;
pub mod daemon;
pub mod dashboard;
pub mod decode;
pub mod doorman;
pub mod groups;
pub mod http;
pub mod ledger;
pub mod log_start;
pub mod metrics;
pub mod outcome;
pub mod positions;
pub mod process;
pub mod produce;
pub mod promql;
pub mod proxy;
pub mod read;
pub mod record;
pub mod till;
pub mod topics;
pub mod varint;
pub mod wait;
pub mod wire;
pub mod workload;
