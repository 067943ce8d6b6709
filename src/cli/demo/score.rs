//! Counts, per partition, what the load has produced and what the verifier has found.

use std::sync::atomic::{AtomicU64, Ordering};

use super::record::Place;

/// All partitions of the demo, topic by topic. Written by the load and the verifier, read by the view.
pub(super) struct Score {
    topics: Vec<Topic>,
}

/// One topic of the demo.
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) lanes: Vec<Lane>,
}

/// One partition of the demo. The counters only grow and stand alone, so relaxed access will do.
#[derive(Default)]
pub(super) struct Lane {
    produced: AtomicU64,
    mirrored: AtomicU64,
}

impl Score {
    /// Names topics after trades, numbered where there are more of them than trades.
    pub(super) fn new(topics: usize, partitions: usize) -> Self {
        const TRADES: [&str; 8] = [
            "orders",
            "payments",
            "shipments",
            "returns",
            "invoices",
            "visits",
            "alerts",
            "prices",
        ];
        let name = |index: usize| {
            let round = index / TRADES.len();
            let trade = TRADES[index % TRADES.len()];
            if round == 0 {
                trade.to_owned()
            } else {
                format!("{trade}-{}", round + 1)
            }
        };
        let lanes = || (0..partitions).map(|_| Lane::default()).collect();
        let topic = |index| Topic {
            name: name(index),
            lanes: lanes(),
        };
        Self {
            topics: (0..topics).map(topic).collect(),
        }
    }

    pub(super) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Every partition with its place, in the order in which they are indexed everywhere.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (Place<'_>, &Lane)> {
        self.topics.iter().flat_map(|topic| {
            (0..).zip(&topic.lanes).map(|(partition, lane)| {
                let place = Place {
                    topic: &topic.name,
                    partition,
                };
                (place, lane)
            })
        })
    }

    /// The partition at `index` in [`lanes`](Self::lanes).
    pub(super) fn lane(&self, index: usize) -> Option<&Lane> {
        let partitions = self.topics.first()?.lanes.len();
        self.topics
            .get(index / partitions)?
            .lanes
            .get(index % partitions)
    }

    /// Where the partition at `index` is.
    pub(super) fn place(&self, index: usize) -> Option<Place<'_>> {
        let partitions = self.topics.first()?.lanes.len();
        Some(Place {
            topic: &self.topics.get(index / partitions)?.name,
            partition: i32::try_from(index % partitions).ok()?,
        })
    }

    pub(super) fn produced(&self) -> u64 {
        self.lanes().map(|(_, lane)| lane.produced()).sum()
    }

    pub(super) fn mirrored(&self) -> u64 {
        self.lanes().map(|(_, lane)| lane.mirrored()).sum()
    }

    /// Whether the target holds everything that the source has acknowledged.
    pub(super) fn is_caught_up(&self) -> bool {
        self.lanes()
            .all(|(_, lane)| lane.mirrored() >= lane.produced())
    }
}

impl Lane {
    pub(super) fn produced(&self) -> u64 {
        self.produced.load(Ordering::Relaxed)
    }

    pub(super) fn mirrored(&self) -> u64 {
        self.mirrored.load(Ordering::Relaxed)
    }

    pub(super) fn acknowledge_one(&self) {
        self.produced.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn set_mirrored(&self, records: u64) {
        self.mirrored.store(records, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_different_however_many_topics_there_are() {
        let score = Score::new(20, 1);
        let names: std::collections::BTreeSet<_> =
            score.topics().iter().map(|topic| &topic.name).collect();
        assert_eq!(names.len(), 20);
    }

    #[test]
    fn caught_up_is_every_partition_and_not_the_sum() {
        let score = Score::new(1, 2);
        score.topics()[0].lanes[0].acknowledge_one();
        assert!(!score.is_caught_up());
        score.topics()[0].lanes[1].set_mirrored(1);
        assert!(!score.is_caught_up());
        score.topics()[0].lanes[0].set_mirrored(1);
        assert!(score.is_caught_up());
    }
}
