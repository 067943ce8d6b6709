//! Looks back at what the copies hold behind what their maps know, so that nothing of it is written twice.
//!
//! A process that dies leaves records on the target whose acknowledgements nobody saved. Whoever begins on the partition
//! next reads that short stretch, finds its records on the source, completes the map with them and goes on behind them.
//!
//! A write that the dying process still had in flight must not slip in after the look. A process that gives a partition back
//! has settled before, and says so in its last commit (`mark`). After any other, the first record that is written shuts out
//! all that may still come (`target::fence`): it goes under the name of the producer that wrote last, in an epoch that no
//! other of its writes has; and where the copy has grown since the look, it is not written, and the partition looks once more.
//!
//! What cannot be shut out is the one record that a lane writes first under a name of its own, which flies alone: its name is
//! not in the copy yet. Nor are writes to a copy that others write, too, whom it would shut out with them. And what lands
//! between the last question about the copy's end and the record that shuts it out is found behind it: that one record is
//! there twice. All this is noticed by the records' offsets (`Flight::acknowledge`), and told.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::observe::Question;
use crate::clusters::TopicPartition;
use crate::clusters::stretches::{self, Stretch, Taken};
use crate::config::Isolation;
use crate::librdkafka::message::{Header, Record};
use crate::offset::{SourceOffset, TargetOffset};
use crate::offset_map::{Cleaning, Digest, Recovered, Run, recover};
use crate::pipeline::provenance::LeftOut;
use crate::target::Stamp;

/// Longest time for reading what the copies of one topic hold, or what its source does.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// Records of a stretch that is looked at: far more than can be in flight. A longer one was written by others.
const LONGEST: u64 = 4_000_000;

/// The same where others are known to write: what is among that many of theirs would not be known again.
const LONGEST_SHARED: u64 = 100_000;

/// What to look at: where the map ends, and where the copy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beyond {
    /// The first source offset that the map does not know.
    pub mapped_to: SourceOffset,
    /// The first one from there on that the source still holds.
    pub source: SourceOffset,
    /// Where it was to be written.
    pub from: TargetOffset,
    /// Where the copy ends.
    pub to: TargetOffset,
}

/// What was found, or why it is not what this mirror wrote.
pub type Found = Result<Recovered, String>;

impl Question {
    /// Looks at what copies hold behind their maps; an error says why that cannot be told at the moment.
    pub(super) async fn look_back(
        &self,
        beyond: BTreeMap<TopicPartition, Beyond>,
    ) -> BTreeMap<TopicPartition, Result<Found, String>> {
        let mut looked = BTreeMap::new();
        let mut topics: BTreeMap<_, BTreeMap<i32, Beyond>> = BTreeMap::new();
        for (at, beyond) in beyond {
            let longest = match self.mirror.is_only_writer(&at.topic) {
                true => LONGEST,
                false => LONGEST_SHARED,
            };
            if beyond.to.since(beyond.from) > longest {
                let reason = format!("more than {longest} records were written to it");
                looked.insert(at, Ok(Err(reason)));
            } else {
                let partitions = topics.entry(at.topic).or_default();
                partitions.insert(at.partition, beyond);
            }
        }
        for (topic, partitions) in topics {
            let found = self.look_at(&topic, &partitions).await;
            looked.extend(partitions.into_keys().map(|partition| {
                let found = match &found {
                    Ok(found) => Ok(found[&partition].clone()),
                    Err(reason) => Err(reason.clone()),
                };
                (TopicPartition::new(topic.clone(), partition), found)
            }));
        }
        looked
    }

    async fn look_at(
        &self,
        topic: &str,
        partitions: &BTreeMap<i32, Beyond>,
    ) -> Result<BTreeMap<i32, Found>, String> {
        let names = &self.topics[topic].names;
        let starts = self.copy_starts(&names.target_topic, partitions).await?;
        let start = |partition: &i32| starts.get(partition).copied().unwrap_or(0);
        let on_target = partitions.iter().map(|(partition, beyond)| {
            let stretch = Stretch {
                from: beyond.from.get().max(start(partition)),
                before: beyond.to.get(),
                records: beyond.to.since(beyond.from),
            };
            (*partition, stretch)
        });
        let stamp = self.stamp(topic);
        let written = stretches::read(
            &self.target_cluster,
            Isolation::ReadUncommitted,
            &names.target_topic,
            on_target.collect(),
            READ_WITHIN,
            move |record| Some(Copied::of_copy(record, stamp.as_ref())),
        )
        .await?;
        let original = self.originals(topic, partitions, &written).await?;
        let cleaning = self.cleaning(topic, &names.target_topic).await?;
        let found = partitions.iter().map(|(partition, beyond)| {
            let is_cut = start(partition) > beyond.from.get();
            let cleaning = Cleaning {
                target: cleaning.target || is_cut,
                ..cleaning
            };
            let [written, original] = [&written, &original].map(|one| of(one, *partition));
            (*partition, compare(beyond, original, written, cleaning))
        });
        Ok(found.collect())
    }

    /// Where the copies of a topic begin: their own retention may have deleted some of what is looked for.
    async fn copy_starts(
        &self,
        copy: &str,
        partitions: &BTreeMap<i32, Beyond>,
    ) -> Result<BTreeMap<i32, i64>, String> {
        let asked = partitions.keys();
        let asked: Vec<_> = asked.map(|one| TopicPartition::new(copy, *one)).collect();
        let starts = self.target.log_starts(&asked).await;
        let starts = starts.map_err(|error| error.to_string())?.into_iter();
        let starts = starts.map(|start| {
            let offset = start
                .offset
                .map_err(|failure| format!("{copy}: {failure}"))?;
            Ok((start.at.partition, offset.unwrap_or(0)))
        });
        starts.collect()
    }

    /// As many records of the source as the copies hold, from where the maps end.
    async fn originals(
        &self,
        topic: &str,
        partitions: &BTreeMap<i32, Beyond>,
        written: &Taken<Copied>,
    ) -> Result<Taken<Copied>, String> {
        let on_source = partitions.iter().map(|(partition, beyond)| {
            let is_empty = of(written, *partition).is_empty();
            let stretch = Stretch {
                from: beyond.source.get(),
                before: i64::MAX,
                records: if is_empty {
                    0
                } else {
                    beyond.to.since(beyond.from)
                },
            };
            (*partition, stretch)
        });
        let left_out = LeftOut::of(&self.mirror, topic);
        stretches::read(
            &self.source_cluster,
            self.mirror.isolation,
            topic,
            on_source.collect(),
            READ_WITHIN,
            move |record| (!left_out.has(&record)).then(|| Copied::of_original(record)),
        )
        .await
    }

    /// Whether compaction or retention may have taken records away.
    async fn cleaning(&self, topic: &str, copy: &str) -> Result<Cleaning, String> {
        let is_compacted = async |inspector: &crate::clusters::Inspector, topic: &str| {
            let configs = inspector.all_topic_configs(&[topic.to_owned()]).await;
            let configs = configs.map_err(|error| error.to_string())?;
            let values = configs
                .into_iter()
                .filter_map(|one| one.values.ok())
                .flatten();
            let mut policies = values.filter(|config| config.name == "cleanup.policy");
            Ok::<_, String>(
                policies.any(|policy| policy.value.is_some_and(|value| value.contains("compact"))),
            )
        };
        Ok(Cleaning {
            source: is_compacted(&self.source, topic).await?,
            target: is_compacted(&self.target, copy).await?,
        })
    }

    fn stamp(&self, topic: &str) -> Option<Stamp> {
        crate::pipeline::provenance::stamp(&self.mirror, topic)
    }
}

fn of<T>(taken: &Taken<T>, partition: i32) -> &[(i64, T)] {
    taken.get(&partition).map_or(&[], Vec::as_slice)
}

fn compare(
    beyond: &Beyond,
    original: &[(i64, Copied)],
    written: &[(i64, Copied)],
    cleaning: Cleaning,
) -> Found {
    // A copy that keeps times of its own tells nothing of those of the source.
    let timed = written.iter().all(|(_, copied)| copied.timed.is_some());
    let digest = |copied: &Copied| copied.timed.filter(|_| timed).unwrap_or(copied.untimed);
    let original = original.iter();
    let original = original.map(|(at, copied)| (SourceOffset::new(*at), digest(copied)));
    let target = written.iter();
    let target = target.map(|(at, copied)| (TargetOffset::new(*at), digest(copied)));
    let (original, target): (Vec<_>, Vec<_>) = (original.collect(), target.collect());
    match beyond.source.since(beyond.mapped_to) {
        0 => recover(&original, &target, beyond.from..beyond.to, cleaning),
        deleted => recover_behind(deleted, beyond, &original, &target, cleaning),
    }
    .ok_or_else(|| "it holds records that are not those of the source there".to_owned())
}

/// Finds what the copy holds behind `deleted` offsets that the source does not hold any more: as many records of the copy are
/// taken for those. Where there were fewer on the source, what follows fits no more, or fewer records are found than there are.
fn recover_behind(
    deleted: u64,
    beyond: &Beyond,
    original: &[(SourceOffset, Digest)],
    target: &[(TargetOffset, Digest)],
    cleaning: Cleaning,
) -> Option<Recovered> {
    let is_whole = !cleaning.source && !cleaning.target;
    let gone = usize::try_from(deleted).ok().filter(|_| is_whole)?;
    let behind = beyond.from.plus(deleted);
    let kept = target.get(gone..).filter(|kept| !kept.is_empty())?;
    let mut found = recover(original, kept, behind..beyond.to, cleaning)?;
    let run = Run {
        source: beyond.mapped_to,
        target: beyond.from,
        length: deleted,
    };
    found.runs.insert(0, run);
    Some(found)
}

/// By what a record is known again on the other side.
struct Copied {
    /// Of key, value, headers and timestamp; absent where the copy has a time of its own.
    timed: Option<Digest>,
    /// Of the same without the timestamp.
    untimed: Digest,
}

impl Copied {
    fn of_original(record: Record<'_>) -> Self {
        Self::new(record, None, true)
    }

    /// Without the header that the mirror added.
    fn of_copy(record: Record<'_>, stamp: Option<&Stamp>) -> Self {
        Self::new(record, stamp, !record.is_log_append_time())
    }

    fn new(record: Record<'_>, stamp: Option<&Stamp>, has_time: bool) -> Self {
        let mut hasher = DefaultHasher::new();
        (record.key(), record.value()).hash(&mut hasher);
        let mut headers: Vec<Header<'_>> = record.all_headers().collect();
        headers.pop_if(|last| stamp.is_some_and(|stamp| is_stamp(last, stamp)));
        headers.len().hash(&mut hasher);
        for header in headers {
            (header.name, header.value).hash(&mut hasher);
        }
        let untimed = hasher.finish();
        // A timestamp of 0 arrives as 1.
        let timestamp = match record.timestamp() {
            0 => 1,
            other => other,
        };
        timestamp.hash(&mut hasher);
        let timed = has_time.then(|| hasher.finish());
        Self { timed, untimed }
    }
}

fn is_stamp(header: &Header<'_>, stamp: &Stamp) -> bool {
    header.name == stamp.name && header.value == Some(stamp.value.as_bytes())
}
