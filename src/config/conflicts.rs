//! Checks the mirrors of a file against each other.

use std::collections::BTreeMap;

use super::circle;
use super::cluster::Cluster;
use super::collision;
use super::error::Problems;
use super::mirror::Mirror;
use super::naming::Naming;
use super::servers::Servers;
use super::shared_acls;

/// A mirror and the clusters at its ends, known by number: two names may mean one cluster.
#[derive(Debug)]
pub(super) struct Leg<'a> {
    /// Place in the file.
    pub(super) index: usize,
    pub(super) mirror: &'a Mirror,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Leg<'_> {
    pub(super) fn naming(&self) -> Naming {
        self.mirror.target_topic.naming(&self.mirror.source)
    }
}

/// Reports what is wrong between mirrors. Those that are wrong by themselves have no value and are left out, as are
/// those whose clusters are.
pub(super) fn check(
    mirrors: &[Option<Mirror>],
    clusters: &BTreeMap<String, Cluster>,
    problems: &Problems,
) {
    let numbers = number(clusters);
    let legs = mirrors.iter().enumerate().filter_map(|(index, mirror)| {
        let mirror = mirror.as_ref()?;
        let number_of = |name: &String| numbers.get(name.as_str()).copied();
        Some(Leg {
            index,
            mirror,
            from: number_of(&mirror.source)?,
            to: number_of(&mirror.target)?,
        })
    });
    let (within, between): (Vec<_>, Vec<_>) = legs.partition(|leg| leg.from == leg.to);
    for leg in &within {
        let what = format!(
            "is the same cluster as `{}`: they share an address",
            leg.mirror.source
        );
        problems.add(
            &format!("mirrors[{}].target", leg.index),
            what,
            "write the name of another cluster",
        );
    }
    for (place, leg) in between.iter().enumerate() {
        for earlier in &between[..place] {
            collision::check(earlier, leg, problems);
        }
        shared_acls::check(leg, &between, problems);
    }
    circle::check(&between, problems);
}

/// Numbers the clusters; those that share an address have one number.
pub(super) fn number(clusters: &BTreeMap<String, Cluster>) -> BTreeMap<&str, usize> {
    let mut groups: Vec<Vec<Servers>> = Vec::new();
    let mut numbers = BTreeMap::new();
    for (name, cluster) in clusters {
        let servers =
            Servers::parse(&cluster.bootstrap_servers).expect("the addresses were read before");
        let same = |group: &Vec<Servers>| group.iter().any(|other| other.shared_with(&servers));
        let number = groups.iter().position(same).unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[number].push(servers);
        numbers.insert(name.as_str(), number);
    }
    numbers
}
