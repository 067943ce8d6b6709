//! The offset map: which target offset each record of the source got, exact for any lag and through restarts.
//!
//! - `run`: consecutive records that stand one behind the other on both sides;
//! - `chunk`: a stretch of runs, as a record of `__kmirror_offsets` holds it;
//! - `key`: whose stretch it is, and in whose turn it was written;
//! - `past`: what is stored of a partition's map, put together;
//! - `map`: the map of a partition that this process copies: it grows with the acknowledgements, and translates;
//! - `registry`: the maps that this process has, for whoever translates;
//! - `recovery`: which records the copy holds behind what its map knows;
//! - `store`: `__kmirror_offsets`, written before positions are committed (I8) and read before partitions begin;
//! - `archive`: what it holds, for reading without blocking;
//! - `reader`: reads it;
//! - `witness`: the newest record that was copied, by which the source's log is known again.

mod archive;
mod chunk;
mod key;
mod map;
mod past;
mod reader;
mod recovery;
mod registry;
mod run;
mod store;
mod witness;

pub use archive::Archive;
pub use chunk::{Chunk, Ends, Unreadable};
pub use key::{Key, Turn};
pub use map::{Aside, Change, Map, Translation, Unsaved};
pub use past::{Past, Place, Stored};
pub use recovery::{Cleaning, Digest, Recovered, recover};
pub use registry::{Registered, Registry, SharedMap};
pub use run::Run;
pub use store::{Store, wanted as wanted_topic};
pub use witness::Witness;

/// The topic on the target that holds all maps.
pub const TOPIC: &str = "__kmirror_offsets";
