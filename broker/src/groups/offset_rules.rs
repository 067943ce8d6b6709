//! Decides who may commit offsets to a group, and whose offsets may be deleted.

use std::collections::BTreeSet;

use bytes::{Buf, Bytes};
use kafka_protocol::error::ResponseError;

use super::group::{Group, State};
use super::request::Caller;

impl Group {
    /// Whether the caller may commit now.
    ///
    /// A caller without member id and generation commits from outside (an assigned consumer, an admin client, a
    /// mirror's checkpoint): allowed only while nobody is a member, or it would move offsets under a live reader.
    /// Members commit in their own generation, also while the next one is being prepared: what they read before
    /// giving up a partition must not be read again.
    pub(super) fn check_commit(&self, caller: Caller<'_>) -> Result<(), ResponseError> {
        if caller.generation.is_none() && self.is_empty() {
            return Ok(());
        }
        if caller.generation.is_none()
            && caller.member_id.is_empty()
            && caller.instance_id.is_none()
        {
            return Err(ResponseError::UnknownMemberId);
        }
        self.check_caller(caller)?;
        if matches!(self.state, State::CompletingRebalance { .. }) {
            return Err(ResponseError::RebalanceInProgress);
        }
        Ok(())
    }

    /// Whether OffsetDelete (KIP-496) may touch this group at all, and if so, the topics it has to leave alone.
    pub(super) fn check_offset_delete(&self) -> Result<Subscribed, ResponseError> {
        if self.is_empty() {
            return Ok(Subscribed::Topics(BTreeSet::new()));
        }
        if self.protocol_type != "consumer" {
            return Err(ResponseError::NonEmptyGroup);
        }
        Ok(self
            .subscribed_topics()
            .map_or(Subscribed::Unreadable, Subscribed::Topics))
    }

    fn subscribed_topics(&self) -> Option<BTreeSet<String>> {
        let protocol = self.protocol.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in &self.members {
            topics.extend(subscription(member.metadata(protocol))?);
        }
        Some(topics)
    }
}

/// What the members of a group read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subscribed {
    /// Exactly these topics.
    Topics(BTreeSet<String>),
    /// A member's subscription cannot be read: it may be anything.
    Unreadable,
}

impl Subscribed {
    pub(super) fn contains(&self, topic: &str) -> bool {
        match self {
            Self::Topics(topics) => topics.contains(topic),
            Self::Unreadable => true,
        }
    }
}

/// The topics in a consumer's subscription: a version, then an array of strings, then what later versions added.
/// `None` if it is not one. Read by hand, since a decoder that trusts the array's length lets a member make the
/// broker allocate whatever it likes.
fn subscription(mut metadata: Bytes) -> Option<Vec<String>> {
    let _version = metadata.try_get_i16().ok()?;
    let count = metadata.try_get_i32().ok()?;
    (0..count).map(|_| string(&mut metadata)).collect()
}

fn string(bytes: &mut Bytes) -> Option<String> {
    let length = usize::try_from(bytes.try_get_i16().ok()?).ok()?;
    let text = (length <= bytes.len()).then(|| bytes.split_to(length))?;
    String::from_utf8(text.into()).ok()
}
