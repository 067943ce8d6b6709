//! Asks where partitions stand and what the source holds of them, until the clusters answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::begin::Observed;
use super::held::Held;
use super::member::Member;
use crate::clusters::{Error, Inspector, TopicId, TopicPartition};
use crate::config::Start;
use crate::librdkafka::admin::PartitionOffset;
use crate::offset::{Position, SourceOffset};
use crate::retry::Delays;

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
    /// How many partitions it has.
    pub partitions: u32,
    /// The group that has its positions if the mirror ran with the other choice of `consumer_groups` before.
    pub other_group: String,
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
pub type Told<T> = BTreeMap<TopicPartition, Result<Option<T>, String>>;

/// What the clusters tell of the logs.
struct Logs {
    topic_ids: BTreeMap<String, TopicId>,
    starts: Told<SourceOffset>,
    ends: Told<SourceOffset>,
    times: Told<SourceOffset>,
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
        let held = self.held().await?;
        let logs = self.logs().await?;
        let mut answer = Answer::default();
        for (at, known) in &self.partitions {
            match self.observed(at, known.clone(), &held, &logs) {
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
        held: &Held,
        logs: &Logs,
    ) -> Result<Observed, String> {
        let asked = self.asked(at);
        let unknown = || Known {
            position: None,
            counted_in: asked.last_seen.clone(),
        };
        let committed = held.committed(at)?;
        let known = match known {
            Some(known) => Some(known),
            None => held.known(at)?,
        };
        let Known {
            position,
            counted_in,
        } = known.unwrap_or_else(unknown);
        let began_with = held.began_with(at).unwrap_or(asked.partitions);
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
            began_with,
            is_new: u32::try_from(at.partition).is_ok_and(|number| number >= began_with),
            is_copied: held.is_copied(at)?,
        })
    }

    pub(super) fn asked(&self, at: &TopicPartition) -> &Asked {
        let asked = self.topics.get(&at.topic);
        asked.expect("each partition's topic is here")
    }

    async fn logs(&self) -> Result<Logs, String> {
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
        })
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
pub fn of<T: Clone>(told: &Told<T>, at: &TopicPartition) -> Result<Option<T>, String> {
    told.get(at).cloned().unwrap_or(Ok(None))
}
