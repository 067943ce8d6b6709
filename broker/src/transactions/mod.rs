//! Coordinates transactions (KIP-98): which producer speaks for a transactional id, and what its transaction is about.
//!
//! ```text
//!   requests ──► steps: one call each, under the lock of all state
//!                  ├─ Coordinator ──► Producer: one transactional id, pure: every call takes `now`, nothing is written
//!                  │    every id  └─► LineJournal: what must outlive a kill
//!                  └─ markers in the logs, offsets in the groups
//! ```
//!
//! A transaction ends in one step that nobody sees a part of: how it ends is written down first, then come the markers,
//! then the end. What a kill or a failed write interrupts is finished before anything else happens to the id, so that
//! no client is ever told `CONCURRENT_TRANSACTIONS`.

mod coordinator;
mod producer;
#[cfg(test)]
mod producer_tests;
mod steps;

pub(crate) use coordinator::Coordinator;
pub(crate) use producer::Identity;
