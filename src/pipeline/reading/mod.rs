//! Where a lane's records come from: a member of a consumer group, and a consumer in no group for busy partitions.
//!
//! - `member`: the group membership; assignments and revocations come out of it as messages;
//! - `express`: reads busy partitions apart from the idle ones;
//! - `intake`: brings a lane the records of its partition, from the one or the other;
//! - `pace`: decides when it is which;
//! - `settings`: those of both consumers;
//! - `consumer`: what both do alike.

mod consumer;
mod express;
mod intake;
mod member;
mod pace;
mod settings;

pub use express::Express;
pub use intake::Intake;
pub use member::{Event, Member};
pub use settings::Fetching;
