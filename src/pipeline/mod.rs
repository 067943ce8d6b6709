//! Copies topics: a member of a consumer group on the source, and one lane per partition that the group gives to it.
//!
//! In the order in which a record meets them:
//!
//! - `handle`: starts and stops it, and tells it which topics to copy;
//! - `topic`: what is known of each;
//! - `group`: strings the others together;
//! - `reading`: the membership, and where records come from;
//! - `beginning`: where a partition begins, by what both clusters hold of it;
//! - `asking`: asks that for partitions that are assigned, and lets the others begin where one has to wait;
//! - `starting`: brings assigned partitions into flow;
//! - `lanes`: the partitions in flow;
//! - `lane`: one partition's way from queue to acknowledgement;
//! - `provenance`: which records are left out, since they would return to where they came from;
//! - `lease`: keeps a lane from sending on after the process was stopped for longer than the group waits;
//! - `caution`: which records fly alone, since the target may refuse them;
//! - `flight`: what a lane has sent and what became of it;
//! - `others`: how often it is told that somebody else writes the copy;
//! - `trouble`: what becomes of a partition whose lane cannot go on;
//! - `saving`: writes the offset maps up to positions that are about to be committed;
//! - `committing`: commits what is acknowledged;
//! - `mark`: what is committed beside a position.

mod asking;
mod beginning;
mod caution;
mod committing;
mod flight;
mod group;
mod handle;
mod lane;
mod lanes;
mod lease;
mod mark;
mod others;
mod provenance;
mod reading;
mod saving;
mod starting;
mod topic;
mod trouble;

pub use handle::{Context, Pipeline};
pub use mark::Mark;
pub use provenance::stamp;
pub use reading::{Express, Fetching};
pub use topic::{Plan, Topic, Topics};
