//! The claims of the in-tree suite, against two real Apache Kafka brokers.
//!
//! `cargo test --release --features kafka --test kafka` — needs Java 17 and Maven; see README.

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod harness;
mod jars;
mod ports;
mod properties;
