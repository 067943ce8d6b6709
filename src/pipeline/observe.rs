//! Asks what is committed and what the source holds of partitions, until every answer is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::begin::Observed;
use super::mark::Committed;
use super::member::Member;
use crate::clusters::{Inspector, TopicId, TopicPartition};
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

impl Question {
    /// Asks until everything is answered. Trouble is told once, then with each tenth attempt.
    pub async fn answer(&self) -> Vec<(i32, Observed)> {
        let mut delays = Delays::default();
        let mut attempts = 0u32;
        loop {
            match self.ask().await {
                Ok(observed) => return observed,
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

    async fn ask(&self) -> Result<Vec<(i32, Observed)>, String> {
        let committed = self.committed().await?;
        let topic = std::slice::from_ref(&self.topic);
        let ids = self.inspector.topic_ids(topic).await;
        let topic_id = ids.map_err(|error| error.to_string())?.remove(&self.topic);
        let partitions: Vec<_> = self
            .partitions
            .keys()
            .map(|partition| TopicPartition::new(&self.topic, *partition))
            .collect();
        let starts = self.inspector.log_starts(&partitions).await;
        let starts = by_partition(starts.map_err(|error| error.to_string())?)?;
        let ends = self.inspector.log_ends(&partitions).await;
        let ends = by_partition(ends.map_err(|error| error.to_string())?)?;
        let times = match self.start {
            Start::At(time) => self.at_time(&partitions, time).await?,
            Start::Earliest | Start::Latest => BTreeMap::new(),
        };
        let offset = |offsets: &BTreeMap<i32, Option<SourceOffset>>, partition| {
            offsets.get(partition).copied().flatten()
        };
        let observed = self.partitions.iter().map(|(partition, known)| {
            let missing = || format!("no log start or end for partition {partition}");
            let committed = committed.get(partition).cloned().flatten();
            let Known {
                position,
                counted_in,
            } = match (known, &committed) {
                (Some(known), _) => known.clone(),
                (None, Some(committed)) => Known {
                    position: Some(committed.position),
                    counted_in: committed.mark.topic_id(),
                },
                (None, None) => Known {
                    position: None,
                    counted_in: self.last_seen.clone(),
                },
            };
            Ok((
                *partition,
                Observed {
                    committed,
                    position,
                    counted_in,
                    topic_id: topic_id.clone(),
                    log_start: offset(&starts, partition).ok_or_else(missing)?,
                    log_end: offset(&ends, partition).ok_or_else(missing)?,
                    at_time: offset(&times, partition),
                },
            ))
        });
        observed.collect()
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

    async fn at_time(
        &self,
        partitions: &[TopicPartition],
        time: SystemTime,
    ) -> Result<BTreeMap<i32, Option<SourceOffset>>, String> {
        let offsets = self.inspector.offsets_at(partitions, time).await;
        by_partition(offsets.map_err(|error| error.to_string())?)
    }
}

fn by_partition(
    offsets: Vec<PartitionOffset>,
) -> Result<BTreeMap<i32, Option<SourceOffset>>, String> {
    let offsets = offsets.into_iter().map(|answer| match answer.offset {
        Ok(offset) => Ok((answer.at.partition, offset.map(SourceOffset::new))),
        Err(failure) => Err(format!("{}: {failure}", answer.at)),
    });
    offsets.collect()
}
