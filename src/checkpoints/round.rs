//! Goes round by round: reads what the groups have committed on the source, translates it, publishes what is new, and
//! writes it to the target's groups.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::format::Checkpoint;
use super::groups::{self, Held, Sight};
use super::memory::{Known, Memory};
use super::sync::{self, Fate};
use super::topic::{CheckpointTopic, Timed};
use super::translator::{Maps, Translated, Translator};
use super::troubles::Troubles;
use crate::board::{Age, now_ms};
use crate::clusters::{Inspector, TopicPartition};
use crate::config::{Counterpart, Mirror};
use crate::metrics::{Metrics, Refused, Stage};
use crate::offset::SourceOffset;
use crate::offset_map::Registry;

/// Time between two looks at what the source has deleted: stretches of the maps are forgotten with it.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// All that one mirror's rounds need, and what they remember.
pub(super) struct Rounds {
    pub(super) mirror: Arc<Mirror>,
    pub(super) source: Inspector,
    pub(super) target: Inspector,
    pub(super) registry: Registry,
    pub(super) translator: Translator,
    pub(super) topic: CheckpointTopic,
    pub(super) metrics: Metrics,
    pub(super) age: Arc<Age>,
    pub(super) memory: Memory,
    pub(super) troubles: Troubles,
    pub(super) forgot_at: Option<Instant>,
}

/// A position that is known on the target.
struct Found {
    held: Held,
    known: Known,
}

impl Rounds {
    /// Goes one round. What stands in the way of one group is said, and stops no other.
    pub(super) async fn go(&mut self) {
        let began = Instant::now();
        let maps = self.registry.snapshot();
        self.forget_old(&maps).await;
        match self.bring_up_to_date(&maps).await {
            Ok(Some(offsets)) => {
                self.age.see(now_ms());
                let took_ms = began.elapsed().as_millis() as u64;
                tracing::debug!(offsets, took_ms, "checkpoints are up to date");
            }
            // Nothing was asked, so that what stood in the way may still do so.
            Ok(None) => return self.age.see(now_ms()),
            Err(reason) => {
                self.error("Checkpoints");
                self.troubles
                    .note(None, "the offsets of groups cannot be followed", reason);
            }
        }
        self.troubles.tell();
    }

    /// Answers how many offsets of groups were looked at, if there was anything to look at.
    async fn bring_up_to_date(&mut self, maps: &Maps) -> Result<Option<usize>, String> {
        // Without patterns there is no group, and without maps nothing to tell of them.
        if self.mirror.groups.include.is_empty() || maps.is_empty() {
            return Ok(None);
        }
        let sight = groups::look(&self.source, &self.mirror, maps).await;
        let Sight { held, failed } = sight.map_err(|error| error.to_string())?;
        for (group, failure) in failed {
            self.error(failure.code);
            let what = "offsets cannot be read on the source";
            self.troubles
                .note(group.as_ref(), what, failure.to_string());
        }
        let offsets = held.len();
        self.memory.begin();
        let found = self.translate(maps, held).await;
        self.publish(&found).await?;
        if self.mirror.sync_group_offsets {
            self.sync(&found).await?;
        }
        Ok(Some(offsets))
    }

    /// The newest position of each group and partition that has a counterpart.
    async fn translate(&mut self, maps: &Maps, held: Vec<Held>) -> Vec<Found> {
        let (mixed, held): (Vec<_>, Vec<_>) = held
            .into_iter()
            .partition(|held| held.counterpart == Counterpart::Mixed);
        for held in mixed {
            let why =
                "records of several topics or clusters stand in the copy in an order of its own";
            self.refuse(&held, Refused::Shared, why.to_owned());
        }
        let asked: Vec<_> = held
            .iter()
            .map(|held| (held.at.clone(), held.position.offset))
            .collect();
        let told = self.translator.translate(maps, &asked).await;
        let earlier = self.translate_earlier(maps, &held, &told).await;
        let mut found = Vec::with_capacity(held.len());
        for ((held, told), earlier) in held.into_iter().zip(told).zip(earlier) {
            let entry = self.memory.of(&held);
            let known = entry.newest(&held.position, &told, earlier.as_ref());
            self.tell(&held, told);
            found.extend(known.map(|known| Found { held, known }));
        }
        found
    }

    /// What became of earlier positions, where those of now are not mirrored yet.
    async fn translate_earlier(
        &mut self,
        maps: &Maps,
        held: &[Held],
        told: &[Translated],
    ) -> Vec<Option<Translated>> {
        let mut asked: Vec<(TopicPartition, SourceOffset)> = Vec::new();
        let mut places = Vec::new();
        for (place, (held, told)) in held.iter().zip(told).enumerate() {
            if !matches!(told, Translated::NotYet { .. }) {
                continue;
            }
            let entry = self.memory.of(held);
            if let Some(earlier) = entry.earlier(held.position.offset) {
                asked.push((held.at.clone(), earlier.offset));
                places.push(place);
            }
        }
        let mut earlier = vec![None; held.len()];
        let answers = self.translator.translate(maps, &asked).await;
        for (place, answer) in places.into_iter().zip(answers) {
            earlier[place] = Some(answer);
        }
        earlier
    }

    /// Says why a position has no counterpart.
    fn tell(&mut self, held: &Held, told: Translated) {
        match told {
            Translated::Exact(_)
            | Translated::Unknown {
                at_least: Some(_), ..
            } => {}
            Translated::NotYet { .. } => self.count(held, Refused::NotMirrored),
            Translated::Deleted { log_start, wanted } => {
                let why = format!(
                    "{}: it would go on at {wanted}, and goes on at {log_start}, where the log begins",
                    held.copy
                );
                self.refuse(held, Refused::Deleted, why);
            }
            Translated::Unknown { known_from, .. } => {
                let at = held.position.offset;
                let why = format!(
                    "{}: it is at {at}, and what became of records is known from {known_from} on only",
                    held.at
                );
                self.refuse(held, Refused::Unknown, why);
            }
            Translated::Failed(reason) => {
                self.error("Translation");
                let what = "offsets cannot be translated";
                let group = Arc::clone(&held.group);
                self.troubles.note(Some(&group), what, reason);
            }
        }
    }

    /// Writes checkpoints that are new.
    async fn publish(&mut self, found: &[Found]) -> Result<(), String> {
        let mut new = Vec::new();
        for found in found {
            if self.memory.of(&found.held).is_new(&found.known) {
                new.push(found);
            }
        }
        let checkpoints: Vec<_> = new.iter().map(|found| found.checkpoint()).collect();
        self.topic.write(&checkpoints).await?;
        for found in new {
            self.memory.of(&found.held).set_published(&found.known);
        }
        Ok(())
    }

    /// Brings the target's groups up to date, as far as they may be moved.
    async fn sync(&mut self, found: &[Found]) -> Result<(), String> {
        let mut open = Vec::new();
        for found in found {
            if found.held.counterpart == Counterpart::Shared {
                let why = "another mirror writes into the copy, too";
                self.refuse(&found.held, Refused::Shared, why.to_owned());
            } else if self.memory.of(&found.held).is_open(found.known.target) {
                open.push(found);
            } else if let Some(why) = self.memory.of(&found.held).ahead().map(str::to_owned) {
                self.refuse(&found.held, Refused::Backwards, why);
            }
        }
        let wanted: Vec<_> = open.iter().map(|found| found.wanted()).collect();
        let fates = sync::sync(&self.target, &wanted).await;
        let fates = fates.map_err(|error| error.to_string())?;
        let written = fates.iter().filter(|fate| **fate == Fate::Written).count();
        self.metrics
            .synced_group_offsets(&self.mirror.name, written as u64);
        for (found, fate) in open.into_iter().zip(fates) {
            let target = found.known.target;
            match fate {
                Fate::Written | Fate::There => self.memory.of(&found.held).settle(target, None),
                Fate::Refused(reason, why) => {
                    let why = format!("{}: {why}", found.held.copy);
                    if reason == Refused::Backwards {
                        self.memory
                            .of(&found.held)
                            .settle(target, Some(why.clone()));
                    }
                    self.refuse(&found.held, reason, why);
                }
            }
        }
        Ok(())
    }

    /// Counts a refusal and says it, each once.
    fn refuse(&mut self, held: &Held, reason: Refused, why: String) {
        self.count(held, reason);
        let what = match reason {
            Refused::Active => "group is left alone on the target",
            Refused::Backwards => "group is not moved back on the target",
            Refused::Unknown | Refused::Shared | Refused::NotMirrored => {
                "offset has no exact counterpart on the target"
            }
            Refused::Deleted => "the target has deleted records that a group has not read",
            Refused::Denied | Refused::Failed => {
                self.error(reason);
                "offsets cannot be written on the target"
            }
        };
        self.troubles.note(Some(&held.group), what, why);
    }

    fn count(&mut self, held: &Held, reason: Refused) {
        let offset = held.position.offset.get();
        if self.memory.of(held).refuse(reason, offset) {
            self.metrics.refused_group_offset(&self.mirror.name, reason);
        }
    }

    fn error(&self, kind: impl std::fmt::Debug) {
        self.metrics.error(&self.mirror.name, Stage::Offsets, kind);
    }

    /// Lets maps forget stretches of which the source holds nothing any more, once a minute.
    async fn forget_old(&mut self, maps: &Maps) {
        if self.forgot_at.is_some_and(|at| at.elapsed() < FORGET_EVERY) {
            return;
        }
        self.forgot_at = Some(Instant::now());
        let old = maps.iter();
        let old = old.filter(|(_, registered)| registered.map.lock().has_old_stretches());
        let partitions: Vec<_> = old.map(|(at, _)| at.clone()).collect();
        if partitions.is_empty() {
            return;
        }
        match self.source.log_starts(&partitions).await {
            Ok(starts) => {
                for start in starts {
                    if let (Ok(Some(offset)), Some(registered)) =
                        (start.offset, maps.get(&start.at))
                    {
                        let mut map = registered.map.lock();
                        map.forget_before(SourceOffset::new(offset));
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "log starts cannot be read"),
        }
    }
}

impl Found {
    fn checkpoint(&self) -> Timed {
        let position = &self.known.position;
        Timed {
            checkpoint: Checkpoint {
                group: self.held.group.to_string(),
                at: self.held.copy.clone(),
                source: position.offset,
                target: self.known.target,
                metadata: position.metadata.to_string(),
            },
            read_at: position.read_at,
        }
    }

    fn wanted(&self) -> sync::Wanted {
        sync::Wanted {
            group: Arc::clone(&self.held.group),
            at: self.held.copy.clone(),
            target: self.known.target,
            metadata: Arc::clone(&self.known.position.metadata),
        }
    }
}
