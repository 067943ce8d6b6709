//! Creates the copies that a plan misses and grows those that are too small; what is refused backs off alone.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rdkafka::types::RDKafkaErrorCode;

use super::plan::{Action, TopicPlan};
use super::reason;
use super::report::Report;
use super::wanted_configs::Wanted;
use crate::clusters::{ChangeError, Inspector};
use crate::config;
use crate::librdkafka::admin::topic_creation::{Mode, TopicSpec};
use crate::librdkafka::admin::topic_growth::Growth;
use crate::retry::Delays;

/// The copies that the target refused to create or to grow.
#[derive(Default)]
pub struct Copies {
    refused: BTreeMap<String, Refused>,
}

struct Refused {
    reason: String,
    delays: Delays,
    again_at: Instant,
}

impl Copies {
    /// Whether a copy that was refused is to be tried again by now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.refused.values().any(|one| one.again_at <= now)
    }

    /// The copies to create now, each once.
    pub fn to_create(&self, plans: &[TopicPlan], now: Instant) -> Vec<Creation> {
        let due = self.due(plans, now).into_iter();
        due.filter_map(Creation::of).collect()
    }

    /// Leaves copies for later, for this reason.
    pub fn put_off(&mut self, creations: &[Creation], reason: &str) {
        for creation in creations {
            self.refuse(&creation.copy, reason.to_owned());
        }
    }

    /// Creates and grows what is due, and puts what became of it into the plans: a topic whose copy is as it must be is
    /// mirrored, another one refused.
    pub async fn carry_out(
        &mut self,
        creations: Vec<TopicSpec>,
        plans: &mut [TopicPlan],
        target: &Inspector,
        report: &mut Report,
    ) {
        self.forget_settled(plans);
        let due = self.due(plans, Instant::now()).into_iter();
        let growths: Vec<_> = due.filter_map(growth).collect();
        let created = target.create_topics(creations.clone(), Mode::Create).await;
        for (topic, outcome) in creations.iter().zip(created) {
            self.created(topic, outcome, target.cluster(), report);
        }
        let grown = target.grow_topics(growths.clone()).await;
        for (growth, outcome) in growths.iter().zip(grown) {
            self.grown(growth, outcome, target.cluster(), report);
        }
        plans.iter_mut().for_each(|plan| self.overlay(plan));
    }

    /// What no plan asks for any more was done by somebody else, or is not wanted.
    fn forget_settled(&mut self, plans: &[TopicPlan]) {
        if self.refused.is_empty() {
            return;
        }
        let open = plans.iter().filter(|plan| is_change(&plan.action));
        let open: BTreeSet<_> = open.map(|plan| &plan.names.target_topic).collect();
        self.refused.retain(|copy, _| open.contains(copy));
    }

    /// The first plan of each copy that is to be changed now.
    fn due<'a>(&self, plans: &'a [TopicPlan], now: Instant) -> Vec<&'a TopicPlan> {
        let mut seen = BTreeSet::new();
        let open = plans.iter().filter(|plan| is_change(&plan.action));
        let due = open.filter(|plan| {
            let copy = &plan.names.target_topic;
            let waits = self.refused.get(copy).is_some_and(|it| it.again_at > now);
            !waits && seen.insert(copy)
        });
        due.collect()
    }

    fn created(
        &mut self,
        topic: &TopicSpec,
        outcome: Result<(), ChangeError>,
        cluster: &str,
        report: &mut Report,
    ) {
        let (topic, partitions) = (&topic.name, topic.partitions);
        match outcome {
            Ok(()) => tracing::info!(topic, partitions, "target topic created"),
            // Another process of the same mirror was faster.
            Err(error) if error.is(RDKafkaErrorCode::TopicAlreadyExists) => {}
            Err(error) => {
                report.count((&error).into());
                self.refuse(topic, reason::not_created(cluster, topic, &error));
                return;
            }
        }
        self.refused.remove(topic);
    }

    fn grown(
        &mut self,
        growth: &Growth,
        outcome: Result<(), ChangeError>,
        cluster: &str,
        report: &mut Report,
    ) {
        let (topic, partitions) = (&growth.topic, growth.partitions);
        match outcome {
            Ok(()) => {
                tracing::info!(topic, partitions, "target topic grown");
                self.refused.remove(topic);
            }
            Err(error) => {
                report.count((&error).into());
                self.refuse(topic, reason::not_grown(cluster, topic, &error));
            }
        }
    }

    fn refuse(&mut self, copy: &str, reason: String) {
        let refused = self.refused.entry(copy.to_owned());
        let refused = refused.or_insert_with(|| Refused {
            reason: String::new(),
            delays: Delays::default(),
            again_at: Instant::now(),
        });
        refused.reason = reason;
        refused.again_at = Instant::now() + refused.delays.draw();
    }

    fn overlay(&self, plan: &mut TopicPlan) {
        if is_change(&plan.action) {
            let refused = self.refused.get(&plan.names.target_topic);
            plan.action = refused.map_or(Action::Mirror, |it| Action::Refuse(it.reason.clone()));
        }
    }
}

/// A copy to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    copy: String,
    partitions: u32,
    /// The source topic whose configs it gets: the first that is written to it.
    pub configured_by: String,
}

impl Creation {
    /// The creation that a plan asks for.
    pub fn of(plan: &TopicPlan) -> Option<Self> {
        let Action::Create { partitions } = plan.action else {
            return None;
        };
        Some(Self {
            copy: plan.names.target_topic.clone(),
            partitions,
            configured_by: plan.names.source_topic.clone(),
        })
    }

    /// The topic as it is asked for.
    pub fn spec(self, mirror: &config::Mirror, configs: Wanted) -> TopicSpec {
        TopicSpec {
            name: self.copy,
            partitions: self.partitions,
            replication_factor: mirror.replication_factor,
            configs,
        }
    }
}

fn growth(plan: &TopicPlan) -> Option<Growth> {
    let Action::Grow { to, .. } = plan.action else {
        return None;
    };
    Some(Growth {
        topic: plan.names.target_topic.clone(),
        partitions: to,
    })
}

fn is_change(action: &Action) -> bool {
    matches!(action, Action::Create { .. } | Action::Grow { .. })
}
