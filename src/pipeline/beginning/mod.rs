//! Where a partition begins when it is assigned: asked of both clusters first, then decided.
//!
//! - `observe`: asks where partitions stand and what both clusters hold of them;
//! - `held`: what groups hold of them;
//! - `copies`: what the target holds of them, and of their offset maps;
//! - `lookback`: what their copies hold behind what the maps know;
//! - `begin`: decides from that where reading begins, pure;
//! - `way`: what that means by the mirror's policies;
//! - `mapping`: the offset map that a partition goes on with.

mod begin;
mod copies;
mod held;
mod lookback;
mod mapping;
mod observe;
mod way;

pub use begin::{Begin, Observed, begin, resumes};
pub use copies::Memory;
pub use mapping::map;
pub use observe::{Answer, Asked, Known, Question, Seen};
pub use way::{FORGOTTEN, Way, decide, tell};
