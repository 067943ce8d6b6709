//! Shows what one partition is doing: where it stands, how far behind, and why it does not run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};

use tokio::time::Instant;

use super::{Standing, lock, now_ms};
use crate::budget::Share;
use crate::clusters::TopicId;
use crate::metrics::PartitionMetrics;
use crate::offset::{LeaderEpoch, Position, SourceOffset, TargetOffset};
use crate::status::{PartitionStatus, State};

/// One partition's place. Numbers are atomics, so that writing them costs the data path nothing.
pub struct Seat {
    partition: i32,
    /// Handles of the partition's series.
    pub metrics: PartitionMetrics,
    share: Share,
    standing: Mutex<Standing>,
    /// The source topic that the position counts in.
    counted_in: Mutex<Option<TopicId>>,
    position: AtomicI64,
    /// Leader epoch of the newest record sent; negative when it is not known.
    epoch: AtomicI32,
    source_start: AtomicI64,
    source_end: AtomicI64,
    target_end: AtomicI64,
    in_flight: AtomicU64,
    /// Timestamp (ms) of the oldest record read and not acknowledged; `i64::MAX` when there is none.
    oldest: AtomicI64,
    /// When the partition was first seen behind; `None` when it is not. By a clock that nobody sets.
    behind_since: Mutex<Option<Instant>>,
    /// Whether reading is held up, so that librdkafka's own view of the log end grows old.
    held_up: AtomicBool,
}

const UNKNOWN: i64 = -1;
const NONE: i64 = i64::MAX;

impl Seat {
    pub(super) fn new(partition: i32, metrics: PartitionMetrics, share: Share) -> Self {
        Self {
            partition,
            metrics,
            share,
            standing: Mutex::new(Standing {
                state: State::Starting,
                reason: None,
            }),
            counted_in: Mutex::default(),
            position: AtomicI64::new(0),
            epoch: AtomicI32::new(-1),
            source_start: AtomicI64::new(UNKNOWN),
            source_end: AtomicI64::new(UNKNOWN),
            target_end: AtomicI64::new(UNKNOWN),
            in_flight: AtomicU64::new(0),
            oldest: AtomicI64::new(NONE),
            behind_since: Mutex::default(),
            held_up: AtomicBool::new(false),
        }
    }

    pub(super) fn partition(&self) -> i32 {
        self.partition
    }

    /// Records sent and not acknowledged.
    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(super) fn is_held_up(&self) -> bool {
        self.held_up.load(Ordering::Relaxed)
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

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        lock(&self.standing).state == State::Running
    }

    /// Notes which source topic the position counts in, where the source tells.
    pub fn set_counted_in(&self, topic: Option<TopicId>) {
        *lock(&self.counted_in) = topic;
    }

    /// Whether the partition is copied from the source topic with this id: it neither only begins nor has diverged. An
    /// id that is not known is no other one.
    pub fn copies(&self, topic: Option<&TopicId>) -> bool {
        let stands = matches!(self.standing().state, State::Starting | State::Diverged);
        let counted_in = lock(&self.counted_in);
        let is_other = counted_in
            .as_ref()
            .zip(topic)
            .is_some_and(|(one, other)| one != other);
        !stands && !is_other
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

    /// Where the source log began when the partition did.
    pub fn source_start(&self) -> SourceOffset {
        SourceOffset::new(self.source_start.load(Ordering::Relaxed).max(0))
    }

    /// Notes that the source log ends at `end` or later.
    pub fn see_source_end(&self, end: SourceOffset) {
        self.source_end.fetch_max(end.get(), Ordering::Relaxed);
    }

    /// Whether the copy has been written beyond `offset` already, as far as this process was told.
    pub fn has_target_end_beyond(&self, offset: TargetOffset) -> bool {
        offset.get() >= 0 && offset.get() < self.target_end.load(Ordering::Relaxed)
    }

    /// Where the copy ends, as far as this process was told.
    pub fn target_end(&self) -> Option<TargetOffset> {
        let end = self.target_end.load(Ordering::Relaxed);
        (end != UNKNOWN).then(|| TargetOffset::new(end))
    }

    /// Notes that the copy has been written up to `end`.
    pub fn see_target_end(&self, end: TargetOffset) {
        self.target_end.fetch_max(end.get(), Ordering::Relaxed);
    }

    /// Says whether records wait for room in the budget or stand still.
    pub fn set_held_up(&self, held_up: bool) {
        self.held_up.store(held_up, Ordering::Relaxed);
    }

    /// Whether it runs, and nothing keeps it from reading what comes.
    pub fn is_idle(&self) -> bool {
        self.is_running() && !self.is_held_up() && self.in_flight() == 0
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

    /// Age of the oldest unacknowledged record, by the wall clock, `wall` (ms); how long the partition is known to be behind,
    /// by the steady clock, when none of its records has been read yet, or the oldest has no timestamp or one from the future.
    fn lag_seconds(&self, wall: i64, steady: Instant) -> Option<f64> {
        let lag = self.lag_records()?;
        let mut behind_since = lock(&self.behind_since);
        if lag == 0 {
            *behind_since = None;
            return Some(0.0);
        }
        let since = *behind_since.get_or_insert(steady);
        Some(match self.oldest.load(Ordering::Relaxed) {
            timestamp if (0..=wall).contains(&timestamp) => (wall - timestamp) as f64 / 1000.0,
            _ => steady.saturating_duration_since(since).as_secs_f64(),
        })
    }

    fn lag_seconds_now(&self) -> Option<f64> {
        self.lag_seconds(now_ms(), Instant::now())
    }

    pub(super) fn status(&self) -> PartitionStatus {
        let Standing { state, reason } = self.standing();
        let known = |value: &AtomicI64| Some(value.load(Ordering::Relaxed)).filter(|n| *n >= 0);
        PartitionStatus {
            reason,
            position: Some(self.position().get()),
            source_start: known(&self.source_start),
            source_end: known(&self.source_end),
            target_end: known(&self.target_end),
            lag_records: self.lag_records(),
            lag_seconds: self.lag_seconds_now(),
            ..PartitionStatus::new(self.partition, state)
        }
    }

    pub(super) fn refresh(&self) {
        self.metrics.source_position.set(self.position().get());
        if let (Some(records), Some(seconds)) = (self.lag_records(), self.lag_seconds_now()) {
            self.metrics.lag_records.set(records as i64);
            self.metrics.lag_seconds.set(seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::board::MirrorBoard;
    use crate::budget::Budget;
    use crate::metrics::Metrics;

    const WALL: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    /// A seat of a partition whose source ends at 10.
    fn seat() -> Arc<Seat> {
        let board = MirrorBoard::new("m", "a", "b", Metrics::new());
        let topic = board.topic("orders", "a.orders", "g");
        let seat = topic.seat(0, &Budget::new(1 << 20));
        seat.set_source_range(SourceOffset::new(0), SourceOffset::new(10));
        seat
    }

    #[test]
    fn a_wall_clock_that_is_set_shortens_and_lengthens_no_lag_that_is_known_by_no_record() {
        let (seat, start) = (seat(), Instant::now());
        let lag = |wall, seconds| seat.lag_seconds(wall, start + Duration::from_secs(seconds));
        assert_eq!(lag(WALL, 0), Some(0.0));
        assert_eq!(lag(WALL + 5_000, 5), Some(5.0));
        assert_eq!(lag(WALL - HOUR, 6), Some(6.0), "set back");
        assert_eq!(lag(WALL + HOUR, 7), Some(7.0), "set ahead");
        assert_eq!(lag(0, 8), Some(8.0), "before 1970");
    }

    #[test]
    fn a_record_from_the_future_of_a_wall_clock_that_was_set_back_is_as_old_as_the_lag() {
        let (seat, start) = (seat(), Instant::now());
        let lag = |wall, seconds| seat.lag_seconds(wall, start + Duration::from_secs(seconds));
        seat.advance(SourceOffset::new(0), 1, Some(WALL));
        assert_eq!(lag(WALL + 2_000, 0), Some(2.0));
        assert_eq!(lag(WALL - HOUR, 3), Some(3.0), "set back");
        // By a clock that is ahead the record is that old.
        assert_eq!(lag(WALL + HOUR, 4), Some(3_600.0));
        for timestamp in [-1, i64::MIN, WALL + 1, i64::MAX] {
            seat.advance(SourceOffset::new(0), 1, Some(timestamp));
            assert_eq!(lag(WALL, 5), Some(5.0), "{timestamp}");
        }
        seat.advance(SourceOffset::new(10), 0, None);
        assert_eq!(lag(WALL, 6), Some(0.0));
        seat.see_source_end(SourceOffset::new(11));
        assert_eq!(lag(WALL, 9), Some(0.0), "behind anew");
        assert_eq!(lag(WALL, 10), Some(1.0), "behind anew");
    }
}
