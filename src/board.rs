//! Shows what each partition is doing at this moment: written by the data path, read by `/metrics` and `/status`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::budget::{Budget, Share};
use crate::metrics::{Metrics, PartitionMetrics, TopicMetrics};
use crate::offset::{LeaderEpoch, Position, SourceOffset, TargetOffset};
use crate::status::{MirrorStatus, PartitionStatus, State, Status, TopicStatus};

/// One mirror's place on the board.
pub struct MirrorBoard {
    name: String,
    source: String,
    target: String,
    metrics: Metrics,
    topics: Mutex<BTreeMap<String, Arc<TopicBoard>>>,
    /// What discovery says of the mirror as a whole, when it cannot go on.
    trouble: Mutex<Option<String>>,
}

/// One topic's place.
pub struct TopicBoard {
    source_topic: String,
    target_topic: String,
    group: String,
    metrics: TopicMetrics,
    standing: Mutex<Option<Standing>>,
    /// What an operator should know though the topic runs.
    notices: Mutex<Vec<String>>,
    /// Whether the target refused a record, so that what is known of its limits may be old.
    refused: AtomicBool,
    partitions: Mutex<BTreeMap<i32, Arc<Seat>>>,
}

/// A state with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is doing.
    pub state: State,
    /// Why, unless it runs.
    pub reason: Option<String>,
}

/// One partition's place. Numbers are atomics, so that writing them costs the data path nothing.
pub struct Seat {
    partition: i32,
    /// Handles of the partition's series.
    pub metrics: PartitionMetrics,
    share: Share,
    standing: Mutex<Standing>,
    position: AtomicI64,
    /// Leader epoch of the newest record sent; negative when it is not known.
    epoch: AtomicI32,
    source_start: AtomicI64,
    source_end: AtomicI64,
    target_end: AtomicI64,
    in_flight: AtomicU64,
    /// Timestamp (ms) of the oldest record read and not acknowledged; `i64::MAX` when there is none.
    oldest: AtomicI64,
    /// When the partition was first seen behind with nothing read (ms); 0 when it is not.
    behind_since: AtomicI64,
    /// Whether reading is held up, so that librdkafka's own view of the log end grows old.
    held_up: AtomicBool,
}

const UNKNOWN: i64 = -1;
const NONE: i64 = i64::MAX;

impl MirrorBoard {
    /// An empty board for a mirror.
    pub fn new(name: &str, source: &str, target: &str, metrics: Metrics) -> Self {
        Self {
            name: name.to_owned(),
            source: source.to_owned(),
            target: target.to_owned(),
            metrics,
            topics: Mutex::default(),
            trouble: Mutex::default(),
        }
    }

    /// Name of the mirror.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds a topic, or returns its place when it has one.
    pub fn topic(&self, source_topic: &str, target_topic: &str, group: &str) -> Arc<TopicBoard> {
        let mut topics = lock(&self.topics);
        let place = topics.entry(source_topic.to_owned()).or_insert_with(|| {
            Arc::new(TopicBoard {
                source_topic: source_topic.to_owned(),
                target_topic: target_topic.to_owned(),
                group: group.to_owned(),
                metrics: self.metrics.topic(&self.name, source_topic),
                standing: Mutex::default(),
                notices: Mutex::default(),
                refused: AtomicBool::new(false),
                partitions: Mutex::default(),
            })
        });
        Arc::clone(place)
    }

    /// Takes those topics off the board for which `stays` is false.
    pub fn retain_topics(&self, stays: impl Fn(&str) -> bool) {
        lock(&self.topics).retain(|topic, _| stays(topic));
    }

    /// Takes back what was said of all topics beside their states.
    pub fn clear_notices(&self) {
        let topics = self.topics();
        topics
            .iter()
            .for_each(|topic| topic.set_notices(Vec::new()));
    }

    /// Says why the mirror as a whole cannot go on, or that it can.
    pub fn set_trouble(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }

    /// Why the mirror as a whole cannot go on.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    /// Status document of the mirror, as this process sees it.
    pub fn status(&self) -> MirrorStatus {
        let topics = self.topics().iter().map(|topic| topic.status()).collect();
        let status = MirrorStatus::new(&self.name, &self.source, &self.target, topics);
        match self.trouble() {
            None => status.after_a_look(),
            Some(_) => status,
        }
    }

    /// Brings the gauges up to date, before they are read.
    pub fn refresh(&self) {
        let topics = self.topics();
        topics.iter().for_each(|topic| topic.refresh());
        let states: Vec<State> = topics.iter().map(|topic| topic.status().state).collect();
        self.metrics.set_topics(&self.name, &states);
    }

    /// Partitions whose reading is held up, so that their log end must be asked for.
    pub fn held_up(&self) -> Vec<(String, i32, Arc<Seat>)> {
        let topics = self.topics();
        let seats = topics.iter().flat_map(|topic| {
            let seats = topic.seats().into_iter();
            seats
                .filter(|seat| seat.held_up.load(Ordering::Relaxed))
                .map(|seat| (topic.source_topic.clone(), seat.partition, seat))
        });
        seats.collect()
    }

    /// Target topics that refused a record since this was last asked.
    pub fn take_refused(&self) -> Vec<String> {
        let topics = self.topics();
        let refused = topics
            .iter()
            .filter(|topic| topic.refused.swap(false, Ordering::Relaxed));
        refused.map(|topic| topic.target_topic.clone()).collect()
    }

    fn topics(&self) -> Vec<Arc<TopicBoard>> {
        lock(&self.topics).values().cloned().collect()
    }
}

impl TopicBoard {
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

    /// Says what an operator should know of the topic whatever it is doing.
    pub fn set_notices(&self, notices: Vec<String>) {
        *lock(&self.notices) = notices;
    }

    /// Notes that the target refused a record.
    pub fn note_refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Whether partitions of it are assigned to this process.
    pub fn is_seated(&self) -> bool {
        !lock(&self.partitions).is_empty()
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
        seat
    }

    /// Takes a revoked partition off the board, and its series with it, unless it has another seat by now.
    pub fn unseat(&self, seat: &Arc<Seat>) {
        let mut partitions = lock(&self.partitions);
        if let Entry::Occupied(seated) = partitions.entry(seat.partition)
            && Arc::ptr_eq(seated.get(), seat)
        {
            seated.remove().metrics.remove();
        }
    }

    fn status(&self) -> TopicStatus {
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

    fn seats(&self) -> Vec<Arc<Seat>> {
        lock(&self.partitions).values().cloned().collect()
    }

    fn refresh(&self) {
        let partitions = self.seats();
        let in_flight = partitions
            .iter()
            .map(|seat| seat.in_flight.load(Ordering::Relaxed));
        self.metrics
            .inflight_records
            .set(in_flight.sum::<u64>() as i64);
        let bytes = partitions.iter().map(|seat| seat.share.held());
        self.metrics.inflight_bytes.set(bytes.sum::<u64>() as i64);
        partitions.iter().for_each(|seat| seat.refresh());
    }
}

impl Seat {
    fn new(partition: i32, metrics: PartitionMetrics, share: Share) -> Self {
        Self {
            partition,
            metrics,
            share,
            standing: Mutex::new(Standing {
                state: State::Starting,
                reason: None,
            }),
            position: AtomicI64::new(0),
            epoch: AtomicI32::new(-1),
            source_start: AtomicI64::new(UNKNOWN),
            source_end: AtomicI64::new(UNKNOWN),
            target_end: AtomicI64::new(UNKNOWN),
            in_flight: AtomicU64::new(0),
            oldest: AtomicI64::new(NONE),
            behind_since: AtomicI64::new(0),
            held_up: AtomicBool::new(false),
        }
    }

    /// The partition's share of the budget.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// Sets state and reason; answers whether that is a change.
    pub fn set_standing(&self, state: State, reason: Option<String>) -> bool {
        let standing = Standing { state, reason };
        let mut now = lock(&self.standing);
        if *now == standing {
            return false;
        }
        self.metrics.set_state(state);
        *now = standing;
        true
    }

    /// What the partition is doing.
    pub fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// The next source offset that is not acknowledged.
    pub fn position(&self) -> SourceOffset {
        SourceOffset::new(self.position.load(Ordering::Acquire))
    }

    /// Where reading would go on. The epoch may be newer than that of the record before the position, by which a log that
    /// was cut back is found just as well: what the current log holds of any epoch up to it is the answer (KIP-320).
    pub fn reading_position(&self) -> Position {
        let offset = self.position();
        let epoch = LeaderEpoch::known(self.epoch.load(Ordering::Relaxed));
        Position { offset, epoch }
    }

    /// Sets where reading begins.
    pub fn set_position(&self, position: Position) {
        self.see_epoch(position.epoch);
        self.advance(position.offset, 0, None);
    }

    /// Notes the leader epoch of the newest record sent. To be called before [`Seat::advance`].
    pub fn see_epoch(&self, epoch: Option<LeaderEpoch>) {
        let epoch = epoch.map_or(-1, LeaderEpoch::get);
        self.epoch.store(epoch, Ordering::Relaxed);
    }

    /// Notes the acknowledged prefix, what is in flight, and the oldest timestamp (ms) among it.
    pub fn advance(&self, position: SourceOffset, in_flight: u64, oldest: Option<i64>) {
        self.position.store(position.get(), Ordering::Release);
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.oldest.store(oldest.unwrap_or(NONE), Ordering::Relaxed);
    }

    /// Notes where the source log begins and ends.
    pub fn set_source_range(&self, start: SourceOffset, end: SourceOffset) {
        self.source_start.store(start.get(), Ordering::Relaxed);
        self.source_end.store(end.get(), Ordering::Relaxed);
    }

    /// Notes that the source log ends at `end` or later.
    pub fn see_source_end(&self, end: SourceOffset) {
        self.source_end.fetch_max(end.get(), Ordering::Relaxed);
    }

    /// Whether the copy has been written beyond `offset` already, as far as this process was told.
    pub fn has_target_end_beyond(&self, offset: TargetOffset) -> bool {
        offset.get() >= 0 && offset.get() < self.target_end.load(Ordering::Relaxed)
    }

    /// Notes that the copy has been written up to `end`.
    pub fn see_target_end(&self, end: TargetOffset) {
        self.target_end.fetch_max(end.get(), Ordering::Relaxed);
    }

    /// Says whether records wait for room in the budget or stand still.
    pub fn set_held_up(&self, held_up: bool) {
        self.held_up.store(held_up, Ordering::Relaxed);
    }

    /// Whether records are known, or may be, that are not acknowledged.
    pub fn is_behind(&self) -> bool {
        self.held_up.load(Ordering::Relaxed)
            || self.in_flight.load(Ordering::Relaxed) > 0
            || self.lag_records() != Some(0)
    }

    fn lag_records(&self) -> Option<u64> {
        let end = self.source_end.load(Ordering::Relaxed);
        (end != UNKNOWN).then(|| SourceOffset::new(end).since(self.position()))
    }

    /// Age of the oldest unacknowledged record; of the moment since which the partition is known to be
    /// behind, when none of its records has been read yet.
    fn lag_seconds(&self, now: i64) -> Option<f64> {
        let lag = self.lag_records()?;
        if lag == 0 {
            self.behind_since.store(0, Ordering::Relaxed);
            return Some(0.0);
        }
        let unset =
            self.behind_since
                .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
        let since = unset.map_or_else(|since| since, |_| now);
        let oldest = match self.oldest.load(Ordering::Relaxed) {
            NONE => since,
            // Without a timestamp of its own, or with one from the future, a record is as old as the lag.
            timestamp if timestamp < 0 || timestamp > now => since,
            timestamp => timestamp,
        };
        Some((now.saturating_sub(oldest)).max(0) as f64 / 1000.0)
    }

    fn status(&self) -> PartitionStatus {
        let Standing { state, reason } = self.standing();
        let known = |value: &AtomicI64| Some(value.load(Ordering::Relaxed)).filter(|n| *n >= 0);
        PartitionStatus {
            reason,
            position: Some(self.position().get()),
            source_start: known(&self.source_start),
            source_end: known(&self.source_end),
            target_end: known(&self.target_end),
            lag_records: self.lag_records(),
            lag_seconds: self.lag_seconds(now_ms()),
            ..PartitionStatus::new(self.partition, state)
        }
    }

    fn refresh(&self) {
        self.metrics.source_position.set(self.position().get());
        if let (Some(records), Some(seconds)) = (self.lag_records(), self.lag_seconds(now_ms())) {
            self.metrics.lag_records.set(records as i64);
            self.metrics.lag_seconds.set(seconds);
        }
    }
}

/// The status document over all mirrors.
pub fn status(boards: &[Arc<MirrorBoard>]) -> Status {
    Status {
        mirrors: boards.iter().map(|board| board.status()).collect(),
    }
}

/// Milliseconds since 1970, as record timestamps count.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data behind each lock is whole after every statement, so a poisoned one is still good to show.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_another_member_took_is_not_given_up_by_the_first() {
        let (metrics, budget) = (Metrics::new(), Budget::new(1 << 20));
        let board = MirrorBoard::new("m", "a", "b", metrics.clone());
        let topic = board.topic("orders", "a.orders", "g");
        let first = topic.seat(0, &budget);
        let second = topic.seat(0, &budget);
        second.set_standing(State::Running, None);
        first.set_standing(State::Paused, Some("lost".to_owned()));
        topic.unseat(&first);
        assert!(topic.is_seated());
        let shown = metrics.render();
        assert!(shown.contains("state=\"running\""), "{shown}");
        assert!(!shown.contains("state=\"paused\""), "{shown}");
        topic.unseat(&second);
        assert!(!topic.is_seated());
        assert!(!metrics.render().contains("kmirror_partition_state{"));
    }
}
