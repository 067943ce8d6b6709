//! Says how much of a copy may be there twice: nothing without a word in the log, and then no more than had been sent and not
//! committed at a time.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Sites, copy_of, group_of};

/// What a daemon says before records of a partition are there twice: it found what it cannot tell from the work of others,
/// or others were seen to write. Others are this mirror's own processes, too, that had lost the partition with writes in flight.
const TOLD: [&str; 2] = [
    "the copy holds more than was known, records may be repeated",
    "somebody else writes the copy: records may stand there twice",
];

/// A partition of the source.
pub type Place = (String, i32);

/// The most that was at risk in each partition at a time.
pub struct AtRisk {
    places: Vec<Place>,
    /// Records of one partition that fit in flight.
    in_flight: i64,
    most: BTreeMap<Place, i64>,
    /// What was committed at the last look.
    committed: BTreeMap<Place, i64>,
}

impl AtRisk {
    pub fn new(places: Vec<Place>, in_flight: i64) -> Self {
        Self {
            places,
            in_flight,
            most: BTreeMap::new(),
            committed: BTreeMap::new(),
        }
    }

    /// Looks at what has been sent and not committed since the last look: what is on the target, and what may be on the way
    /// there, behind what was committed then.
    pub fn look(&mut self, sites: &Sites) {
        let (source, target) = (sites.source.cluster(), sites.target.cluster());
        for place in &self.places {
            let (topic, partition) = (place.0.as_str(), place.1);
            let written = source.log_end(topic, partition).unwrap_or(0);
            let copied = target.log_end(&copy_of(topic), partition).unwrap_or(0);
            let committed = source.committed(&group_of(topic), topic, partition);
            let sent = written.min(copied + self.in_flight);
            let before = self.committed.insert(place.clone(), committed.unwrap_or(0));
            let most = self.most.entry(place.clone()).or_default();
            *most = (*most).max(sent - before.unwrap_or(0));
        }
    }

    /// How many records of each partition may be there twice, given what the daemons said.
    pub fn excused(&self, logs: impl Iterator<Item = String>) -> BTreeMap<Place, i64> {
        let mut excused: BTreeMap<_, _> =
            self.places.iter().map(|place| (place.clone(), 0)).collect();
        for log in logs {
            for place in log.lines().filter_map(told) {
                let most = self.most.get(&place).copied().unwrap_or(0);
                *excused.entry(place).or_default() += most;
            }
        }
        excused
    }
}

/// The partition that a line of a log excuses.
fn told(line: &str) -> Option<Place> {
    if !TOLD.iter().any(|what| line.contains(what)) {
        return None;
    }
    let line: Value = serde_json::from_str(line).ok()?;
    // Named by the line itself, or by the lane that wrote it.
    match line["partition"].as_str() {
        Some(named) => {
            let (topic, partition) = named.rsplit_once('/')?;
            Some((topic.to_owned(), partition.parse().ok()?))
        }
        None => {
            let partition = line["partition"].as_i64()?;
            Some((
                line["topic"].as_str()?.to_owned(),
                partition.try_into().ok()?,
            ))
        }
    }
}

#[test]
fn a_partition_is_excused_as_often_as_the_daemons_spoke_of_it() {
    let mut at_risk = AtRisk::new(vec![("orders".into(), 0), ("orders".into(), 1)], 10);
    at_risk.most.insert(("orders".into(), 1), 7);
    let found = format!(
        r#"{{"message":"{}","partition":"orders/1","mirror":"a-b"}}"#,
        TOLD[0]
    );
    let seen = format!(
        r#"{{"message":"{}","topic":"orders","partition":1,"mirror":"a-b"}}"#,
        TOLD[1]
    );
    let logs = [
        format!("{found}\n{seen}\n"),
        "partition stands still".into(),
    ];
    let excused = at_risk.excused(logs.into_iter());
    let expected = [(("orders".into(), 0), 0), (("orders".into(), 1), 14)];
    assert_eq!(excused, expected.into());
}
