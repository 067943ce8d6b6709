//! The claims of kmirror on two in-tree clusters: the real binary, the real clock, nothing else needed.
//!
//! One file per theme, one test per claim, named after it. [`harness`] has the clusters and what every claim waits for.

#[path = "../support/mod.rs"]
mod support;

mod harness;

mod bad_input;
mod bounds;
mod busy;
mod checkpoints;
mod cli_broker;
mod cli_check;
mod cli_demo;
mod cli_import;
mod cli_plan;
mod cli_status;
mod cli_translate;
mod control;
mod dashboards;
mod deleted_copies;
mod deployment;
mod docs;
mod docs_commands;
mod drains;
mod exact_resume;
mod failover;
mod faults;
mod heartbeats;
mod http_bounds;
mod import;
mod lives;
mod logs;
mod lost_copies;
mod names;
mod older_clusters;
mod provenance;
mod records;
mod reload;
mod restarts;
mod shared;
mod supervisor;
mod topics;
mod transactions;
mod visibility;
mod way_back;
