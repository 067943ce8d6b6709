//! Reads what groups have committed on the source.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::translator::Maps;
use crate::board::now_ms;
use crate::clusters::{Error, GroupOffset, GroupQuery, Inspector, TopicPartition};
use crate::config::{Counterpart, Mirror};
use crate::librdkafka::admin::Failure;
use crate::offset::SourceOffset;

/// Groups asked about at the same time, each by a request of its own.
pub(super) const AT_ONCE: usize = 100;

/// Where a group is in one partition of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// The next offset that it reads.
    pub(super) offset: SourceOffset,
    /// What it committed beside it.
    pub(super) metadata: Arc<str>,
    /// When that was read, in milliseconds since 1970.
    pub(super) read_at: i64,
}

/// What a group has committed for one partition that this process copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    /// The group.
    pub(super) group: Arc<str>,
    /// The partition on the source.
    pub(super) at: TopicPartition,
    /// Its name on the target.
    pub(super) copy: TopicPartition,
    /// Where the group is.
    pub(super) position: Position,
    /// What that is worth on the target.
    pub(super) counterpart: Counterpart,
}

/// What was seen of all groups.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// Group by group.
    pub(super) held: Vec<Held>,
    /// Groups whose offsets the source did not tell; without a name, brokers that did not tell their groups.
    pub(super) failed: Vec<(Option<Arc<str>>, Failure)>,
}

/// Reads the offsets of all groups that the mirror selects, as far as `maps` are there.
///
/// # Errors
///
/// When the source does not answer at all.
pub(super) async fn look(source: &Inspector, mirror: &Mirror, maps: &Maps) -> Result<Sight, Error> {
    let listing = source.groups().await?;
    let failures = listing.failures.into_iter();
    let mut sight = Sight {
        held: Vec::new(),
        failed: failures.map(|failure| (None, failure)).collect(),
    };
    let mut names = listing.groups;
    names.retain(|name| mirror.groups.matches(name));
    names.sort_unstable();
    for some in names.chunks(AT_ONCE) {
        let queries = some.iter().map(|group| GroupQuery {
            group: group.clone(),
            partitions: Vec::new(),
        });
        let answers = source.committed(queries.collect()).await?;
        let read_at = now_ms();
        for (name, answer) in some.iter().zip(answers) {
            let group: Arc<str> = name.as_str().into();
            match answer {
                Ok(offsets) => sight.add(&group, offsets, read_at, mirror, maps),
                Err(failure) => sight.failed.push((Some(group), failure)),
            }
        }
    }
    Ok(sight)
}

impl Sight {
    fn add(
        &mut self,
        group: &Arc<str>,
        offsets: Vec<GroupOffset>,
        read_at: i64,
        mirror: &Mirror,
        maps: &Maps,
    ) {
        let shared = shared_copies(&offsets, mirror);
        for GroupOffset {
            at,
            offset,
            metadata,
        } in offsets
        {
            let Some(registered) = maps.get(&at) else {
                continue;
            };
            let offset = match offset {
                Ok(Some(offset)) => SourceOffset::new(offset),
                Ok(None) => continue,
                Err(failure) => {
                    self.failed.push((Some(Arc::clone(group)), failure));
                    continue;
                }
            };
            let copy = TopicPartition::new(Arc::clone(&registered.target_topic), at.partition);
            let counterpart = match shared.get(&copy) {
                Some(2..) => Counterpart::Mixed,
                _ => mirror.counterpart(&at.topic),
            };
            self.held.push(Held {
                group: Arc::clone(group),
                at,
                copy,
                position: Position {
                    offset,
                    metadata: metadata.into(),
                    read_at,
                },
                counterpart,
            });
        }
    }
}

/// How many partitions that a group reads are in the same copy, where topics may share one.
fn shared_copies(offsets: &[GroupOffset], mirror: &Mirror) -> BTreeMap<TopicPartition, usize> {
    let mut copies = BTreeMap::new();
    if mirror.target_topic.keeps_topics_apart() {
        return copies;
    }
    let committed = offsets.iter();
    let committed = committed.filter(|one| !matches!(one.offset, Ok(None)));
    for one in committed.filter(|one| mirror.selects(&one.at.topic)) {
        let copy = mirror.target_name(&one.at.topic);
        let copy = TopicPartition::new(copy, one.at.partition);
        *copies.entry(copy).or_default() += 1;
    }
    copies
}
