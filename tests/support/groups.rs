//! Consumer groups as an administrator sees them: who is in, and what was committed; and as one without members is moved.

use anyhow::{Context, Result};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, JoinGroupRequest, LeaveGroupRequest,
    ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
};
use kafka_protocol::protocol::StrBytes;

use super::client::{Client, topic_name};
use super::wire::refused;

const DESCRIBE_GROUPS: i16 = 4;
const LIST_GROUPS: i16 = 2;
const OFFSET_FETCH: i16 = 5;
const OFFSET_COMMIT: i16 = 7;
const DELETE_GROUPS: i16 = 1;
/// Below 4, from where on a member has to ask for its id first.
const JOIN_GROUP: i16 = 3;
const LEAVE_GROUP: i16 = 1;

/// Longer than any test takes.
const SESSION_TIMEOUT_MS: i32 = 300_000;
/// What a member that commits from outside says instead of a generation.
const NO_GENERATION: i32 = -1;

/// One consumer group at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// `Stable`, `PreparingRebalance`, `CompletingRebalance`, `Empty` or `Dead`.
    pub state: String,
    /// Member ids, sorted. The broker gives a member a new one whenever it comes back.
    pub members: Vec<String>,
}

impl Client {
    /// The group as its coordinator knows it; an unknown one is `Dead` and has no members.
    pub fn group(&mut self, group: &str) -> Result<Group> {
        let id = StrBytes::from_string(group.to_owned());
        let request = DescribeGroupsRequest::default().with_groups(vec![id.into()]);
        let answer = self.ask_coordinator(group, DESCRIBE_GROUPS, &request)?;
        let described = answer
            .groups
            .into_iter()
            .next()
            .context("no answer about the group")?;
        refused(described.error_code).with_context(|| format!("describe {group}"))?;
        let mut members: Vec<_> = described
            .members
            .into_iter()
            .map(|member| member.member_id.to_string())
            .collect();
        members.sort();
        Ok(Group {
            state: described.group_state.to_string(),
            members,
        })
    }

    /// Names of the groups that the first broker coordinates: all, in a cluster of one.
    pub fn groups(&mut self) -> Result<Vec<String>> {
        let answer = self.ask(LIST_GROUPS, &ListGroupsRequest::default())?;
        refused(answer.error_code).context("list groups")?;
        let names = answer.groups.into_iter();
        let mut names: Vec<_> = names.map(|group| group.group_id.to_string()).collect();
        names.sort();
        Ok(names)
    }

    /// The offset a group committed for a partition: the next it will read.
    pub fn committed(&mut self, group: &str, topic: &str, partition: i32) -> Result<Option<i64>> {
        let id = StrBytes::from_string(group.to_owned());
        let asked = OffsetFetchRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partition_indexes(vec![partition]);
        let request = OffsetFetchRequest::default()
            .with_group_id(id.into())
            .with_topics(Some(vec![asked]));
        let answer = self.ask_coordinator(group, OFFSET_FETCH, &request)?;
        refused(answer.error_code).with_context(|| format!("offsets of {group}"))?;
        let found = answer
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions)
            .next();
        let found = found.context("no answer about the partition")?;
        refused(found.error_code)
            .with_context(|| format!("offset of {group} at {topic}-{partition}"))?;
        Ok((found.committed_offset >= 0).then_some(found.committed_offset))
    }

    /// How many records of `topic` are not yet behind what `group` committed, over all partitions.
    pub fn group_lag(&mut self, group: &str, topic: &str) -> Result<i64> {
        let mut lag = 0;
        for partition in 0..self.partitions(topic)? {
            let position = match self.committed(group, topic, partition)? {
                Some(committed) => committed,
                None => self.log_start(topic, partition)?,
            };
            lag += self.log_end(topic, partition)? - position;
        }
        Ok(lag)
    }

    /// Commits an offset for a group without members.
    pub fn commit(&mut self, group: &str, topic: &str, partition: i32, offset: i64) -> Result<()> {
        self.commit_with(group, &[(topic, partition, offset)], "")
    }

    /// Commits offsets, each with `metadata` beside it, for a group without members.
    pub fn commit_with(
        &mut self,
        group: &str,
        offsets: &[(&str, i32, i64)],
        metadata: &str,
    ) -> Result<()> {
        let topics = offsets.iter().map(|(topic, partition, offset)| {
            let partition = OffsetCommitRequestPartition::default()
                .with_partition_index(*partition)
                .with_committed_offset(*offset)
                .with_committed_leader_epoch(-1)
                .with_committed_metadata(Some(StrBytes::from_string(metadata.to_owned())));
            OffsetCommitRequestTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(vec![partition])
        });
        let id = StrBytes::from_string(group.to_owned());
        let request = OffsetCommitRequest::default()
            .with_group_id(id.into())
            .with_generation_id_or_member_epoch(NO_GENERATION)
            .with_topics(topics.collect());
        let answer = self.ask_coordinator(group, OFFSET_COMMIT, &request)?;
        let topics = answer.topics.into_iter();
        for outcome in topics.flat_map(|topic| topic.partitions) {
            refused(outcome.error_code).with_context(|| format!("commit for {group}"))?;
        }
        Ok(())
    }

    /// Deletes a group without members, with its offsets.
    pub fn delete_group(&mut self, group: &str) -> Result<()> {
        let id = StrBytes::from_string(group.to_owned());
        let request = DeleteGroupsRequest::default().with_groups_names(vec![id.into()]);
        for result in self
            .ask_coordinator(group, DELETE_GROUPS, &request)?
            .results
        {
            refused(result.error_code).with_context(|| format!("delete {group}"))?;
        }
        Ok(())
    }

    /// Becomes a member of `group`, and answers with the member's id.
    pub fn join_group(&mut self, group: &str) -> Result<String> {
        let protocol =
            JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
        let id = StrBytes::from_string(group.to_owned());
        let request = JoinGroupRequest::default()
            .with_group_id(id.into())
            .with_session_timeout_ms(SESSION_TIMEOUT_MS)
            .with_rebalance_timeout_ms(SESSION_TIMEOUT_MS)
            .with_protocol_type(StrBytes::from_static_str("consumer"))
            .with_protocols(vec![protocol]);
        let answer = self.ask_coordinator(group, JOIN_GROUP, &request)?;
        refused(answer.error_code).with_context(|| format!("join {group}"))?;
        Ok(answer.member_id.to_string())
    }

    /// Leaves the group again.
    pub fn leave_group(&mut self, group: &str, member: &str) -> Result<()> {
        let id = StrBytes::from_string(group.to_owned());
        let request = LeaveGroupRequest::default()
            .with_group_id(id.into())
            .with_member_id(StrBytes::from_string(member.to_owned()));
        let answer = self.ask_coordinator(group, LEAVE_GROUP, &request)?;
        refused(answer.error_code).with_context(|| format!("leave {group}"))
    }
}
