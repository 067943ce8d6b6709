//! What operators run beside kmirror, judged by the programs that it is written for: Prometheus, promtool, systemd, docker-compose.
//!
//! Debian's packages `prometheus`, `systemd` and `docker-compose` have to be installed. A program that is missing fails its
//! test and is named.

#[allow(dead_code, reason = "this suite uses its own part of it")]
#[path = "../it/harness.rs"]
mod harness;
#[path = "../support/mod.rs"]
mod support;

mod dashboards;
mod deployment;
mod prometheus;
mod rules;
