//! Tells a mirror what it must know of the other mirrors that write to its target.

use std::collections::{BTreeMap, BTreeSet};

use super::choices::{Heartbeats, Provenance};
use super::cluster::Cluster;
use super::config_flow::{Circle, Flow};
use super::conflicts;
use super::mirror::Mirror;
use super::name_filter::NameFilter;
use super::naming::Naming;
use super::start::Start;

/// The other mirrors into the same target cluster, as far as one mirror's copies depend on them.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Every name of the target cluster.
    home: Vec<String>,
    /// Mirrors that stand before it in the file.
    earlier: Vec<Writer>,
    /// All other mirrors of the file.
    beside: Vec<Writer>,
    /// Mirrors through which the configs of its topics could come back.
    circle: Option<Circle>,
    /// Whether one of those joins the same clusters and carries heartbeats.
    has_twin: bool,
    /// Mirrors by which a record reaches the target on a shorter way.
    direct: Vec<Writer>,
}

/// A mirror that writes to the target.
#[derive(Debug, Clone, PartialEq)]
struct Writer {
    /// Every name of the cluster that it reads from.
    sources: Vec<String>,
    topics: NameFilter,
    naming: Naming,
}

impl Neighbours {
    /// Whether an earlier mirror of the file copies something into the target topic `copy`.
    pub(super) fn writes_earlier(&self, copy: &str) -> bool {
        let mut earlier = self.earlier.iter();
        earlier.any(|writer| writer.naming.reaches(copy, &writer.topics))
    }

    /// Whether another mirror of the file copies something into the target topic `copy`.
    pub(super) fn writes_beside(&self, copy: &str) -> bool {
        let mut beside = self.beside.iter();
        beside.any(|writer| writer.naming.reaches(copy, &writer.topics))
    }

    /// Whether records of `topic`, whose copy has the same name, reach the target on other ways, too, or came from there.
    pub(super) fn others_carry(&self, topic: &str) -> bool {
        let mut direct = self.direct.iter();
        direct.any(|writer| writer.topics.matches(topic)) || self.rules_in_circle(topic).is_some()
    }

    /// Whether the mirror rules the configs of its copy of `topic` in spite of others that lead the topic back to its
    /// source; `None` when none do. For copies that have the name of their topic.
    pub(super) fn rules_in_circle(&self, topic: &str) -> Option<bool> {
        self.circle.as_ref()?.rules(topic)
    }

    /// Whether an earlier mirror of the file carries heartbeats between the same clusters.
    pub(super) fn has_twin(&self) -> bool {
        self.has_twin
    }

    /// Clusters whose records reach the target without this mirror's copy of `topic`.
    pub(super) fn origins_left_out(&self, topic: &str) -> Vec<&str> {
        let direct = self.direct.iter();
        let direct = direct.filter(|writer| writer.topics.matches(topic));
        let direct = direct.flat_map(|writer| &writer.sources);
        self.home.iter().chain(direct).map(String::as_str).collect()
    }

    /// Whether other copies have the configs of their topics, others write into the same copies, or earlier mirrors carry
    /// heartbeats.
    pub(super) fn differ_in_duties(&self, other: &Self) -> bool {
        (&self.earlier, &self.beside, &self.circle, self.has_twin)
            != (&other.earlier, &other.beside, &other.circle, other.has_twin)
    }

    /// Whether other records may be left out.
    pub(super) fn differ_in_origins(&self, other: &Self) -> bool {
        (&self.home, &self.direct) != (&other.home, &other.direct)
    }
}

/// Introduces the mirrors of a valid file to each other.
pub(super) fn introduce(mirrors: &mut [Mirror], clusters: &BTreeMap<String, Cluster>) {
    let plan = Map::new(mirrors, clusters);
    let found: Vec<_> = (0..mirrors.len()).map(|place| plan.around(place)).collect();
    for (mirror, neighbours) in mirrors.iter_mut().zip(found) {
        mirror.neighbours = neighbours;
    }
}

/// All mirrors, with the clusters at their ends by number: two names may mean one cluster.
struct Map<'a> {
    numbers: BTreeMap<&'a str, usize>,
    legs: Vec<Leg<'a>>,
    /// The legs once more, as far as configs take them.
    flows: Vec<Flow>,
}

struct Leg<'a> {
    mirror: &'a Mirror,
    from: usize,
    to: usize,
    naming: Naming,
}

impl<'a> Map<'a> {
    fn new(mirrors: &'a [Mirror], clusters: &'a BTreeMap<String, Cluster>) -> Self {
        let numbers = conflicts::number(clusters);
        let leg = |mirror: &'a Mirror| Leg {
            mirror,
            from: numbers[mirror.source.as_str()],
            to: numbers[mirror.target.as_str()],
            naming: mirror.target_topic.naming(&mirror.source),
        };
        let legs = mirrors.iter().map(leg).collect();
        let mut map = Self {
            numbers,
            legs,
            flows: Vec::new(),
        };
        map.flows = map.legs.iter().map(|leg| map.flow(leg)).collect();
        map
    }

    /// What the mirror at `place` must know.
    fn around(&self, place: usize) -> Neighbours {
        let own = &self.legs[place];
        let earlier = self.legs[..place].iter().filter(|leg| leg.to == own.to);
        let later = self.legs[place + 1..].iter().filter(|leg| leg.to == own.to);
        let beside = earlier.clone().chain(later);
        let has_twin = earlier
            .clone()
            .any(|leg| leg.from == own.from && leg.mirror.heartbeats != Heartbeats::Off);
        let direct = self.legs.iter().filter(|leg| is_shorter(leg, own));
        let direct = direct.filter(|_| self.names_are_kept_up_to(own.from));
        Neighbours {
            home: self.names_of(own.to),
            earlier: earlier.map(|leg| self.writer(leg)).collect(),
            beside: beside.map(|leg| self.writer(leg)).collect(),
            circle: Circle::of(place, &self.flows),
            has_twin,
            direct: direct.map(|leg| self.writer(leg)).collect(),
        }
    }

    fn writer(&self, leg: &Leg<'_>) -> Writer {
        Writer {
            sources: self.names_of(leg.from),
            topics: leg.mirror.topics.clone(),
            naming: leg.naming.clone(),
        }
    }

    fn flow(&self, leg: &Leg<'_>) -> Flow {
        let name_of = |cluster| self.names_of(cluster).swap_remove(0);
        Flow {
            from: name_of(leg.from),
            to: name_of(leg.to),
            topics: leg.mirror.topics.clone(),
            naming: leg.naming.clone(),
        }
    }

    fn names_of(&self, cluster: usize) -> Vec<String> {
        let names = self.numbers.iter();
        let names = names.filter(|(_, number)| **number == cluster);
        names.map(|(name, _)| (*name).to_owned()).collect()
    }

    /// Whether every mirror that leads to `cluster`, over any number of others, keeps the names of topics. Only then a
    /// record is in the topic that it was in where it came from.
    fn names_are_kept_up_to(&self, cluster: usize) -> bool {
        let mut leading = BTreeSet::from([cluster]);
        let mut seen = 0;
        while seen < leading.len() {
            seen = leading.len();
            let more = self.legs.iter().filter(|leg| leading.contains(&leg.to));
            let more: Vec<_> = more.map(|leg| leg.from).collect();
            leading.extend(more);
        }
        let mut ways = self.legs.iter().filter(|leg| leading.contains(&leg.to));
        ways.all(|leg| leg.naming.keeps_names())
    }
}

/// Whether what `direct` copies from another source under the same names need not pass through `own`. A mirror that
/// begins later than `own` might never copy what is old. Two that begin at the latest do so at different moments.
fn is_shorter(direct: &Leg<'_>, own: &Leg<'_>) -> bool {
    let tells =
        |leg: &Leg<'_>| leg.mirror.provenance == Provenance::Header && leg.naming.keeps_names();
    let from_as_early = match direct.mirror.start {
        Start::Earliest => true,
        Start::Latest => false,
        at @ Start::At(_) => at == own.mirror.start,
    };
    direct.to == own.to && direct.from != own.from && tells(direct) && tells(own) && from_as_early
}
