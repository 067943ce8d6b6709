//! Coordinates consumer groups: who is a member, which generation holds, and where each group reads on.
//!
//! ```text
//!       Groups ──► Group: one membership, pure: every call takes `now`, nothing waits or writes
//!   │   every group    ├─ join ─► rebalance ─► sync        the way to a new generation
//!   │                  ├─ session, leave                   the way out
//!   │                  └─ offsets                          what the group committed
//!   └──► Journal: what must outlive a kill
//! ```
//!
//! A caller that has to wait (JoinGroup, SyncGroup) gets a `oneshot` receiver and awaits it after it has let go of
//! the lock. Time moves by [`Groups::tick`]. The rules are those
//! of Kafka's classic group protocol (KIP-62, 345, 394, 429, 559, 814).

mod answer;
mod coordinator;
mod delete;
mod describe;
mod group;
mod join;
mod journal;
mod leave;
mod member;
mod offset_rules;
mod offsets;
mod provoked;
mod rebalance;
mod request;
mod restart;
mod session;
mod settings;
mod snapshot;
mod sync;
mod transactional;
mod vote;

#[cfg(test)]
mod tests;

pub(crate) use answer::{JoinRefused, Joined, Participant};
pub(crate) use coordinator::Groups;
pub(crate) use describe::{GroupDescription, GroupListing, MemberDescription};
pub(crate) use member::Protocol;
pub(crate) use offsets::{CommittedOffset, OffsetCommit, Offsets};
pub(crate) use request::{Caller, JoinRequest, Leaver, SyncRequest};
pub(crate) use settings::GroupSettings;
