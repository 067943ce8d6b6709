//! Asks what is committed and what the source holds of partitions, until every answer is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::begin::Observed;
use super::member::Member;
use crate::clusters::{Inspector, TopicPartition};
use crate::config::Start;
use crate::librdkafka::admin::PartitionOffset;
use crate::offset::SourceOffset;
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
    /// Partitions, each with the position that is known better than by a commit.
    pub partitions: BTreeMap<i32, Option<SourceOffset>>,
    /// Decides whether offsets by time are asked for.
    pub start: Start,
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
        let positions = self.positions().await?;
        let partitions: Vec<_> = positions
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
        let observed = positions.iter().map(|(partition, position)| {
            let missing = || format!("no log start or end for partition {partition}");
            Ok((
                *partition,
                Observed {
                    position: *position,
                    log_start: offset(&starts, partition).ok_or_else(missing)?,
                    log_end: offset(&ends, partition).ok_or_else(missing)?,
                    at_time: offset(&times, partition),
                },
            ))
        });
        observed.collect()
    }

    async fn positions(&self) -> Result<BTreeMap<i32, Option<SourceOffset>>, String> {
        let mut positions = self.partitions.clone();
        let unknown: Vec<i32> = positions
            .iter()
            .filter(|(_, position)| position.is_none())
            .map(|(partition, _)| *partition)
            .collect();
        if !unknown.is_empty() {
            let member = Arc::clone(&self.member);
            let committed =
                tokio::task::spawn_blocking(move || member.committed(&unknown, COMMITTED_TIMEOUT));
            let committed = committed.await.expect("asking does not panic");
            positions.extend(committed.map_err(|error| error.to_string())?);
        }
        Ok(positions)
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
