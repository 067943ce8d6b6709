//! Finds mirrors that would send a topic round in a circle.

use super::choices::Provenance;
use super::conflicts::Leg;
use super::error::Problems;
use super::naming::Naming;
use super::overlap::{Selection, common_name};

/// Reports circles, one for each mirror that is the first of one. A mirror whose names begin with the source's name is
/// never part of one: a topic that came from the target is not mirrored back, however many clusters lie between. Nor
/// is a circle whose mirrors all write where a record came from: what would return home is left out.
pub(super) fn check(legs: &[Leg<'_>], problems: &Problems) {
    let unnamed: Vec<_> = legs
        .iter()
        .filter(|leg| !leg.mirror.target_topic.begins_with_source())
        .collect();
    for first in &unnamed {
        let way = Way::default().then(first);
        if let Some(circle) = way.and_then(|way| search(&way, &unnamed)) {
            report(&circle, problems);
        }
    }
}

/// Mirrors one behind the other, and the topics that take the whole way.
#[derive(Clone)]
struct Way<'a> {
    legs: Vec<&'a Leg<'a>>,
    selections: Vec<Selection<'a>>,
    /// What the templates have made of a topic's name so far.
    name: Naming,
}

impl Default for Way<'_> {
    fn default() -> Self {
        let (before, behind) = (String::new(), String::new());
        Self {
            legs: Vec::new(),
            selections: Vec::new(),
            name: Naming::Around { before, behind },
        }
    }
}

impl<'a> Way<'a> {
    /// The way that goes on with `leg`; `None` when the one name that all topics have by now is not selected there.
    fn then(&self, leg: &'a Leg<'a>) -> Option<Self> {
        let mut way = self.clone();
        way.legs.push(leg);
        let filter = &leg.mirror.topics;
        let naming = leg.naming();
        way.name = match &self.name {
            Naming::Fixed(name) if filter.matches(name) => Naming::Fixed(naming.name(name)),
            Naming::Fixed(_) => return None,
            Naming::Around { before, behind } => {
                let (before, behind) = (before.clone(), behind.clone());
                let name = naming.around(&before, &behind);
                way.selections.push(Selection {
                    filter,
                    before,
                    behind,
                });
                name
            }
        };
        Some(way)
    }

    fn first(&self) -> &'a Leg<'a> {
        self.legs.first().expect("a way has a first leg")
    }

    fn end(&self) -> usize {
        self.legs.last().expect("a way has a last leg").to
    }

    fn is_closed(&self) -> bool {
        self.end() == self.first().from
    }

    /// Whether every mirror on it says where a record came from.
    fn tells_origins(&self) -> bool {
        let mut mirrors = self.legs.iter().map(|leg| leg.mirror);
        mirrors.all(|mirror| mirror.provenance == Provenance::Header)
    }

    /// Whether `leg` goes on from the end to a cluster not seen yet. A circle is looked for from its first mirror
    /// in the file only, so that it is found once.
    fn can_go(&self, leg: &Leg<'_>) -> bool {
        leg.from == self.end()
            && leg.index > self.first().index
            && self.legs.iter().all(|past| past.to != leg.to)
    }
}

/// A way that is closed, and a topic that goes round on it.
struct Circle<'a> {
    way: Way<'a>,
    topic: String,
}

fn search<'a>(way: &Way<'a>, legs: &[&'a Leg<'a>]) -> Option<Circle<'a>> {
    if way.is_closed() && way.tells_origins() {
        return None;
    }
    if way.is_closed() {
        // Selected once more under the name it came back with: then it goes round again.
        let topic = common_name(&way.then(way.first())?.selections)?;
        return Some(Circle {
            way: way.clone(),
            topic,
        });
    }
    let longer = legs
        .iter()
        .filter(|leg| way.can_go(leg))
        .filter_map(|leg| way.then(leg));
    longer
        .filter(|way| common_name(&way.selections).is_some())
        .find_map(|way| search(&way, legs))
}

fn report(Circle { way, topic }: &Circle<'_>, problems: &Problems) {
    let mut stations: Vec<_> = way
        .legs
        .iter()
        .map(|leg| leg.mirror.source.as_str())
        .collect();
    stations.push(&way.first().mirror.source);
    let returned = way.name.name(topic);
    let name = match returned == *topic {
        true => "under the same name".to_owned(),
        false => format!("as `{returned}`"),
    };
    let last = way.legs.last().expect("a circle has a last leg").index;
    let what = format!(
        "closes a circle: topics such as `{topic}` go {} {name}, and round again",
        stations.join(" > ")
    );
    let remedy = "write `provenance: header` on each of these mirrors, `target_topic: \"{source}.{topic}\"`, or `topics` that leave out what came from elsewhere";
    problems.add(&format!("mirrors[{last}]"), what, remedy);
}
