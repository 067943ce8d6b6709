//! Examines one mirror: what it would do with each topic, and whether it may and can.

use std::collections::HashMap;

use comfy_table::Cell;

use super::super::clusters::Connections;
use super::super::terminal::{Terminal, Tone, counted, figures, grouped, words};
use super::rights::{READ, WRITE};
use super::{Problems, cluster, groups, limits, own_topics, rights};
use crate::clusters::configs::{ConfigValue, Configs};
use crate::clusters::{ChangeError, Error, Inspector};
use crate::config::{ConsumerGroups, Mirror, is_heartbeat_topic};
use crate::control::plan::{Action, TopicPlan, plan_topics};
use crate::control::rehearsal::refused_creations;
use crate::control::wanted_configs::{Wanted, wanted};

/// Up to so many topics a group for each is worth what it costs.
const MANY_TOPICS: usize = 200;
/// The topic config, and the broker config that it is inherited from.
const TOPIC_LIMIT: &str = "max.message.bytes";
const BROKER_LIMIT: &str = "message.max.bytes";

/// What was found out about a mirror.
pub(super) struct Found {
    pub(super) table: String,
    pub(super) problems: Problems,
    /// What would be better otherwise, and is no problem.
    pub(super) advice: Option<String>,
}

/// Fails when a cluster does not answer.
pub(super) async fn examine(
    mirror: &Mirror,
    connections: &Connections,
    terminal: Terminal,
) -> Result<Found, Error> {
    let (source, target) = (connections.source(mirror), connections.target(mirror));
    let (source_topics, target_topics) = tokio::try_join!(source.topics(), target.topics())?;
    let plans = plan_topics(mirror, &source_topics, &target_topics);
    let mut problems = refused(&plans);
    let mut names = plans.iter().map(|plan| &plan.names.source_topic);
    if names.all(|topic| is_heartbeat_topic(topic)) {
        problems.push(format!(
            "no topic of {} is selected; correct topics or exclude_topics",
            mirror.source
        ));
    }
    let configs = Settings::read(mirror, source, target, &plans).await?;
    problems.extend(missing_rights(mirror, source, target, &plans).await?);
    problems.extend(impossible_creations(mirror, target, &plans, &configs).await);
    problems.extend(limits::problems(
        plans.iter().filter_map(|plan| configs.limits(plan)),
    ));
    let table = table(mirror, &plans, terminal);
    let advice = advice(
        mirror,
        plans
            .iter()
            .filter(|plan| is_followed(&plan.action))
            .count(),
    );
    Ok(Found {
        table,
        problems,
        advice,
    })
}

/// A member of a group of its own for each of very many topics costs memory and requests in every process.
fn advice(mirror: &Mirror, topics: usize) -> Option<String> {
    let many = mirror.consumer_groups == ConsumerGroups::PerTopic && topics > MANY_TOPICS;
    many.then(|| {
        format!(
            "{topics} topics with a consumer group each; consumer_groups: shared takes far less memory and fewer requests"
        )
    })
}

fn refused(plans: &[TopicPlan]) -> Problems {
    let refused = plans.iter().filter_map(|plan| match &plan.action {
        Action::Refuse(reason) => Some(format!("topic {}: {reason}", plan.names.source_topic)),
        Action::Mirror | Action::Create { .. } | Action::Grow { .. } => None,
    });
    refused.collect()
}

fn names<'a>(
    plans: &'a [TopicPlan],
    is_wanted: impl Fn(&Action) -> bool + 'a,
    name: impl Fn(&TopicPlan) -> &String + 'a,
) -> Vec<String> {
    let wanted = plans.iter().filter(|plan| is_wanted(&plan.action));
    wanted.map(|plan| name(plan).clone()).collect()
}

fn is_followed(action: &Action) -> bool {
    !matches!(action, Action::Refuse(_))
}

fn is_there(action: &Action) -> bool {
    matches!(action, Action::Mirror | Action::Grow { .. })
}

async fn missing_rights(
    mirror: &Mirror,
    source: &Inspector,
    target: &Inspector,
    plans: &[TopicPlan],
) -> Result<Problems, Error> {
    let originals = names(plans, is_followed, |plan| &plan.names.source_topic);
    let joined = names(plans, is_followed, |plan| &plan.names.group);
    let copies = names(plans, is_there, |plan| &plan.names.target_topic);
    let all_copies = names(plans, is_followed, |plan| &plan.names.target_topic);
    let (readable, joined, writable) = tokio::try_join!(
        source.topic_rights(&originals),
        groups::joined(source, joined),
        target.topic_rights(&copies),
    )?;
    let (on_source, on_target, whole, followed) = tokio::try_join!(
        own_topics::on_source(mirror, source),
        own_topics::on_target(mirror, target, &all_copies),
        cluster::missing_rights(mirror, source, target),
        groups::followed(mirror, source, target),
    )?;
    let mut problems = rights::topics(&mirror.source, &[READ], &readable);
    problems.extend(joined);
    // What a crash left on the target is read, and moving a group there takes the right to read what it reads.
    problems.extend(rights::topics(&mirror.target, &[READ, WRITE], &writable));
    problems.extend(on_source);
    problems.extend(on_target);
    problems.extend(whole);
    problems.extend(followed);
    Ok(problems)
}

/// Lets the target say of each missing copy whether it would create it, in the broker's own words.
async fn impossible_creations(
    mirror: &Mirror,
    target: &Inspector,
    plans: &[TopicPlan],
    configs: &Settings<'_>,
) -> Problems {
    let refused = refused_creations(mirror, target, plans, |topic| configs.wanted(topic)).await;
    let problem = |(topic, error): (String, ChangeError)| {
        format!("topic {topic} cannot be created on the target: {error}")
    };
    refused.into_iter().map(problem).collect()
}

/// Configs that decide what a copy takes.
struct Settings<'a> {
    mirror: &'a Mirror,
    source: HashMap<String, Vec<ConfigValue>>,
    target: HashMap<String, Vec<ConfigValue>>,
    target_default: Option<u64>,
}

impl<'a> Settings<'a> {
    async fn read(
        mirror: &'a Mirror,
        source: &Inspector,
        target: &Inspector,
        plans: &[TopicPlan],
    ) -> Result<Self, Error> {
        let originals = names(plans, is_followed, |plan| &plan.names.source_topic);
        let copies = names(plans, is_there, |plan| &plan.names.target_topic);
        let (source, copies) = tokio::join!(
            source.all_topic_configs(&originals),
            target.all_topic_configs(&copies)
        );
        Ok(Self {
            mirror,
            source: readable(source)?,
            target: readable(copies)?,
            target_default: broker_limit(target).await?,
        })
    }

    /// What a new copy is given.
    fn wanted(&self, source_topic: &str) -> Wanted {
        let values = self.source.get(source_topic);
        let values = values.filter(|_| self.mirror.sync_topic_configs);
        values.map_or_else(Wanted::new, |values| wanted(self.mirror, values))
    }

    fn limits<'p>(&self, plan: &'p TopicPlan) -> Option<limits::Limits<'p>> {
        let (source_topic, target_topic) = (&plan.names.source_topic, &plan.names.target_topic);
        let source = limits::number(self.source.get(source_topic)?, TOPIC_LIMIT);
        let follows = self.limit_follows(source_topic);
        let target = match plan.action {
            Action::Refuse(_) => return None,
            Action::Mirror | Action::Grow { .. } if !follows => {
                limits::number(self.target.get(target_topic)?, TOPIC_LIMIT)
            }
            _ => self.wanted_limit(source_topic).or(self.target_default),
        };
        Some(limits::Limits {
            source_topic,
            target_topic,
            raised_on: if follows { source_topic } else { target_topic },
            source,
            target,
        })
    }

    /// Whether the copy's limit is the source topic's, or what the target has for a topic without one of its own.
    fn limit_follows(&self, source_topic: &str) -> bool {
        let excluded = &self.mirror.exclude_configs;
        self.mirror.sync_topic_configs
            && self.mirror.owns_configs(source_topic)
            && !excluded.iter().any(|name| name == TOPIC_LIMIT)
    }

    fn wanted_limit(&self, source_topic: &str) -> Option<u64> {
        let mut wanted = self.wanted(source_topic).into_iter();
        let (_, value) = wanted.find(|(name, _)| name == TOPIC_LIMIT)?;
        value.parse().ok()
    }
}

/// What may be read: to be denied DescribeConfigs costs these comparisons and nothing else.
fn readable(
    configs: Result<Vec<Configs>, Error>,
) -> Result<HashMap<String, Vec<ConfigValue>>, Error> {
    match configs {
        Ok(configs) => {
            let readable = configs
                .into_iter()
                .filter_map(|topic| Some((topic.name, topic.values.ok()?)));
            Ok(readable.collect())
        }
        Err(error) if error.is_cluster_down() => Err(error),
        Err(_) => Ok(HashMap::new()),
    }
}

async fn broker_limit(target: &Inspector) -> Result<Option<u64>, Error> {
    let nodes = target.describe().await?.nodes;
    let Some(node) = nodes.first() else {
        return Ok(None);
    };
    match target.broker_configs(*node).await {
        Ok(values) => Ok(limits::number(&values, BROKER_LIMIT)),
        Err(error) if error.is_cluster_down() => Err(error),
        Err(_) => Ok(None),
    }
}

fn table(mirror: &Mirror, plans: &[TopicPlan], terminal: Terminal) -> String {
    let title = format!("{}: {}", mirror.name, counted(plans.len(), "topic"));
    let title = terminal.paint(Tone::Title, &title);
    if plans.is_empty() {
        return title;
    }
    let mut table = terminal.table([
        words("TOPIC"),
        figures("PARTITIONS"),
        words("ON THE TARGET"),
        words("WOULD BE"),
    ]);
    for plan in plans {
        let (tone, what) = match plan.action {
            Action::Mirror => (Tone::Good, "mirrored"),
            Action::Create { .. } => (Tone::Good, "created and mirrored"),
            Action::Grow { .. } => (Tone::Good, "grown and mirrored"),
            Action::Refuse(_) => (Tone::Bad, "refused"),
        };
        table.add_row([
            Cell::new(&plan.names.source_topic),
            Cell::new(grouped(plan.partitions.into())),
            Cell::new(&plan.names.target_topic),
            terminal.cell(tone, what),
        ]);
    }
    format!("{title}\n{}", table.trim_fmt())
}
