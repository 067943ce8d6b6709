//! Reads what groups have committed on the source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::translator::Maps;
use crate::board::now_ms;
use crate::clusters::{Error, GroupOffset, GroupQuery, Inspector, TopicPartition};
use crate::config::{Counterpart, Mirror};
use crate::librdkafka::admin::Failure;
use crate::offset::SourceOffset;

/// Groups asked about at the same time, each by a request of its own.
pub(super) const AT_ONCE: usize = 500;

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
        let mixed = mixed_partitions(&offsets, mirror);
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
            let counterpart = match mixed.contains(&at) {
                true => Counterpart::Mixed,
                false => mirror.counterpart(&at.topic),
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

/// Which of the partitions that a group has committed `offsets` for have no one counterpart: several that it reads are in
/// the same copy, or their records come to the target on several ways.
pub fn mixed_partitions(offsets: &[GroupOffset], mirror: &Mirror) -> BTreeSet<TopicPartition> {
    let committed = offsets.iter();
    let committed = committed.filter(|one| !matches!(one.offset, Ok(None)));
    let selected = committed.filter(|one| mirror.selects(&one.at.topic));
    let (mut mixed, mut copies) = (BTreeSet::new(), BTreeMap::new());
    for GroupOffset { at, .. } in selected {
        if mirror.counterpart(&at.topic) == Counterpart::Mixed {
            mixed.insert(at.clone());
        }
        // Elsewhere each topic has a copy of its own.
        if !mirror.target_topic.keeps_topics_apart() {
            let copy = (mirror.target_name(&at.topic), at.partition);
            let those: &mut Vec<_> = copies.entry(copy).or_default();
            those.push(at.clone());
        }
    }
    let shared = copies.into_values().filter(|those| those.len() > 1);
    mixed.extend(shared.flatten());
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn mirror(template: &str) -> Mirror {
        let text = format!(
            "clusters:\n  a: {{ bootstrap_servers: 'a:1' }}\n  b: {{ bootstrap_servers: 'b:1' }}\n\
             mirrors:\n  - {{ source: a, target: b, exclude_topics: [left-out], target_topic: '{template}' }}\n"
        );
        let config: Config =
            crate::config::parse(&text, &|_| None, std::path::Path::new("")).expect("a valid file");
        config.mirrors[0].clone()
    }

    fn offset(topic: &str, partition: i32, offset: Option<i64>) -> GroupOffset {
        GroupOffset {
            at: TopicPartition::new(topic, partition),
            offset: Ok(offset),
            metadata: String::new(),
        }
    }

    #[test]
    fn of_topics_that_share_a_copy_a_group_may_read_one() {
        let offsets = [
            offset("orders", 0, Some(1)),
            offset("orders", 1, Some(1)),
            offset("visits", 1, Some(1)),
            offset("clicks", 0, None),
            offset("left-out", 0, Some(1)),
        ];
        let both = ["orders", "visits"].map(|topic| TopicPartition::new(topic, 1));
        let mixed = mixed_partitions(&offsets, &mirror("all"));
        assert_eq!(mixed, BTreeSet::from(both));
        let apart = mixed_partitions(&offsets, &mirror("all.{topic}"));
        assert!(apart.is_empty());
    }
}
