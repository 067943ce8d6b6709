//! Asks what is committed and what the source holds of partitions, until the clusters answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rdkafka::types::RDKafkaErrorCode;

use super::begin::Observed;
use super::mark::Committed;
use super::member::Member;
use crate::clusters::{Error, Inspector, TopicId, TopicPartition};
use crate::config::Start;
use crate::librdkafka::admin::PartitionOffset;
use crate::offset::{Position, SourceOffset};
use crate::retry::Delays;

/// Longest wait for the group's coordinator; a longer one would only delay the next attempt.
const COMMITTED_TIMEOUT: Duration = Duration::from_secs(10);

/// Whom to ask, about what.
pub struct Question {
    /// For the committed positions.
    pub member: Arc<Member>,
    /// For each log's start and end.
    pub source: Inspector,
    /// About copies.
    pub target: Inspector,
    /// The topics of the partitions.
    pub topics: BTreeMap<Arc<str>, Asked>,
    /// Partitions, each with what is known better than by a commit.
    pub partitions: BTreeMap<TopicPartition, Option<Known>>,
    /// Decides whether offsets by time are asked for.
    pub start: Start,
}

/// What to know of a topic.
pub struct Asked {
    /// Its copy; `None` where others may write it, too.
    pub copy: Option<String>,
    /// The topic that bore the name when this process last looked.
    pub last_seen: Option<TopicId>,
}

/// Where a partition goes on that this process had in its hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Everything before it is acknowledged.
    pub position: Option<Position>,
    /// The topic in which it counts.
    pub counted_in: Option<TopicId>,
}

/// What is known of the partitions asked about.
#[derive(Default)]
pub struct Answer {
    /// Those of which all is known.
    pub observed: Vec<(TopicPartition, Observed)>,
    /// Those of which the source does not tell all at the moment, each with the reason: nobody leads them, they may not be
    /// read.
    pub untold: BTreeMap<TopicPartition, String>,
}

/// What there is for each partition, or why it cannot be told.
type Told<T> = BTreeMap<TopicPartition, Result<Option<T>, String>>;

/// What the clusters tell of the logs.
struct Logs {
    topic_ids: BTreeMap<String, TopicId>,
    starts: Told<SourceOffset>,
    ends: Told<SourceOffset>,
    times: Told<SourceOffset>,
    /// Partitions of which no position is known, and whose copy has been written to.
    copied: BTreeSet<TopicPartition>,
}

impl Question {
    /// Asks until the clusters answer. Trouble is told once, then with each tenth attempt.
    pub async fn answer(&self) -> Answer {
        let mut delays = Delays::default();
        let mut attempts = 0u32;
        loop {
            match self.ask().await {
                Ok(answer) => return answer,
                Err(error) if attempts.is_multiple_of(10) => {
                    tracing::warn!(attempts, error, "cannot tell where to begin");
                }
                Err(_) => {}
            }
            attempts += 1;
            tokio::time::sleep(delays.draw()).await;
        }
    }

    async fn ask(&self) -> Result<Answer, String> {
        let committed = self.committed().await?;
        let logs = self.logs(&committed).await?;
        let mut answer = Answer::default();
        for (at, known) in &self.partitions {
            let observed = of(&committed, at)
                .and_then(|committed| self.observed(at, known.clone(), committed, &logs));
            match observed {
                Ok(observed) => answer.observed.push((at.clone(), observed)),
                Err(reason) => {
                    answer.untold.insert(at.clone(), reason);
                }
            }
        }
        Ok(answer)
    }

    /// Puts together what is known of one partition; an error says what is missing.
    fn observed(
        &self,
        at: &TopicPartition,
        known: Option<Known>,
        committed: Option<Committed>,
        logs: &Logs,
    ) -> Result<Observed, String> {
        let Known {
            position,
            counted_in,
        } = match (known, &committed) {
            (Some(known), _) => known,
            (None, Some(committed)) => Known {
                position: Some(committed.position),
                counted_in: committed.mark.topic_id(),
            },
            (None, None) => Known {
                position: None,
                counted_in: self.asked(at).last_seen.clone(),
            },
        };
        let bound = |offsets| {
            let offset = of(offsets, at)?;
            offset
                .ok_or_else(|| "the source does not tell where its log begins and ends".to_owned())
        };
        Ok(Observed {
            committed,
            position,
            counted_in,
            topic_id: logs.topic_ids.get(&*at.topic).cloned(),
            log_start: bound(&logs.starts)?,
            log_end: bound(&logs.ends)?,
            at_time: of(&logs.times, at)?,
            is_copied: logs.copied.contains(at),
        })
    }

    fn asked(&self, at: &TopicPartition) -> &Asked {
        let asked = self.topics.get(&at.topic);
        asked.expect("each partition's topic is here")
    }

    async fn logs(&self, committed: &Told<Committed>) -> Result<Logs, String> {
        let names: Vec<_> = self.topics.keys().map(ToString::to_string).collect();
        let ids = self.source.topic_ids(&names).await;
        let partitions: Vec<_> = self.partitions.keys().cloned().collect();
        let starts = self.source.log_starts(&partitions).await;
        let ends = self.source.log_ends(&partitions).await;
        let times = match self.start {
            Start::At(time) => self.source.offsets_at(&partitions, time).await,
            Start::Earliest | Start::Latest => Ok(Vec::new()),
        };
        Ok(Logs {
            topic_ids: ids.map_err(|error| error.to_string())?,
            starts: told(starts)?,
            ends: told(ends)?,
            times: told(times)?,
            copied: self.copied(committed).await?,
        })
    }

    /// Partitions of which no position is known, and whose copy has been written to.
    async fn copied(
        &self,
        committed: &Told<Committed>,
    ) -> Result<BTreeSet<TopicPartition>, String> {
        let unknown = committed.iter().filter(|(_, held)| **held == Ok(None));
        let copies = unknown.filter_map(|(at, _)| {
            let copy = self.asked(at).copy.as_deref()?;
            Some((TopicPartition::new(copy, at.partition), at.clone()))
        });
        let copies: BTreeMap<_, _> = copies.collect();
        if copies.is_empty() {
            return Ok(BTreeSet::new());
        }
        let asked: Vec<_> = copies.keys().cloned().collect();
        let ends = self.target.log_ends(&asked).await;
        let ends = ends.map_err(|error| error.to_string())?.into_iter();
        let written = ends.filter_map(|end| match end.offset {
            Ok(offset) if offset > Some(0) => Some(Ok(copies.get(&end.at)?.clone())),
            Ok(_) => None,
            // It was created a moment ago, and not every broker knows.
            Err(failure) if failure.code == RDKafkaErrorCode::UnknownTopicOrPartition => None,
            Err(failure) => Some(Err(format!("{}: {failure}", end.at))),
        });
        written.collect()
    }

    /// What the group holds for partitions of which this process knows nothing better.
    async fn committed(&self) -> Result<Told<Committed>, String> {
        let unknown = self.partitions.iter().filter(|(_, known)| known.is_none());
        let unknown: Vec<_> = unknown.map(|(at, _)| at.clone()).collect();
        if unknown.is_empty() {
            return Ok(BTreeMap::new());
        }
        let member = Arc::clone(&self.member);
        let ask = move || member.committed(&unknown, COMMITTED_TIMEOUT);
        let committed = tokio::task::spawn_blocking(ask).await;
        let committed = committed.expect("asking does not panic");
        let committed = committed.map_err(|error| error.to_string())?.into_iter();
        let committed = committed.map(|(at, held)| (at, held.map_err(|error| error.to_string())));
        Ok(committed.collect())
    }
}

fn told(offsets: Result<Vec<PartitionOffset>, Error>) -> Result<Told<SourceOffset>, String> {
    let offsets = offsets.map_err(|error| error.to_string())?;
    let offsets = offsets.into_iter().map(|answer| {
        let offset = answer.offset.map(|offset| offset.map(SourceOffset::new));
        (answer.at, offset.map_err(|failure| failure.to_string()))
    });
    Ok(offsets.collect())
}

/// What is told of one partition; none when it was not asked for.
fn of<T: Clone>(told: &Told<T>, at: &TopicPartition) -> Result<Option<T>, String> {
    told.get(at).cloned().unwrap_or(Ok(None))
}
