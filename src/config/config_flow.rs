//! Decides which mirror rules a copy's configs among clusters that hold the same topics, so that configs never flow in a circle.

use std::collections::{BTreeMap, VecDeque};
use std::ptr;

use super::name_filter::NameFilter;
use super::naming::Naming;

/// A mirror, as far as it moves configs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flow {
    /// The clusters at its ends by one of their names, the same for all mirrors.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) topics: NameFilter,
    pub(super) naming: Naming,
}

/// A mirror that keeps names, and from whose target others that do so lead back to its source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Circle {
    /// Its place among `flows`.
    own: usize,
    /// All mirrors into clusters of its circles, in the order of the file.
    flows: Vec<Flow>,
}

impl Circle {
    /// The circles of the mirror at `place` among all of the file; `None` when it is part of none.
    pub(super) fn of(place: usize, file: &[Flow]) -> Option<Self> {
        let all: Vec<_> = file.iter().collect();
        let members = members(&all, &file[place])?;
        let inside = |(_, flow): &(usize, &Flow)| members.contains(&flow.to.as_str());
        let (places, flows): (Vec<_>, Vec<_>) = file.iter().enumerate().filter(inside).unzip();
        Some(Self {
            own: places.iter().position(|other| *other == place)?,
            flows: flows.into_iter().cloned().collect(),
        })
    }

    /// Whether the mirror rules the configs of its copy of `topic`, which has the same name; `None` when the topic does
    /// not return to its source.
    ///
    /// The first mirror of the file into the circle says which cluster decides: its source, or its target when it comes
    /// from outside. From there configs take the fewest hops to every other cluster. A cluster into which the first
    /// mirror comes from outside is ruled by that one.
    pub(super) fn rules(&self, topic: &str) -> Option<bool> {
        let own = &self.flows[self.own];
        let writes = |flow: &&Flow| flow.naming.reaches(topic, &flow.topics);
        let writing: Vec<_> = self.flows.iter().filter(writes).collect();
        let members = members(&writing, own)?;
        let is_member = |cluster: &str| members.contains(&cluster);
        let is_within = |flow: &Flow| flow.naming.keeps_names() && is_member(&flow.from);
        let first = writing.iter().find(|flow| is_member(&flow.to))?;
        let deciding = match is_within(first) {
            true => &first.from,
            false => &first.to,
        };
        let into = || writing.iter().filter(|flow| flow.to == own.to);
        if own.to == *deciding || !into().next().is_some_and(|flow| is_within(flow)) {
            return Some(false);
        }
        let hops = hops(&writing, deciding, |flow| (&flow.from, &flow.to));
        let within = into().filter(|flow| is_within(flow));
        let nearest = within.min_by_key(|flow| hops.get(flow.from.as_str()));
        Some(nearest.is_some_and(|flow| ptr::eq(*flow, own)))
    }
}

/// The clusters in circles of kept names that `own` is part of; `None` when it is part of none.
fn members<'a>(flows: &[&'a Flow], own: &'a Flow) -> Option<Vec<&'a str>> {
    let ahead = hops(flows, &own.to, |flow| (&flow.from, &flow.to));
    let behind = hops(flows, &own.to, |flow| (&flow.to, &flow.from));
    let is_closed = own.naming.keeps_names() && ahead.contains_key(own.from.as_str());
    let both = ahead.into_keys().filter(|it| behind.contains_key(*it));
    is_closed.then(|| both.collect())
}

/// The clusters to which mirrors that keep names lead from `start`, with the fewest of them on the way. `ends` tells in
/// which direction a mirror is followed.
fn hops<'a>(
    flows: &[&'a Flow],
    start: &'a str,
    ends: impl Fn(&'a Flow) -> (&'a str, &'a str),
) -> BTreeMap<&'a str, usize> {
    let mut hops = BTreeMap::from([(start, 0)]);
    let mut queue = VecDeque::from([start]);
    while let Some(cluster) = queue.pop_front() {
        let next = hops[cluster] + 1;
        let keeping = flows.iter().filter(|flow| flow.naming.keeps_names());
        for (from, to) in keeping.map(|&flow| ends(flow)) {
            if from == cluster && !hops.contains_key(to) {
                hops.insert(to, next);
                queue.push_back(to);
            }
        }
    }
    hops
}

#[cfg(test)]
mod tests {
    use crate::config::bad_input_tests::parse_text;

    const CLUSTERS: &str = "
clusters:
  a: { bootstrap_servers: 'a:9092' }
  b: { bootstrap_servers: 'b:9092' }
  c: { bootstrap_servers: 'c:9092' }
  d: { bootstrap_servers: 'd:9092' }";

    /// The mirrors that rule configs of their copies of `orders`, of some that keep names; each as `a>b`, with
    /// more keys behind a blank.
    fn ruling(mirrors: &[&str]) -> Vec<String> {
        let entry = |mirror: &&str| {
            let (ends, more) = mirror.split_once(' ').unwrap_or((mirror, ""));
            let (source, target) = ends.split_once('>').expect("two ends");
            format!(
                "\n  - {{ source: {source}, target: {target}, target_topic: '{{topic}}', provenance: header{more} }}"
            )
        };
        let entries: String = mirrors.iter().map(entry).collect();
        let file = parse_text(&format!("{CLUSTERS}\nmirrors:{entries}\n")).expect("a valid file");
        let ruling = file.mirrors.iter();
        let ruling = ruling.filter(|it| it.topics.matches("orders") && it.owns_configs("orders"));
        ruling
            .map(|mirror| format!("{}>{}", mirror.source, mirror.target))
            .collect()
    }

    #[test]
    fn configs_flow_from_the_source_of_the_first_mirror_and_never_back() {
        for (mirrors, expected) in [
            // Pairs.
            (&["a>b", "b>a"][..], &["a>b"][..]),
            (&["b>a", "a>b"], &["b>a"]),
            (&["a>b , topics: [x]", "b>a"], &["b>a"]),
            // Triangles, whatever the order behind the first mirror.
            (&["a>b", "b>c", "c>a"], &["a>b", "b>c"]),
            (&["a>b", "c>a", "b>c"], &["a>b", "b>c"]),
            (&["b>c", "a>b", "c>a"], &["b>c", "c>a"]),
            // A full mesh takes the direct ways.
            (&["a>b", "b>a", "c>b", "b>c", "c>a", "a>c"], &["a>b", "a>c"]),
            // Two that lead to each other do not rule each other, though they come first in the file.
            (
                &["a>d", "b>c", "c>b", "a>b", "a>c", "d>a", "c>a"],
                &["a>d", "a>b", "a>c"],
            ),
            // Without a circle the first mirror into a cluster rules.
            (&["a>b", "b>c", "c>d"], &["a>b", "b>c", "c>d"]),
            (&["b>c", "a>c", "a>b"], &["b>c", "a>b"]),
            (&["a>b", "b>a , topics: [x]"], &["a>b"]),
            // Two circles that have no way back between them.
            (&["a>b", "b>a", "b>c", "c>d", "d>c"], &["a>b", "b>c", "c>d"]),
            // What comes from outside before all others flows on.
            (&["d>b", "a>b", "b>a"], &["d>b", "b>a"]),
            (&["a>b", "b>a", "d>a"], &["a>b"]),
        ] {
            assert_eq!(ruling(mirrors), expected, "{mirrors:?}");
        }
    }
}
