//! Holds the mirror's pipelines: one for each topic, or a few that share all topics of one group.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::board::TopicBoard;
use crate::clusters::TopicId;
use crate::config::{self, ConsumerGroups};
use crate::deadline::{Deadline, DrainOutcome};
use crate::pipeline::{Context, Express, Fetching, Pipeline, Plan, Topic, Topics};
use crate::target::{Limits, TargetTopic};

/// The pipelines of one mirror, by consumer group.
pub struct Pipelines {
    context: Context,
    groups: BTreeMap<String, Group>,
    /// Pipelines on their way out.
    leaving: JoinSet<DrainOutcome>,
}

/// The members of one group in this process.
struct Group {
    members: Vec<Pipeline>,
    topics: Topics,
    limits: BTreeMap<Arc<str>, watch::Sender<Limits>>,
    /// Whether the members have not been told of everything yet.
    has_news: bool,
}

/// What one look at the clusters says of a topic that is mirrored.
#[derive(Debug, Clone)]
pub struct Sight {
    /// Partitions on the source.
    pub partitions: u32,
    /// Which topic bears the name; `None` where the source does not tell.
    pub source_id: Option<TopicId>,
    /// What the target topic takes; `None` when it was not asked.
    pub limits: Option<Limits>,
}

impl Pipelines {
    /// None yet.
    pub fn new(context: Context) -> Self {
        Self {
            context,
            groups: BTreeMap::new(),
            leaving: JoinSet::new(),
        }
    }

    /// Sets what pipelines that start from now on are told of the mirror.
    pub fn follow(&mut self, mirror: &Arc<config::Mirror>) {
        self.context.mirror = Arc::clone(mirror);
    }

    /// Sets how consumers fetch that start from now on.
    pub fn set_fetching(&mut self, fetching: Fetching) {
        self.context.fetching = fetching;
    }

    /// Whether the topic is copied already.
    pub fn has(&self, names: &Plan) -> bool {
        let group = self.groups.get(&names.group);
        group.is_some_and(|group| group.topics.contains_key(&*names.source_topic))
    }

    /// Adds a topic. Its pipeline is told with [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// When librdkafka refuses the consumer's configuration.
    pub fn add(
        &mut self,
        names: Plan,
        sight: Sight,
        target: TargetTopic,
        board: Arc<TopicBoard>,
    ) -> Result<(), String> {
        if !self.groups.contains_key(&names.group) {
            let group = self.start(&names.group)?;
            self.groups.insert(names.group.clone(), group);
        }
        let group = self.groups.get_mut(&names.group);
        let group = group.expect("it was inserted above");
        let (sender, limits) = watch::channel(sight.limits.unwrap_or_default());
        let name: Arc<str> = names.source_topic.as_str().into();
        let topic = Topic {
            names: Arc::new(names),
            partitions: sight.partitions,
            source_id: sight.source_id,
            limits,
            target,
            board,
        };
        group.limits.insert(Arc::clone(&name), sender);
        group.topics.insert(name, topic);
        group.has_news = true;
        Ok(())
    }

    fn start(&self, name: &str) -> Result<Group, String> {
        let members = match self.context.mirror.consumer_groups {
            ConsumerGroups::PerTopic => 1,
            ConsumerGroups::Shared => self.context.mirror.consumers.get(),
        };
        let members = (0..members).map(|_| Pipeline::start(self.context.clone(), name));
        let members: Result<Vec<_>, _> = members.collect();
        Ok(Group {
            members: members
                .map_err(|error| format!("librdkafka refuses the consumer: {error}"))?,
            topics: Topics::new(),
            limits: BTreeMap::new(),
            has_news: false,
        })
    }

    /// Takes note of what was seen of a topic that is copied.
    pub fn see(&mut self, names: &Plan, sight: Sight) {
        let Some(group) = self.groups.get_mut(&names.group) else {
            return;
        };
        if let Some(limits) = sight.limits
            && let Some(sender) = group.limits.get(&*names.source_topic)
        {
            sender.send_replace(limits);
        }
        let Some(topic) = group.topics.get_mut(&*names.source_topic) else {
            return;
        };
        // A source that does not tell its id at the moment has not changed it.
        let source_id = sight.source_id.or_else(|| topic.source_id.clone());
        group.has_news |= (topic.partitions, &topic.source_id) != (sight.partitions, &source_id);
        topic.partitions = sight.partitions;
        topic.source_id = source_id;
    }

    /// Lets those topics go for which `stays` is false, and answers which. Pipelines without a topic drain by `deadline`.
    pub fn retain(&mut self, stays: impl Fn(&str) -> bool, deadline: Deadline) -> Vec<Arc<Plan>> {
        let mut gone = Vec::new();
        for group in self.groups.values_mut() {
            let going = group.topics.extract_if(.., |name, _| !stays(name));
            let going: Vec<_> = going.map(|(_, topic)| topic.names).collect();
            group.has_news |= !going.is_empty();
            gone.extend(going);
            group
                .limits
                .retain(|name, _| group.topics.contains_key(name));
        }
        let empty = self
            .groups
            .extract_if(.., |_, group| group.topics.is_empty());
        for (_, group) in empty {
            for member in group.members {
                member.stop(deadline);
                self.leaving.spawn(member.join().in_current_span());
            }
        }
        gone
    }

    /// Tells the pipelines what has changed.
    ///
    /// # Panics
    ///
    /// When one of them did.
    pub fn publish(&mut self) {
        for group in self.groups.values_mut() {
            let alive = group.members.iter().all(|member| !member.is_finished());
            assert!(alive, "a pipeline does not panic");
            if std::mem::take(&mut group.has_news) {
                let members = group.members.iter();
                members.for_each(|member| member.follow(group.topics.clone()));
            }
        }
    }

    /// Waits for the next pipeline that is on its way out; for ever when there is none. Cancel-safe.
    pub async fn left(&mut self) -> DrainOutcome {
        match self.leaving.join_next().await {
            Some(left) => left.expect("leaving does not panic"),
            None => std::future::pending().await,
        }
    }

    /// The consumer groups, by name.
    pub fn groups(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }

    /// Gives pipelines that start from now on another consumer for busy partitions.
    pub fn renew_express(&mut self, prefetch: u64) {
        let Context { source, mirror, .. } = &self.context;
        self.context.express = Express::new(Arc::clone(source), Arc::clone(mirror), prefetch);
    }

    /// Drains all by one deadline.
    pub async fn stop(&mut self, deadline: Deadline) -> DrainOutcome {
        let groups = self.groups();
        self.stop_groups(&groups, deadline).await
    }

    /// Drains those of some groups, and what is on its way out, by one deadline.
    pub async fn stop_groups(&mut self, groups: &[String], deadline: Deadline) -> DrainOutcome {
        let groups = groups.iter().filter_map(|name| self.groups.remove(name));
        let members: Vec<_> = groups.flat_map(|group| group.members).collect();
        members.iter().for_each(|member| member.stop(deadline));
        let mut outcome = DrainOutcome::Clean;
        for member in members {
            outcome = outcome.max(member.join().await);
        }
        while let Some(left) = self.leaving.join_next().await {
            outcome = outcome.max(left.expect("leaving does not panic"));
        }
        outcome
    }
}
