//! Keeps the configs of copies as those of their source topics, a slice of the topics per look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::ends::{Ends, SetConfigs, set_configs};
use super::plan::{Action, TopicPlan};
use super::reason;
use super::refused_configs::RefusedConfigs;
use super::report::{About, Report};
use super::slices::Slices;
use super::wanted_configs::changes;
use crate::clusters::configs::ConfigValue;
use crate::clusters::{ChangeError, Error};
use crate::config::Mirror;
use crate::librdkafka::admin::config_changes::{ConfigChange, TopicChanges};
use crate::pipeline;

/// How long what was seen of a copy is believed while its source does not change.
const COPY_BELIEVED: Duration = Duration::from_secs(60);

/// The topics whose configs are followed.
#[derive(Default)]
pub struct ConfigSync {
    /// By source topic; of those that share a copy the first, so that they do not undo each other.
    topics: BTreeMap<String, Followed>,
    slices: Slices,
}

struct Followed {
    names: pipeline::Plan,
    /// What was set on the source topic when it was last asked.
    source: Option<Vec<ConfigValue>>,
    /// When the copy is to be looked at again.
    copy_due: Instant,
    refused: RefusedConfigs,
}

impl Followed {
    fn new(names: pipeline::Plan) -> Self {
        Self {
            names,
            source: None,
            copy_due: Instant::now(),
            refused: RefusedConfigs::default(),
        }
    }

    fn is_copy_due(&self, now: Instant) -> bool {
        self.copy_due <= now || self.refused.is_due(now)
    }
}

impl ConfigSync {
    /// Follows the topics that are mirrored by these plans, which are ordered by source topic, and no others.
    pub fn follow(&mut self, mirror: &Mirror, plans: &[TopicPlan]) {
        let mut before = std::mem::take(&mut self.topics);
        let mirrored = plans.iter().filter(|plan| plan.action == Action::Mirror);
        for names in deciding(mirror, mirrored.map(|plan| &plan.names)) {
            let known = before.remove(&names.source_topic);
            let followed = known.unwrap_or_else(|| Followed::new(names.clone()));
            self.topics.insert(names.source_topic.clone(), followed);
        }
    }

    /// Looks at the next slice, and changes what differs.
    pub async fn look(&mut self, ends: &Ends, report: &mut Report) {
        if self.topics.is_empty() {
            return;
        }
        let outcome = self.follow_slice(ends, report).await;
        if let Err(error) = &outcome {
            report.count(error.into());
            // That is said already, by who looks at its topics.
            if error.is_cluster_down() {
                return;
            }
        }
        report.say(
            "topic configs",
            outcome.err().map(|error| error.to_string()),
        );
    }

    async fn follow_slice(&mut self, ends: &Ends, report: &mut Report) -> Result<(), Error> {
        let slice = self.slices.next(self.topics.keys());
        let source = set_configs(&ends.source, &slice).await?;
        let due = self.see_source(source, &ends.mirror.source, report);
        let copies = due
            .iter()
            .map(|topic| self.topics[topic].names.target_topic.clone());
        let copies = set_configs(&ends.target, &copies.collect::<Vec<_>>()).await?;
        let differing = self.compare(&due, copies, ends, report);
        let ours = self.ours(differing, ends, report).await?;
        self.alter(ours, ends, report).await;
        Ok(())
    }

    /// Those that this process is to change: it copies the first partition, and from the very topic that bears the name now.
    /// One that was deleted and created anew must not have its copy's retention shortened, say, while the copy is kept for
    /// the operator to decide about.
    async fn ours(
        &mut self,
        differing: Vec<Difference>,
        ends: &Ends,
        report: &Report,
    ) -> Result<Vec<Difference>, Error> {
        if differing.is_empty() {
            return Ok(differing);
        }
        let names = differing.iter().map(|one| one.source_topic.clone());
        let ids = ends.source.topic_ids(&names.collect::<Vec<_>>()).await?;
        let is_ours =
            |one: &Difference| report.copies(&one.source_topic, ids.get(&one.source_topic));
        let (ours, others): (Vec<_>, Vec<_>) = differing.into_iter().partition(is_ours);
        for other in others {
            if let Some(followed) = self.topics.get_mut(&other.source_topic) {
                followed.copy_due = Instant::now() + ANOTHERS;
            }
        }
        Ok(ours)
    }

    /// Notes what is set at the source; answers with the topics whose copies are to be compared.
    fn see_source(&mut self, seen: SetConfigs, cluster: &str, report: &mut Report) -> Vec<String> {
        let now = Instant::now();
        let mut due = Vec::new();
        for (topic, values) in seen {
            let Some(followed) = self.topics.get_mut(&topic) else {
                continue;
            };
            let unread = values.as_ref().err();
            let unread = unread.map(|failure| reason::configs_unread(cluster, &topic, failure));
            report.notice(&followed.names, About::SourceConfigs, unread);
            let Ok(values) = values else { continue };
            let changed = followed.source.as_ref() != Some(&values);
            followed.source = Some(values);
            if changed || followed.is_copy_due(now) {
                followed.copy_due = now;
                due.push(topic);
            }
        }
        due
    }

    /// What is to be changed on the copies of `due`, but for what was refused and waits.
    fn compare(
        &mut self,
        due: &[String],
        mut copies: SetConfigs,
        ends: &Ends,
        report: &mut Report,
    ) -> Vec<Difference> {
        let now = Instant::now();
        let mut differing = Vec::new();
        for topic in due {
            let Some(followed) = self.topics.get_mut(topic) else {
                continue;
            };
            let names = &followed.names;
            let copy = copies.remove(&names.target_topic);
            let unread = copy.as_ref().and_then(|copy| copy.as_ref().err());
            let unread = unread.map(|failure| {
                reason::configs_unread(&ends.mirror.target, &names.target_topic, failure)
            });
            report.notice(names, About::CopyConfigs, unread);
            let (Some(Ok(copy)), Some(source)) = (copy, &followed.source) else {
                continue;
            };
            followed.copy_due = now + COPY_BELIEVED;
            let mut changes = changes(&ends.mirror, source, &copy);
            let settled = followed.refused.retain(&changes);
            for config in settled {
                report.notice(names, About::Config(config), None);
            }
            changes.retain(|change| !followed.refused.waits(change, now));
            if !changes.is_empty() {
                let source_topic = topic.clone();
                let copy = names.target_topic.clone();
                differing.push(Difference {
                    source_topic,
                    copy,
                    changes,
                });
            }
        }
        differing
    }

    async fn alter(&mut self, differing: Vec<Difference>, ends: &Ends, report: &mut Report) {
        let asked = differing.iter().map(Difference::request).collect();
        let outcomes = ends.target.alter_topic_configs(asked).await;
        let mut singly = Vec::new();
        for (difference, outcome) in differing.into_iter().zip(outcomes) {
            match outcome {
                // One wrong value holds up all that was asked for with it.
                Err(ChangeError::Refused(_)) if difference.changes.len() > 1 => {
                    singly.push(difference)
                }
                outcome => self.settle(difference, outcome, ends, report),
            }
        }
        while !singly.is_empty() {
            let round: Vec<_> = singly.iter_mut().filter_map(Difference::split).collect();
            singly.retain(|difference| !difference.changes.is_empty());
            let asked = round.iter().map(Difference::request).collect();
            let outcomes = ends.target.alter_topic_configs(asked).await;
            for (difference, outcome) in round.into_iter().zip(outcomes) {
                self.settle(difference, outcome, ends, report);
            }
        }
    }

    fn settle(
        &mut self,
        difference: Difference,
        outcome: Result<(), ChangeError>,
        ends: &Ends,
        report: &mut Report,
    ) {
        let Difference {
            source_topic,
            copy,
            changes,
        } = difference;
        let Some(followed) = self.topics.get_mut(&source_topic) else {
            return;
        };
        if let Err(error) = &outcome {
            report.count(error.into());
        }
        for change in changes {
            let config = &change.name;
            let refused = outcome
                .as_ref()
                .err()
                .map(|error| reason::not_altered(&ends.mirror.target, &copy, config, error));
            report.notice(&followed.names, About::Config(config.clone()), refused);
            match &outcome {
                Ok(()) => {
                    let value = change.value.as_deref().unwrap_or("reset");
                    tracing::info!(topic = copy, config, value, "target topic config follows");
                    followed.refused.settle(&change);
                }
                Err(_) => followed.refused.refuse(change),
            }
        }
    }
}

/// The topics that decide the configs of their copies: the first by name of those that share one, in the first mirror of
/// the file that writes it. Else they would undo each other's changes at every look.
pub fn deciding<'a>(
    mirror: &Mirror,
    names: impl Iterator<Item = &'a pipeline::Plan>,
) -> Vec<&'a pipeline::Plan> {
    let mut copies = BTreeSet::new();
    let owned = names.filter(|names| mirror.owns_configs(&names.source_topic));
    owned
        .filter(|names| copies.insert(&names.target_topic))
        .collect()
}

/// When a copy is looked at again that another process is to change, or that may not be changed for now.
const ANOTHERS: Duration = Duration::from_secs(5);

/// What is to be changed on one copy.
struct Difference {
    source_topic: String,
    copy: String,
    changes: Vec<ConfigChange>,
}

impl Difference {
    fn request(&self) -> TopicChanges {
        TopicChanges {
            topic: self.copy.clone(),
            changes: self.changes.clone(),
        }
    }

    /// Takes one change off.
    fn split(&mut self) -> Option<Self> {
        let change = self.changes.pop()?;
        Some(Self {
            source_topic: self.source_topic.clone(),
            copy: self.copy.clone(),
            changes: vec![change],
        })
    }
}
