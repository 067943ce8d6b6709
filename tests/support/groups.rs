//! Consumer groups as an administrator sees them: who is in, and what was committed.

use anyhow::{Context, Result};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{DescribeGroupsRequest, ListGroupsRequest, OffsetFetchRequest};
use kafka_protocol::protocol::StrBytes;

use super::client::{Client, topic_name};
use super::wire::refused;

const DESCRIBE_GROUPS: i16 = 4;
const LIST_GROUPS: i16 = 2;
const OFFSET_FETCH: i16 = 5;

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
}
