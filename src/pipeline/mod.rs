//! Copies one topic: a member of its consumer group on the source, and one lane per assigned partition.
//!
//! In the order in which a record meets them:
//!
//! - `handle`: starts and stops it;
//! - `topic`: strings the others together and commits what is acknowledged;
//! - `member`: the group membership; assignments and revocations come out of it as messages;
//! - `observe`: asks what is committed and what the source holds, when a partition is assigned;
//! - `begin`: decides from that where reading begins;
//! - `starting`: brings assigned partitions into flow;
//! - `lanes`: the partitions in flow;
//! - `lane`: one partition's way from queue to acknowledgement;
//! - `flight`: what it has sent and what became of it.

mod begin;
mod flight;
mod handle;
mod lane;
mod lanes;
mod member;
mod observe;
mod starting;
mod topic;

pub use handle::{Context, Pipeline, Plan};
pub use member::Prefetch;
