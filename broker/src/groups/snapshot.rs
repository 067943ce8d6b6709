//! Gives a group's membership the form in which it is written down, and takes it back from there.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::group::{Gathering, Group, State};
use super::journal::Entry;
use super::member::{Member, Protocol, Stage};

/// A group without its offsets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct GroupSnapshot {
    pub(super) group: String,
    pub(super) generation: i32,
    /// Whether the generation was complete. A rebalance that a kill cuts short begins anew.
    pub(super) settled: bool,
    pub(super) protocol_type: String,
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    pub(super) members: Vec<MemberSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MemberSnapshot {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) client_host: String,
    pub(super) session_timeout_ms: u64,
    pub(super) rebalance_timeout_ms: u64,
    pub(super) protocols: Vec<(String, Hex)>,
    pub(super) assignment: Hex,
}

/// Bytes in a text file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Hex(Bytes);

impl Group {
    pub(super) fn snapshot(&self) -> GroupSnapshot {
        GroupSnapshot {
            group: self.id.clone(),
            generation: self.generation,
            settled: matches!(self.state, State::Empty | State::Stable { .. }),
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            members: self.members.iter().map(Member::snapshot).collect(),
        }
    }

    /// Everything that a journal needs to say to bring this group back.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let membership = Entry::Group(self.snapshot());
        std::iter::once(membership).chain(self.offsets.all().map(|commits| Entry::Commit {
            group: self.id.clone(),
            offsets: commits,
        }))
    }

    /// Takes the membership from a snapshot; sessions begin anew at `now`, for downtime is nobody's silence.
    pub(super) fn restore(&mut self, snapshot: GroupSnapshot, now: Instant) {
        self.generation = snapshot.generation;
        self.protocol_type = snapshot.protocol_type;
        self.protocol = snapshot.protocol;
        self.leader = snapshot.leader;
        self.members = snapshot
            .members
            .into_iter()
            .map(|member| member.restore(now))
            .collect();
        let deadline = now + self.rebalance_timeout();
        self.state = if self.members.is_empty() {
            State::Empty
        } else if snapshot.settled {
            State::Stable { sync_by: deadline }
        } else {
            State::PreparingRebalance(Gathering {
                closes_at: deadline,
                initial: None,
            })
        };
    }
}

impl Member {
    fn snapshot(&self) -> MemberSnapshot {
        let protocols = self.protocols.iter();
        MemberSnapshot {
            id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            session_timeout_ms: millis(self.session_timeout),
            rebalance_timeout_ms: millis(self.rebalance_timeout),
            protocols: protocols
                .map(|p| (p.name.clone(), Hex(p.metadata.clone())))
                .collect(),
            assignment: Hex(self.assignment.clone()),
        }
    }
}

impl MemberSnapshot {
    fn restore(self, now: Instant) -> Member {
        let protocols = self.protocols.into_iter();
        let session_timeout = Duration::from_millis(self.session_timeout_ms);
        Member {
            id: self.id,
            instance_id: self.instance_id,
            client_id: self.client_id,
            client_host: self.client_host,
            session_timeout,
            rebalance_timeout: Duration::from_millis(self.rebalance_timeout_ms),
            protocols: protocols
                .map(|(name, Hex(metadata))| Protocol { name, metadata })
                .collect(),
            assignment: self.assignment.0,
            stage: Stage::Synced,
            is_new: false,
            expires_at: now + session_timeout,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<Hex> for String {
    fn from(Hex(bytes): Hex) -> Self {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Hex {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits
            .map(|pair| byte(pair).filter(|_| pair.len() == 2))
            .collect();
        bytes
            .map(|bytes| Self(Bytes::from(bytes)))
            .ok_or_else(|| format!("{text:?} is not hexadecimal"))
    }
}
