//! Asks what the target holds of partitions, and what was stored of their offset maps.

use std::collections::BTreeMap;

use rdkafka::types::RDKafkaErrorCode;

use super::lookback::Found;
use super::observe::{Known, Question, Told, of};
use crate::clusters::{TopicId, TopicPartition};
use crate::config::Isolation;
use crate::offset::{SourceOffset, TargetOffset};
use crate::offset_map::{Ends, Past, Stored};

/// What the target tells of the copies.
pub struct Copies {
    /// Where each copy ends, by source partition.
    ends: Told<TargetOffset>,
    /// By their names.
    topic_ids: BTreeMap<String, TopicId>,
    /// What was stored of the maps, by source partition.
    stored: Told<Vec<Stored>>,
}

/// What is known of a partition's copy before the partition begins.
#[derive(Debug, Clone)]
pub struct Memory {
    /// What was stored of its map.
    pub past: Past,
    /// Between which topics it is mirrored now.
    pub ends: Ends,
    /// Where the copy ends.
    pub target_end: TargetOffset,
    /// How many records behind its end the map knows of: they were acknowledged.
    pub missing: u64,
    /// What the copy holds behind what the map knows, where it was looked at.
    pub found: Option<Found>,
    /// Records that another deployment noted on both sides, ascending; there is no map then.
    pub syncs: Vec<(SourceOffset, TargetOffset)>,
}

impl Copies {
    /// Where the copy of a source partition ends; an error says why that cannot be told.
    pub fn end(&self, at: &TopicPartition) -> Result<TargetOffset, String> {
        let end = of(&self.ends, at)?;
        // It was created a moment ago, and not every broker knows.
        Ok(end.unwrap_or(TargetOffset::new(0)))
    }

    /// Which topic bears the name of a copy.
    pub fn topic_id(&self, copy: &str) -> Option<TopicId> {
        self.topic_ids.get(copy).cloned()
    }

    /// What was stored of a partition's map; an error says why that cannot be told.
    pub fn stored(&self, at: &TopicPartition) -> Result<Vec<Stored>, String> {
        Ok(of(&self.stored, at)?.unwrap_or_default())
    }
}

impl Question {
    /// Asks the target.
    pub(super) async fn copies(&self) -> Result<Copies, String> {
        let copies = self.partitions.keys().map(|at| {
            let copy = self.asked(at).names.target_topic.as_str();
            (TopicPartition::new(copy, at.partition), at.clone())
        });
        // Several topics may share a copy.
        let copies: Vec<_> = copies.collect();
        let mut asked: Vec<_> = copies.iter().map(|(copy, _)| copy.clone()).collect();
        asked.sort();
        asked.dedup();
        // Before the ends: what is stored of maps by then is in the copies.
        let stored = self.stored().await?;
        let ends = self
            .target
            .ends_for(Isolation::ReadUncommitted, &asked)
            .await;
        let ends = ends.map_err(|error| error.to_string())?.into_iter();
        let ends: BTreeMap<_, _> = ends.map(|end| (end.at, end.offset)).collect();
        let told = copies.into_iter().map(|(copy, at)| {
            let end = match ends.get(&copy) {
                Some(Ok(end)) => Ok(end.map(TargetOffset::new)),
                Some(Err(failure)) if failure.code != RDKafkaErrorCode::UnknownTopicOrPartition => {
                    Err(format!("{copy}: {failure}"))
                }
                _ => Ok(None),
            };
            (at, end)
        });
        let ends = told.collect();
        let names = self
            .topics
            .values()
            .map(|asked| asked.names.target_topic.clone());
        let topic_ids = self.target.topic_ids(&names.collect::<Vec<_>>()).await;
        Ok(Copies {
            ends,
            topic_ids: topic_ids.map_err(|error| error.to_string())?,
            stored,
        })
    }

    /// What was stored of the maps of partitions that this process has none of.
    async fn stored(&self) -> Result<Told<Vec<Stored>>, String> {
        let is_unknown = |known: &Option<Known>| {
            known
                .as_ref()
                .is_none_or(|known| known.target_end.is_none())
        };
        let unknown = self
            .partitions
            .iter()
            .filter(|(_, known)| is_unknown(known));
        let unknown: Vec<_> = unknown.map(|(at, _)| at.clone()).collect();
        if unknown.is_empty() {
            return Ok(Told::new());
        }
        let stored = self.store.load(&unknown).await?.into_iter();
        Ok(stored.map(|(at, read)| (at, read.map(Some))).collect())
    }
}
