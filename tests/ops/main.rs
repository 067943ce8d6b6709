//! What operators run beside kmirror, judged by the programs that it is written for: Prometheus and promtool.
//!
//! Debian's `prometheus` package has to be installed. A program that is missing fails its test and is named.

#[allow(dead_code, reason = "this suite uses its own part of it")]
#[path = "../it/harness.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod dashboards;
mod prometheus;
mod rules;
