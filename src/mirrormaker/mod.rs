//! What a MirrorMaker 2 deployment left behind, so that a mirror can go on where that one stopped.
//!
//! - `progress`: how far it had replicated each partition, as Kafka Connect stores it;
//! - `offset_sync`: which source offset stood where on the target, now and then;
//! - `legacy`: both, read from their topics.

mod legacy;
mod offset_sync;
mod progress;

pub use legacy::{Left, Legacy};
pub use offset_sync::OffsetSync;
