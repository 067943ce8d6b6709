//! Asks what groups hold of partitions: the mirror's own, and the one that it used before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;

use super::mark::{Committed, Mark};
use super::observe::{Known, Question, Told, of};
use crate::clusters::{GroupOffset, GroupQuery, TopicPartition};
use crate::config::Start;
use crate::librdkafka::admin::Failure;
use crate::offset::{Position, SourceOffset};

/// Longest wait for the group's coordinator; a longer one would only delay the next attempt.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(10);

/// What groups hold of the partitions asked about.
pub struct Held {
    committed: Told<Committed>,
    /// Whether the copy has been written to, of partitions of which the group holds nothing.
    copied: Told<()>,
    /// What the other group holds of them.
    elsewhere: Told<Committed>,
}

impl Held {
    /// What the mirror's own group holds; an error says why that cannot be told.
    pub fn committed(&self, at: &TopicPartition) -> Result<Option<Committed>, String> {
        of(&self.committed, at)
    }

    /// Where the partition goes on by what a group holds; an error says why that cannot be told.
    pub fn known(&self, at: &TopicPartition) -> Result<Option<Known>, String> {
        let own = self.committed(at)?;
        let elsewhere = of(&self.elsewhere, at)?;
        let held = own.or(elsewhere);
        Ok(held.map(|held| Known {
            position: Some(held.position),
            counted_in: held.mark.topic_id(),
        }))
    }

    /// Whether the copy has been written to, although the group holds nothing; an error says why that cannot be told.
    pub fn is_copied(&self, at: &TopicPartition) -> Result<bool, String> {
        Ok(of(&self.copied, at)?.is_some())
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
    pub(super) async fn held(&self) -> Result<Held, String> {
        let committed = self.committed().await?;
        let is_unknown = |at: &&TopicPartition| committed.get(*at) == Some(&Ok(None));
        let unknown = self.partitions.keys().filter(is_unknown).cloned();
        let mut unknown: Vec<TopicPartition> = unknown.collect();
        let copied = self.copied(&unknown).await?;
        // An empty copy has no position anywhere.
        unknown.retain(|at| copied.get(at) != Some(&Ok(None)));
        let elsewhere = self.elsewhere(unknown).await?;
        Ok(Held {
            committed,
            copied,
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
        if self.start != Start::Earliest {
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

    /// Which copies of `unknown` have been written to, where nobody else may write them.
    async fn copied(&self, unknown: &[TopicPartition]) -> Result<Told<()>, String> {
        let copies = unknown.iter().filter_map(|at| {
            let copy = self.asked(at).copy.as_deref()?;
            Some((TopicPartition::new(copy, at.partition), at.clone()))
        });
        let copies: BTreeMap<_, _> = copies.collect();
        if copies.is_empty() {
            return Ok(Told::new());
        }
        let asked: Vec<_> = copies.keys().cloned().collect();
        let ends = self.target.log_ends(&asked).await;
        let ends = ends.map_err(|error| error.to_string())?.into_iter();
        let told = ends.filter_map(|end| {
            let written = match end.offset {
                Ok(offset) => Ok((offset > Some(0)).then_some(())),
                // It was created a moment ago, and not every broker knows.
                Err(failure) if failure.code == RDKafkaErrorCode::UnknownTopicOrPartition => {
                    Ok(None)
                }
                Err(failure) => Err(format!("{}: {failure}", end.at)),
            };
            Some((copies.get(&end.at)?.clone(), written))
        });
        Ok(told.collect())
    }

    /// What the other group holds of `unknown`: the mirror may have run with the other choice of `consumer_groups` before.
    async fn elsewhere(&self, unknown: Vec<TopicPartition>) -> Result<Told<Committed>, String> {
        let mut groups: BTreeMap<&str, Vec<TopicPartition>> = BTreeMap::new();
        for at in unknown {
            let group = &self.asked(&at).other_group;
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
