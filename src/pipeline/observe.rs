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
    /// For the log's start and end.
    pub inspector: Inspector,
    /// Source topic.
    pub topic: String,
    /// Its copy, and whom to ask about it; `None` where others may write it, too.
    pub copy: Option<(Inspector, String)>,
    /// Partitions, each with what is known better than by a commit.
    pub partitions: BTreeMap<i32, Option<Known>>,
    /// The topic that bore the name when this process last looked.
    pub last_seen: Option<TopicId>,
    /// Decides whether offsets by time are asked for.
    pub start: Start,
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
    pub observed: Vec<(i32, Observed)>,
    /// Those of which the source does not tell all at the moment, each with the reason: nobody leads them.
    pub untold: BTreeMap<i32, String>,
}

/// Offsets, or why there are none, by partition.
type Offsets = BTreeMap<i32, Result<Option<SourceOffset>, String>>;

/// What the clusters tell of the logs.
struct Logs {
    topic_id: Option<TopicId>,
    starts: Offsets,
    ends: Offsets,
    times: Offsets,
    /// Partitions of which no position is known, and whose copy has been written to.
    copied: BTreeSet<i32>,
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
                    tracing::warn!(
                        topic = self.topic,
                        attempts,
                        error,
                        "cannot tell where to begin"
                    );
                }
                Err(_) => {}
            }
            attempts += 1;
            tokio::time::sleep(delays.draw()).await;
        }
    }

    async fn ask(&self) -> Result<Answer, String> {
        let mut committed = self.committed().await?;
        let logs = self.logs(&committed).await?;
        let mut answer = Answer::default();
        for (partition, known) in &self.partitions {
            let committed = committed.remove(partition).flatten();
            match self.observed(*partition, known.clone(), committed, &logs) {
                Ok(observed) => answer.observed.push((*partition, observed)),
                Err(reason) => {
                    answer.untold.insert(*partition, reason);
                }
            }
        }
        Ok(answer)
    }

    /// Puts together what is known of one partition; an error says what is missing.
    fn observed(
        &self,
        partition: i32,
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
                counted_in: self.last_seen.clone(),
            },
        };
        let bound = |offsets| {
            let offset = offset(offsets, partition)?;
            offset
                .ok_or_else(|| "the source does not tell where its log begins and ends".to_owned())
        };
        Ok(Observed {
            committed,
            position,
            counted_in,
            topic_id: logs.topic_id.clone(),
            log_start: bound(&logs.starts)?,
            log_end: bound(&logs.ends)?,
            at_time: offset(&logs.times, partition)?,
            is_copied: logs.copied.contains(&partition),
        })
    }

    async fn logs(&self, committed: &BTreeMap<i32, Option<Committed>>) -> Result<Logs, String> {
        let topic = std::slice::from_ref(&self.topic);
        let ids = self.inspector.topic_ids(topic).await;
        let partitions: Vec<_> = self
            .partitions
            .keys()
            .map(|partition| TopicPartition::new(&self.topic, *partition))
            .collect();
        let starts = self.inspector.log_starts(&partitions).await;
        let ends = self.inspector.log_ends(&partitions).await;
        let times = match self.start {
            Start::At(time) => self.inspector.offsets_at(&partitions, time).await,
            Start::Earliest | Start::Latest => Ok(Vec::new()),
        };
        Ok(Logs {
            topic_id: ids.map_err(|error| error.to_string())?.remove(&self.topic),
            starts: by_partition(starts)?,
            ends: by_partition(ends)?,
            times: by_partition(times)?,
            copied: self.copied(committed).await?,
        })
    }

    /// Partitions of which no position is known, and whose copy has been written to.
    async fn copied(
        &self,
        committed: &BTreeMap<i32, Option<Committed>>,
    ) -> Result<BTreeSet<i32>, String> {
        let Some((target, copy)) = &self.copy else {
            return Ok(BTreeSet::new());
        };
        let unknown = committed.iter().filter(|(_, position)| position.is_none());
        let unknown: Vec<_> = unknown
            .map(|(partition, _)| TopicPartition::new(copy, *partition))
            .collect();
        if unknown.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ends = target.log_ends(&unknown).await;
        let ends = ends.map_err(|error| error.to_string())?.into_iter();
        let written = ends.filter_map(|end| match end.offset {
            Ok(offset) => (offset > Some(0)).then_some(Ok(end.at.partition)),
            // It was created a moment ago, and not every broker knows.
            Err(failure) if failure.code == RDKafkaErrorCode::UnknownTopicOrPartition => None,
            Err(failure) => Some(Err(format!("{}: {failure}", end.at))),
        });
        written.collect()
    }

    /// What the group holds for partitions of which this process knows nothing better.
    async fn committed(&self) -> Result<BTreeMap<i32, Option<Committed>>, String> {
        let unknown = self.partitions.iter().filter(|(_, known)| known.is_none());
        let unknown: Vec<i32> = unknown.map(|(partition, _)| *partition).collect();
        if unknown.is_empty() {
            return Ok(BTreeMap::new());
        }
        let member = Arc::clone(&self.member);
        let ask = move || member.committed(&unknown, COMMITTED_TIMEOUT);
        let committed = tokio::task::spawn_blocking(ask).await;
        let committed = committed.expect("asking does not panic");
        let committed = committed.map_err(|error| error.to_string())?;
        Ok(committed.into_iter().collect())
    }
}

fn by_partition(offsets: Result<Vec<PartitionOffset>, Error>) -> Result<Offsets, String> {
    let offsets = offsets.map_err(|error| error.to_string())?;
    let offsets = offsets.into_iter().map(|answer| {
        let offset = answer.offset.map(|offset| offset.map(SourceOffset::new));
        (
            answer.at.partition,
            offset.map_err(|failure| failure.to_string()),
        )
    });
    Ok(offsets.collect())
}

/// The offset of a partition; none when it was not asked for.
fn offset(offsets: &Offsets, partition: i32) -> Result<Option<SourceOffset>, String> {
    offsets.get(&partition).cloned().unwrap_or(Ok(None))
}
