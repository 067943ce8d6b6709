//! Asks what groups hold of partitions: the mirror's own, and the one that it used before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;

use super::copies::Copies;
use super::observe::{Question, Told, of};
use crate::clusters::{GroupOffset, GroupQuery, TopicPartition};
use crate::config::Start;
use crate::librdkafka::admin::Failure;
use crate::offset::{Position, SourceOffset, TargetOffset};
use crate::pipeline::mark::{Committed, Mark};

/// Longest wait for the group's coordinator; a longer one would only delay the next attempt.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(10);

/// What groups hold of the partitions asked about.
pub struct Held {
    committed: Told<Committed>,
    /// What the other group holds of them.
    elsewhere: Told<Committed>,
}

impl Held {
    /// What the mirror's own group holds; an error says why that cannot be told.
    pub fn committed(&self, at: &TopicPartition) -> Result<Option<Committed>, String> {
        of(&self.committed, at)
    }

    /// What a group holds, be it the mirror's own or the one that it used before; an error says why that cannot be told.
    pub fn by_any_group(&self, at: &TopicPartition) -> Result<Option<Committed>, String> {
        let own = self.committed(at)?;
        let elsewhere = of(&self.elsewhere, at)?;
        Ok(own.or(elsewhere))
    }

    /// How many partitions the topic had when the mirror began, as the commits of any of them tell.
    pub fn began_with(&self, at: &TopicPartition) -> Option<u32> {
        let first = TopicPartition::new(Arc::clone(&at.topic), i32::MIN);
        let siblings = self.committed.range(first..);
        let siblings = siblings.take_while(|(sibling, _)| sibling.topic == at.topic);
        let elsewhere = self.elsewhere.get_key_value(at);
        let held = siblings.chain(elsewhere);
        let held = held.filter_map(|(_, held)| held.as_ref().ok()?.as_ref());
        held.filter_map(|held| held.mark.began_with).min()
    }
}

impl Question {
    /// Asks what the groups hold.
    pub(super) async fn held(&self, copies: &Copies) -> Result<Held, String> {
        let committed = self.committed().await?;
        let is_unknown = |at: &&TopicPartition| committed.get(*at) == Some(&Ok(None));
        let unknown = self.partitions.keys().filter(is_unknown).cloned();
        // An empty copy has no position anywhere.
        let unknown = unknown.filter(|at| copies.end(at) != Ok(TargetOffset::new(0)));
        let elsewhere = self.elsewhere(unknown.collect()).await?;
        Ok(Held {
            committed,
            elsewhere,
        })
    }

    /// What the group holds for partitions of which this process knows nothing better, and for their siblings, where it
    /// matters which of them were there first.
    async fn committed(&self) -> Result<Told<Committed>, String> {
        let unknown = self.partitions.iter().filter(|(_, known)| known.is_none());
        let mut asked: BTreeSet<_> = unknown.map(|(at, _)| at.clone()).collect();
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        if self.mirror.start != Start::Earliest {
            let topics: BTreeSet<_> = asked.iter().map(|at| Arc::clone(&at.topic)).collect();
            asked.extend(topics.iter().flat_map(|topic| self.siblings(topic)));
        }
        let member = Arc::clone(&self.member);
        let asked: Vec<_> = asked.into_iter().collect();
        let ask = move || member.committed(&asked, COMMITTED_TIMEOUT);
        let committed = tokio::task::spawn_blocking(ask).await;
        let committed = committed.expect("asking does not panic");
        let committed = committed.map_err(|error| error.to_string())?.into_iter();
        let committed = committed.map(|(at, held)| (at, held.map_err(|error| error.to_string())));
        Ok(committed.collect())
    }

    fn siblings(&self, topic: &Arc<str>) -> impl Iterator<Item = TopicPartition> {
        let count = self.topics.get(topic).map_or(0, |asked| asked.partitions);
        let numbers = 0..i32::try_from(count).unwrap_or(i32::MAX);
        let topic = Arc::clone(topic);
        numbers.map(move |number| TopicPartition::new(Arc::clone(&topic), number))
    }

    /// What the other group holds of `unknown`: the mirror may have run with the other choice of `consumer_groups` before.
    async fn elsewhere(&self, unknown: Vec<TopicPartition>) -> Result<Told<Committed>, String> {
        let mut groups: BTreeMap<&str, Vec<TopicPartition>> = BTreeMap::new();
        for at in unknown {
            let group = &self.asked(&at).names.other_group;
            groups.entry(group).or_default().push(at);
        }
        if groups.is_empty() {
            return Ok(Told::new());
        }
        let queries = groups.into_iter().map(|(group, partitions)| GroupQuery {
            group: group.to_owned(),
            partitions,
        });
        let queries: Vec<_> = queries.collect();
        let answers = self.source.committed(queries.clone()).await;
        let answers = answers.map_err(|error| error.to_string())?;
        let told = queries.into_iter().zip(answers);
        Ok(told
            .flat_map(|(query, answer)| by_partition(query, answer))
            .collect())
    }
}

/// What a group holds of each partition that it was asked about. One that may not be looked at never had a position of
/// ours: committing asks for the same right.
fn by_partition(
    query: GroupQuery,
    answer: Result<Vec<GroupOffset>, Failure>,
) -> Vec<(TopicPartition, Result<Option<Committed>, String>)> {
    match answer {
        Ok(held) => held.into_iter().map(committed).collect(),
        Err(failure) => {
            let denied = failure.code == RDKafkaErrorCode::GroupAuthorizationFailed;
            let told = match denied {
                true => Ok(None),
                false => Err(format!("group {}: {failure}", query.group)),
            };
            let partitions = query.partitions.into_iter();
            partitions.map(|at| (at, told.clone())).collect()
        }
    }
}

fn committed(held: GroupOffset) -> (TopicPartition, Result<Option<Committed>, String>) {
    let told = held.offset.map_err(|failure| failure.to_string());
    let told = told.map(|offset| {
        offset.map(|offset| Committed {
            position: Position::at(SourceOffset::new(offset)),
            mark: Mark::read(&held.metadata),
        })
    });
    (held.at, told)
}
