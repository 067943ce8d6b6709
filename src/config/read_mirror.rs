//! Reads one entry of `mirrors`.

use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU16};

use regex::Regex;

use super::choices::{ConsumerGroups, ImportFrom};
use super::defaults;
use super::fields::Fields;
use super::mirror::Mirror;
use super::name_filter::NameFilter;
use super::neighbours::Neighbours;
use super::read_cluster::MAX_NAME;
use super::scalar::{Fault, Scalar};
use super::suggest;
use super::topic_name::{TopicTemplate, is_topic_character, validate_topic_name};

/// Each is a client with threads and connections of its own; more than this is a slip of the pen.
const MOST_CONSUMERS: u8 = 64;

/// Names of mirrors, and where each stands.
type Taken = BTreeMap<String, String>;

/// Reads the mirror; `None` when anything is wrong with it, which was reported. `clusters` are the names defined;
/// the mirror's own name is added to `taken`.
pub(super) fn mirror(
    mut fields: Fields<'_>,
    clusters: &[&str],
    taken: &mut Taken,
) -> Option<Mirror> {
    let before = fields.problems().count();
    let source = cluster_name(&mut fields, "source", clusters);
    let target = cluster_name(&mut fields, "target", clusters);
    let name = name(&mut fields, source.as_deref(), target.as_deref());
    if let Some(name) = &name {
        check_unique(&fields, name, taken);
    }
    check_ends(&fields, source.as_deref(), target.as_deref());
    // Read on without them: every problem of the mirror shows at once.
    let mirror = settings(
        &mut fields,
        [name, source, target].map(Option::unwrap_or_default),
    );
    let problems = fields.problems();
    fields.close();
    (problems.count() == before).then_some(mirror)
}

fn settings(fields: &mut Fields<'_>, [name, source, target]: [String; 3]) -> Mirror {
    let consumer_groups = fields.or("consumer_groups", defaults::CONSUMER_GROUPS);
    let import_from = fields.scalar("import_from");
    Mirror {
        name,
        source,
        target,
        topics: topics(fields),
        target_topic: fields
            .scalar("target_topic")
            .unwrap_or_else(|| TopicTemplate(defaults::TARGET_TOPIC.to_owned())),
        start: fields.or("start", defaults::START),
        provenance: fields.or("provenance", defaults::PROVENANCE),
        import_from,
        import_offsets_topic: import_offsets_topic(fields, import_from),
        isolation: fields.or("isolation", defaults::ISOLATION),
        consumer_groups,
        consumers: consumers(fields, consumer_groups),
        create_topics: fields.or("create_topics", defaults::CREATE_TOPICS),
        replication_factor: fields.scalar::<NonZeroU16>("replication_factor"),
        sync_partitions: fields.or("sync_partitions", defaults::SYNC_PARTITIONS),
        sync_topic_configs: fields.or("sync_topic_configs", defaults::SYNC_TOPIC_CONFIGS),
        sync_acls: fields.or("sync_acls", defaults::SYNC_ACLS),
        exclude_configs: exclude_configs(fields),
        groups: filter(
            fields,
            ["groups", "exclude_groups"],
            [defaults::GROUPS, defaults::EXCLUDE_GROUPS],
        ),
        sync_group_offsets: fields.or("sync_group_offsets", defaults::SYNC_GROUP_OFFSETS),
        discovery_interval: fields.or("discovery_interval", defaults::DISCOVERY_INTERVAL),
        commit_interval: fields.or("commit_interval", defaults::COMMIT_INTERVAL),
        checkpoint_interval: fields.or("checkpoint_interval", defaults::CHECKPOINT_INTERVAL),
        mm2_offset_syncs: fields.or("mm2_offset_syncs", defaults::MM2_OFFSET_SYNCS),
        heartbeats: fields.or("heartbeats", defaults::HEARTBEATS),
        heartbeat_interval: fields.or("heartbeat_interval", defaults::HEARTBEAT_INTERVAL),
        compression: fields.or("compression", defaults::COMPRESSION),
        on_gap: fields.or("on_gap", defaults::ON_GAP),
        on_divergence: fields.or("on_divergence", defaults::ON_DIVERGENCE),
        on_rejected: fields.or("on_rejected", defaults::ON_REJECTED),
        neighbours: Neighbours::default(),
    }
}

/// The name of a cluster that is defined.
fn cluster_name(fields: &mut Fields<'_>, key: &'static str, clusters: &[&str]) -> Option<String> {
    let text = fields.required_text(key, "the name of a cluster")?;
    if clusters.contains(&text.value.as_str()) {
        return Some(text.value);
    }
    let remedy = match (clusters, text.visible) {
        ([], _) => "write it under `clusters`".to_owned(),
        (_, false) => format!("the clusters are {}", suggest::quoted(clusters)),
        (_, true) => suggest::remedy(&text.value, clusters, "the clusters are"),
    };
    fields.fault(
        key,
        format!("{} is not a cluster of this file", text.shown()),
        remedy,
    );
    None
}

/// The name of the mirror, by default made of its ends.
fn name(fields: &mut Fields<'_>, source: Option<&str>, target: Option<&str>) -> Option<String> {
    if fields.has("name") {
        let MirrorName(name) = fields.scalar("name")?;
        return Some(name);
    }
    // Known all the same, so that a slip in the key is understood.
    fields.take("name");
    let name = format!("{}-{}", source?, target?);
    if let Err(fault) = MirrorName::parse(&name) {
        fields.fault(
            "name",
            format!("is by default `{name}`, which {}", fault.why),
            fault.remedy,
        );
    }
    Some(name)
}

fn check_unique(fields: &Fields<'_>, name: &str, taken: &mut Taken) {
    match taken.get(name) {
        Some(path) => fields.fault(
            "name",
            format!("`{name}` is the name of {path} as well"),
            "write a `name` of its own",
        ),
        None => drop(taken.insert(name.to_owned(), fields.path().to_owned())),
    }
}

fn check_ends(fields: &Fields<'_>, source: Option<&str>, target: Option<&str>) {
    if source.is_some() && source == target {
        let what = "is the source as well: a mirror from a cluster to itself";
        fields.fault("target", what, "write the name of another cluster");
    }
}

/// Consumers in the group of the whole mirror. A group per topic has one in each process.
fn consumers(fields: &mut Fields<'_>, groups: ConsumerGroups) -> NonZeroU8 {
    let is_asked = fields.has("consumers");
    let asked = fields.scalar("consumers");
    if is_asked && groups == ConsumerGroups::PerTopic {
        let what = "has no effect where each topic has a group of its own";
        let remedy = "write `consumer_groups: shared` beside it, or remove it";
        fields.fault("consumers", what, remedy);
    }
    asked.map_or(defaults::CONSUMERS, |Consumers(number)| number)
}

/// The topic with the progress of the deployment that is taken over from.
fn import_offsets_topic(fields: &mut Fields<'_>, from: Option<ImportFrom>) -> Option<String> {
    let is_asked = fields.has("import_offsets_topic");
    let asked = fields.scalar("import_offsets_topic");
    if is_asked && from.is_none() {
        let what = "has no effect where nothing is taken over";
        let remedy = "write `import_from: mirrormaker2` beside it, or remove it";
        fields.fault("import_offsets_topic", what, remedy);
    }
    asked.map(|TopicName(name)| name)
}

/// As `filter`, but a mirror without any topic is a mistake.
fn topics(fields: &mut Fields<'_>) -> NameFilter {
    let before = fields.problems().count();
    let topics = filter(
        fields,
        ["topics", "exclude_topics"],
        [defaults::TOPICS, defaults::EXCLUDE_TOPICS],
    );
    if topics.include.is_empty() && fields.problems().count() == before {
        fields.fault(
            "topics",
            "selects nothing",
            "write `[\".*\"]` for every topic, or remove the mirror",
        );
    }
    topics
}

/// The patterns of two keys, the first for what is selected, the second for what is not after all.
fn filter(
    fields: &mut Fields<'_>,
    [include, exclude]: [&'static str; 2],
    [selected, left_out]: [&[&str]; 2],
) -> NameFilter {
    NameFilter {
        include: fields.list(include).unwrap_or_else(|| patterns(selected)),
        exclude: fields.list(exclude).unwrap_or_else(|| patterns(left_out)),
    }
}

pub(super) fn patterns(texts: &[&str]) -> Vec<Regex> {
    let compile =
        |text: &&str| <Regex as Scalar>::parse(text).expect("the default patterns are valid");
    texts.iter().map(compile).collect()
}

fn exclude_configs(fields: &mut Fields<'_>) -> Vec<String> {
    match fields.list::<ConfigName>("exclude_configs") {
        Some(names) => names.into_iter().map(|ConfigName(name)| name).collect(),
        None => defaults::EXCLUDE_CONFIGS
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
    }
}

/// The name of a mirror.
struct MirrorName(String);

impl Scalar for MirrorName {
    const WHAT: &'static str = "a name for a mirror";
    const FORM: &'static str = "1 to 100 letters, digits, `_` or `-`";

    fn parse(text: &str) -> Result<Self, Fault> {
        let remedy = || format!("write {}", Self::FORM);
        match text
            .chars()
            .find(|character| *character == '.' || !is_topic_character(*character))
        {
            Some(character) => Err(Fault::new(format!("holds {character:?}"), remedy())),
            None if text.len() > MAX_NAME => Err(Fault::new("is too long", remedy())),
            None if text.is_empty() => Err(Fault::new("is empty", remedy())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

/// The name of a topic.
struct TopicName(String);

impl Scalar for TopicName {
    const WHAT: &'static str = "the name of a topic";
    const FORM: &'static str = "a name such as `mm2-offsets.paris.internal`";

    fn parse(text: &str) -> Result<Self, Fault> {
        let name = || Self(text.to_owned());
        let valid = validate_topic_name(text).map(|()| name());
        valid.map_err(|error| Fault::new(error.to_string(), format!("write {}", Self::FORM)))
    }
}

/// The name of a topic config, in full: MirrorMaker 2 takes patterns here.
struct ConfigName(String);

impl Scalar for ConfigName {
    const WHAT: &'static str = "the name of a topic config";
    const FORM: &'static str = "a name such as `min.insync.replicas`";

    fn parse(text: &str) -> Result<Self, Fault> {
        match !text.is_empty() && text.chars().all(is_topic_character) {
            true => Ok(Self(text.to_owned())),
            false => Err(Fault::new(
                "is not the name of a topic config",
                "write each name in full, without patterns",
            )),
        }
    }
}

/// How many consumers one process has in a group.
struct Consumers(NonZeroU8);

impl Scalar for Consumers {
    const WHAT: &'static str = "a number from 1 to 64";
    const FORM: &'static str = "a number from `1` to `64`";
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        let number = text.parse().ok();
        let number = number.filter(|number: &NonZeroU8| number.get() <= MOST_CONSUMERS);
        number.map(Self).ok_or_else(|| {
            let why = format!("is not {}", Self::WHAT);
            Fault::new(why, format!("write {}", Self::FORM))
        })
    }
}
