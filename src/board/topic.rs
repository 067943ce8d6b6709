//! Shows what one topic is doing: as a whole, or in its partitions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::seat::Seat;
use super::{Standing, lock};
use crate::budget::Budget;
use crate::clusters::TopicId;
use crate::metrics::TopicMetrics;
use crate::status::{State, TopicStatus};

/// One topic's place.
pub struct TopicBoard {
    pub(super) source_topic: String,
    pub(super) target_topic: String,
    group: String,
    metrics: TopicMetrics,
    standing: Mutex<Option<Standing>>,
    /// What an operator should know though the topic runs.
    notices: Mutex<Vec<String>>,
    /// Whether the target refused a record, so that what is known of its limits may be old.
    refused: AtomicBool,
    was_seated: AtomicBool,
    partitions: Mutex<BTreeMap<i32, Arc<Seat>>>,
}

impl TopicBoard {
    pub(super) fn new(
        source_topic: &str,
        target_topic: &str,
        group: &str,
        metrics: TopicMetrics,
    ) -> Self {
        Self {
            source_topic: source_topic.to_owned(),
            target_topic: target_topic.to_owned(),
            group: group.to_owned(),
            metrics,
            standing: Mutex::default(),
            notices: Mutex::default(),
            refused: AtomicBool::new(false),
            was_seated: AtomicBool::new(false),
            partitions: Mutex::default(),
        }
    }

    /// Handles of the topic's series.
    pub fn metrics(&self) -> &TopicMetrics {
        &self.metrics
    }

    /// Says what the topic as a whole is doing; `None` leaves it to its partitions. Answers whether that is
    /// a change.
    pub fn set_standing(&self, standing: Option<Standing>) -> bool {
        let mut now = lock(&self.standing);
        let changed = *now != standing;
        *now = standing;
        changed
    }

    /// Whether this process copies the first partition of the source topic with this id; see [`Seat::copies`].
    pub fn copies_first(&self, topic: Option<&TopicId>) -> bool {
        let first = lock(&self.partitions).get(&0).cloned();
        first.is_some_and(|seat| seat.copies(topic))
    }

    /// Says what an operator should know of the topic whatever it is doing.
    pub fn set_notices(&self, notices: Vec<String>) {
        *lock(&self.notices) = notices;
    }

    /// Notes that the target refused a record.
    pub fn note_refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Whether it did since this was last asked.
    pub(super) fn take_refused(&self) -> bool {
        self.refused.swap(false, Ordering::Relaxed)
    }

    /// The consumer group that reads it.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Whether partitions of it were ever assigned to this process.
    pub fn was_seated(&self) -> bool {
        self.was_seated.load(Ordering::Relaxed)
    }

    /// Whether partitions of it are assigned to this process.
    pub fn is_seated(&self) -> bool {
        !lock(&self.partitions).is_empty()
    }

    /// The seat of a partition, whichever member in this process has it.
    pub fn seated(&self, partition: i32) -> Option<Arc<Seat>> {
        lock(&self.partitions).get(&partition).cloned()
    }

    /// Seats a partition that was assigned to a member in this process. Another member that had it before, and has not
    /// heard yet that it lost it, has that seat no more.
    pub fn seat(&self, partition: i32, budget: &Arc<Budget>) -> Arc<Seat> {
        let metrics = self.metrics.partition(partition);
        let seat = Arc::new(Seat::new(partition, metrics, budget.share()));
        let before = lock(&self.partitions).insert(partition, Arc::clone(&seat));
        if let Some(before) = before {
            before.metrics.retire();
        }
        seat.metrics.set_state(State::Starting);
        self.was_seated.store(true, Ordering::Relaxed);
        seat
    }

    /// Takes a revoked partition off the board, and its series with it, unless it has another seat by now.
    pub fn unseat(&self, seat: &Arc<Seat>) {
        let mut partitions = lock(&self.partitions);
        if let Entry::Occupied(seated) = partitions.entry(seat.partition())
            && Arc::ptr_eq(seated.get(), seat)
        {
            seated.remove().metrics.remove();
        }
    }

    pub(super) fn status(&self) -> TopicStatus {
        let notices = lock(&self.notices).clone();
        let rolled_up = self.rolled_up();
        TopicStatus {
            notices,
            ..rolled_up
        }
    }

    fn rolled_up(&self) -> TopicStatus {
        let (source, target, group) = (&self.source_topic, &self.target_topic, &self.group);
        if let Some(Standing { state, reason }) = lock(&self.standing).clone() {
            let reason = reason.unwrap_or_else(|| state.to_string());
            return TopicStatus::standing(source, target, group, state, reason);
        }
        let partitions = self.seats().iter().map(|seat| seat.status()).collect();
        TopicStatus::new(source, target, group, partitions)
    }

    pub(super) fn seats(&self) -> Vec<Arc<Seat>> {
        lock(&self.partitions).values().cloned().collect()
    }

    pub(super) fn refresh(&self) {
        let partitions = self.seats();
        let in_flight = partitions.iter().map(|seat| seat.in_flight());
        self.metrics
            .inflight_records
            .set(in_flight.sum::<u64>() as i64);
        let bytes = partitions.iter().map(|seat| seat.share().held());
        self.metrics.inflight_bytes.set(bytes.sum::<u64>() as i64);
        partitions.iter().for_each(|seat| seat.refresh());
        if self.metrics.is_rolled_up() {
            let partitions = partitions.iter().map(|seat| seat.status()).collect();
            let whole = TopicStatus::new("", "", "", partitions);
            self.metrics.roll_up(&whole);
        }
    }
}
