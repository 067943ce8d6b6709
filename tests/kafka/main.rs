//! The claims of the in-tree suite, against two real Apache Kafka brokers.
//!
//! `cargo test --release --features kafka --test kafka` — needs a JDK (17) and Maven; see README.

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod certificates;
mod clusters;
mod control;
mod decisions;
mod discovery;
mod encrypted;
mod fidelity;
mod frozen;
mod groups;
mod harness;
mod heartbeats;
mod jars;
mod links;
mod load;
mod mesh;
mod mirrormaker;
mod outages;
mod ports;
mod pressure;
mod properties;
mod restarts;
mod restored;
mod retention;
mod rights;
mod shared;
mod stall;
mod standing;
