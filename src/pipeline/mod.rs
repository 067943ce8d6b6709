//! Copies topics: a member of a consumer group on the source, and one lane per partition that the group gives to it.
//!
//! In the order in which a record meets them:
//!
//! - `handle`: starts and stops it, and tells it which topics to copy;
//! - `topic`: what is known of each;
//! - `group`: strings the others together;
//! - `member`: the group membership; assignments and revocations come out of it as messages;
//! - `partition_list`: partitions and positions as librdkafka takes them;
//! - `settings`: those of its consumer;
//! - `express`: reads busy partitions apart from the idle ones;
//! - `observe`: asks where partitions stand and what the source holds, when they are assigned;
//! - `held`: what groups hold of them;
//! - `asking`: lets the others begin where one of which the source does not tell all has to wait;
//! - `copies`: what the target holds of them, and of their offset maps;
//! - `lookback`: what their copies hold behind what the maps know;
//! - `begin`: decides from that where reading begins;
//! - `way`: what that means by the mirror's policies;
//! - `mapping`: the offset map that a partition goes on with;
//! - `starting`: brings assigned partitions into flow;
//! - `lanes`: the partitions in flow;
//! - `intake`: where a lane's records come from, the member's queue or the express one's;
//! - `pace`: when it is which;
//! - `lane`: one partition's way from queue to acknowledgement;
//! - `provenance`: which records are left out, since they would return to where they came from;
//! - `lease`: keeps a lane from sending on after the process was stopped for longer than the group waits;
//! - `caution`: which records fly alone, since the target may refuse them;
//! - `flight`: what a lane has sent and what became of it;
//! - `trouble`: what becomes of a partition whose lane cannot go on;
//! - `saving`: writes the offset maps up to positions that are about to be committed;
//! - `committing`: commits what is acknowledged;
//! - `mark`: what is committed beside a position.

mod asking;
mod begin;
mod caution;
mod committing;
mod copies;
mod express;
mod flight;
mod group;
mod handle;
mod held;
mod intake;
mod lane;
mod lanes;
mod lease;
mod lookback;
mod mapping;
mod mark;
mod member;
mod observe;
mod pace;
mod partition_list;
mod provenance;
mod saving;
mod settings;
mod starting;
mod topic;
mod trouble;
mod way;

pub use express::Express;
pub use handle::{Context, Pipeline};
pub use mark::Mark;
pub use provenance::stamp;
pub use settings::Fetching;
pub use topic::{Plan, Topic, Topics};
