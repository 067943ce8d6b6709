//! What a MirrorMaker 2 deployment leaves behind: read, so that a mirror goes on where that one stopped, and written, so that
//! it can go on where the mirror stopped.
//!
//! - `progress`: how far it had replicated each partition, as Kafka Connect stores it;
//! - `offset_sync`: which source offset stood where on the target, now and then;
//! - `legacy`: both, read from their topics;
//! - `standby`: both, kept in their topics while a mirror runs, and at its end;
//! - `writer`: what is to be written of the partitions that this process copies;
//! - `noted_topic`: one of the topics;
//! - `murmur2`: in which partition Java's producer puts a key.

mod legacy;
mod murmur2;
mod noted_topic;
mod offset_sync;
mod progress;
mod standby;
mod writer;

pub use legacy::{Left, Legacy, syncs_on_source, syncs_on_target};
pub use offset_sync::OffsetSync;
pub use standby::{Ends, Standby};
pub use writer::{wanted_progress, wanted_syncs};
