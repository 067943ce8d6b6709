//! Reads one entry of `mirrors`.

use std::collections::BTreeMap;
use std::num::NonZeroU8;

use regex::Regex;

use super::choices::{ConsumerGroups, ImportFrom};
use super::fields::Fields;
use super::key::{ClusterName, Key, Required};
use super::keys::{MIRROR, Texts};
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
    let source = cluster_name(&mut fields, &MIRROR.source, clusters);
    let target = cluster_name(&mut fields, &MIRROR.target, clusters);
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
    let consumer_groups = fields.or_default(&MIRROR.consumer_groups);
    let import_from = fields.scalar(&MIRROR.import_from);
    Mirror {
        name,
        source,
        target,
        topics: topics(fields),
        target_topic: fields
            .scalar(&MIRROR.target_topic)
            .unwrap_or_else(|| TopicTemplate(MIRROR.target_topic.default.to_owned())),
        start: fields.or_default(&MIRROR.start),
        provenance: fields.or_default(&MIRROR.provenance),
        import_from,
        import_offsets_topic: import_offsets_topic(fields, import_from),
        isolation: fields.or_default(&MIRROR.isolation),
        consumer_groups,
        consumers: consumers(fields, consumer_groups),
        create_topics: fields.or_default(&MIRROR.create_topics),
        replication_factor: fields.scalar(&MIRROR.replication_factor),
        sync_partitions: fields.or_default(&MIRROR.sync_partitions),
        sync_topic_configs: fields.or_default(&MIRROR.sync_topic_configs),
        sync_acls: fields.or_default(&MIRROR.sync_acls),
        exclude_configs: exclude_configs(fields),
        groups: filter(fields, [&MIRROR.groups, &MIRROR.exclude_groups]),
        sync_group_offsets: fields.or_default(&MIRROR.sync_group_offsets),
        discovery_interval: fields.or_default(&MIRROR.discovery_interval),
        commit_interval: fields.or_default(&MIRROR.commit_interval),
        checkpoint_interval: fields.or_default(&MIRROR.checkpoint_interval),
        mm2_offset_syncs: fields.or_default(&MIRROR.mm2_offset_syncs),
        heartbeats: fields.or_default(&MIRROR.heartbeats),
        heartbeat_interval: fields.or_default(&MIRROR.heartbeat_interval),
        compression: fields.or_default(&MIRROR.compression),
        on_gap: fields.or_default(&MIRROR.on_gap),
        on_divergence: fields.or_default(&MIRROR.on_divergence),
        on_rejected: fields.or_default(&MIRROR.on_rejected),
        neighbours: Neighbours::default(),
    }
}

/// The name of a cluster that is defined.
fn cluster_name(
    fields: &mut Fields<'_>,
    key: &Key<ClusterName, Required>,
    clusters: &[&str],
) -> Option<String> {
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
        key.name,
        format!("{} is not a cluster of this file", text.shown()),
        remedy,
    );
    None
}

/// The name of the mirror, by default made of its ends.
fn name(fields: &mut Fields<'_>, source: Option<&str>, target: Option<&str>) -> Option<String> {
    if fields.has(MIRROR.name.name) {
        let MirrorName(name) = fields.scalar(&MIRROR.name)?;
        return Some(name);
    }
    // Known all the same, so that a slip in the key is understood.
    fields.take(&MIRROR.name);
    let name = format!("{}-{}", source?, target?);
    if let Err(fault) = MirrorName::parse(&name) {
        fields.fault(
            MIRROR.name.name,
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
        fields.fault(
            MIRROR.target.name,
            what,
            "write the name of another cluster",
        );
    }
}

/// Consumers in the group of the whole mirror. A group per topic has one in each process.
fn consumers(fields: &mut Fields<'_>, groups: ConsumerGroups) -> NonZeroU8 {
    let is_asked = fields.has(MIRROR.consumers.name);
    let asked = fields.scalar(&MIRROR.consumers);
    if is_asked && groups == ConsumerGroups::PerTopic {
        let what = "has no effect where each topic has a group of its own";
        let remedy = "write `consumer_groups: shared` beside it, or remove it";
        fields.fault(MIRROR.consumers.name, what, remedy);
    }
    asked.map_or(MIRROR.consumers.default, |Consumers(number)| number)
}

/// The topic with the progress of the deployment that is taken over from.
fn import_offsets_topic(fields: &mut Fields<'_>, from: Option<ImportFrom>) -> Option<String> {
    let is_asked = fields.has(MIRROR.import_offsets_topic.name);
    let asked = fields.scalar(&MIRROR.import_offsets_topic);
    if is_asked && from.is_none() {
        let what = "has no effect where nothing is taken over";
        let remedy = "write `import_from: mirrormaker2` beside it, or remove it";
        fields.fault(MIRROR.import_offsets_topic.name, what, remedy);
    }
    asked.map(|TopicName(name)| name)
}

/// As `filter`, but a mirror without any topic is a mistake.
fn topics(fields: &mut Fields<'_>) -> NameFilter {
    let before = fields.problems().count();
    let topics = filter(fields, [&MIRROR.topics, &MIRROR.exclude_topics]);
    if topics.include.is_empty() && fields.problems().count() == before {
        fields.fault(
            MIRROR.topics.name,
            "selects nothing",
            "write `[\".*\"]` for every topic, or remove the mirror",
        );
    }
    topics
}

/// The patterns of two keys, the first for what is selected, the second for what is not after all.
fn filter(fields: &mut Fields<'_>, [include, exclude]: [&Key<Regex, Texts>; 2]) -> NameFilter {
    let mut read = |key: &Key<Regex, Texts>| {
        let read = fields.list(key);
        read.unwrap_or_else(|| patterns(key.default))
    };
    NameFilter {
        include: read(include),
        exclude: read(exclude),
    }
}

pub(super) fn patterns(texts: &[&str]) -> Vec<Regex> {
    let compile =
        |text: &&str| <Regex as Scalar>::parse(text).expect("the default patterns are valid");
    texts.iter().map(compile).collect()
}

fn exclude_configs(fields: &mut Fields<'_>) -> Vec<String> {
    let key = &MIRROR.exclude_configs;
    match fields.list(key) {
        Some(names) => names.into_iter().map(|ConfigName(name)| name).collect(),
        None => key.default.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// The name of a mirror.
pub(super) struct MirrorName(String);

impl Scalar for MirrorName {
    const WHAT: &'static str = "a name for a mirror";
    const FORM: &'static str = "1 to 100 letters, digits, `_` or `-`";
    const VALUE: &'static str = Self::FORM;

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
pub(super) struct TopicName(String);

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
pub(super) struct ConfigName(String);

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
pub(super) struct Consumers(NonZeroU8);

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
