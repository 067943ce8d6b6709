//! Tells tools what groups there are, and who is in them.

use bytes::Bytes;

use super::coordinator::Groups;
use super::group::{Group, State};
use super::member::Member;

/// A line of ListGroups.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupListing {
    pub(crate) id: String,
    /// Empty for a group that only ever had offsets.
    pub(crate) protocol_type: String,
    pub(crate) state: &'static str,
}

/// A group as DescribeGroups shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupDescription {
    pub(crate) state: &'static str,
    pub(crate) protocol_type: String,
    /// The elected strategy; empty unless the group is stable.
    pub(crate) protocol: String,
    pub(crate) members: Vec<MemberDescription>,
}

/// A member as DescribeGroups shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MemberDescription {
    pub(crate) id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    /// Empty unless the group is stable: before that it means nothing.
    pub(crate) metadata: Bytes,
    /// Empty unless the group is stable.
    pub(crate) assignment: Bytes,
}

impl Groups {
    /// Every group, by name.
    pub(crate) fn list(&self) -> Vec<GroupListing> {
        self.groups.values().map(Group::listing).collect()
    }

    /// A group; `None` is what tools call `Dead`.
    pub(crate) fn describe(&self, id: &str) -> Option<GroupDescription> {
        self.groups.get(id).map(Group::description)
    }
}

impl Group {
    fn listing(&self) -> GroupListing {
        GroupListing {
            id: self.id.clone(),
            protocol_type: self.protocol_type.clone(),
            state: self.state_name(),
        }
    }

    fn description(&self) -> GroupDescription {
        let stable = matches!(self.state, State::Stable { .. });
        let protocol = self.protocol.clone().filter(|_| stable);
        GroupDescription {
            state: self.state_name(),
            protocol_type: self.protocol_type.clone(),
            members: self
                .members
                .iter()
                .map(|member| member.description(protocol.as_deref()))
                .collect(),
            protocol: protocol.unwrap_or_default(),
        }
    }
}

impl Member {
    fn description(&self, stable_on: Option<&str>) -> MemberDescription {
        MemberDescription {
            id: self.id.clone(),
            instance_id: self.instance_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            metadata: stable_on
                .map(|protocol| self.metadata(protocol))
                .unwrap_or_default(),
            assignment: stable_on
                .map(|_| self.assignment.clone())
                .unwrap_or_default(),
        }
    }
}
