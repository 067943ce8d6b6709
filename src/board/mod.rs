//! Shows what each mirror is doing at this moment: written by the data path, read by `/metrics` and `/status`.

mod age;
mod seat;
mod topic;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::clusters::TopicPartition;
use crate::metrics::Metrics;
use crate::status::{MirrorStatus, State, Status};
pub use age::Age;
pub use seat::Seat;
pub use topic::TopicBoard;

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

/// A state with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is doing.
    pub state: State,
    /// Why, unless it runs.
    pub reason: Option<String>,
}

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
            let metrics = self.metrics.topic(&self.name, source_topic);
            Arc::new(TopicBoard::new(source_topic, target_topic, group, metrics))
        });
        Arc::clone(place)
    }

    /// A topic's place, if it has one.
    pub fn find(&self, source_topic: &str) -> Option<Arc<TopicBoard>> {
        lock(&self.topics).get(source_topic).cloned()
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
    pub fn held_up(&self) -> Vec<(TopicPartition, Arc<Seat>)> {
        self.seats(Seat::is_held_up)
    }

    /// Partitions that are in flow.
    pub fn running(&self) -> Vec<(TopicPartition, Arc<Seat>)> {
        self.seats(Seat::is_running)
    }

    fn seats(&self, counts: fn(&Seat) -> bool) -> Vec<(TopicPartition, Arc<Seat>)> {
        let topics = self.topics();
        let seats = topics.iter().flat_map(|topic| {
            let seats = topic.seats().into_iter();
            let counting = seats.filter(|seat| counts(seat));
            counting.map(|seat| {
                let at = TopicPartition::new(topic.source_topic.as_str(), seat.partition());
                (at, seat)
            })
        });
        seats.collect()
    }

    /// Whether partitions of a group were assigned to this process, and none is any more.
    pub fn has_lost_all(&self, group: &str) -> bool {
        let topics = self.topics();
        let of_group = topics.iter().filter(|topic| topic.group() == group);
        let of_group: Vec<_> = of_group.collect();
        of_group.iter().any(|topic| topic.was_seated())
            && !of_group.iter().any(|topic| topic.is_seated())
    }

    /// Target topics that refused a record since this was last asked.
    pub fn take_refused(&self) -> Vec<String> {
        let topics = self.topics();
        let refused = topics.iter().filter(|topic| topic.take_refused());
        refused.map(|topic| topic.target_topic.clone()).collect()
    }

    fn topics(&self) -> Vec<Arc<TopicBoard>> {
        lock(&self.topics).values().cloned().collect()
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
    use crate::budget::Budget;
    use crate::offset::{Position, SourceOffset};

    #[test]
    fn without_partitions_a_topic_is_one_series_of_each_metric_and_takes_them_with_it() {
        let (metrics, budget) = (Metrics::without_partitions(), Budget::new(1 << 20));
        let board = MirrorBoard::new("m", "a", "b", metrics.clone());
        let topic = board.topic("orders", "a.orders", "g");
        let seats: Vec<_> = (0..3).map(|number| topic.seat(number, &budget)).collect();
        for seat in &seats {
            seat.metrics.mirrored_records.inc_by(10);
            seat.metrics.skip(crate::metrics::Skipped::Retention, 2);
            seat.set_source_range(SourceOffset::new(0), SourceOffset::new(100));
            seat.set_position(Position::at(SourceOffset::new(60)));
        }
        seats[1].set_standing(State::Rejected, Some("too large".to_owned()));
        board.refresh();
        let of = "mirror=\"m\",partition=\"\"";
        let shown = metrics.render();
        for line in [
            format!("kmirror_mirrored_records_total{{{of},topic=\"orders\"}} 30"),
            format!("kmirror_lag_records{{{of},topic=\"orders\"}} 120"),
            format!("kmirror_partition_state{{{of},state=\"starting\",topic=\"orders\"}} 2"),
            format!("kmirror_partition_state{{{of},state=\"rejected\",topic=\"orders\"}} 1"),
            "kmirror_skipped_records_total{cause=\"retention\",mirror=\"m\",partition=\"\",topic=\"orders\"} 6".to_owned(),
        ] {
            assert!(shown.contains(&line), "{line} not in {shown}");
        }
        assert!(!shown.contains("kmirror_source_position{"), "{shown}");
        topic.unseat(&seats[0]);
        assert!(metrics.render().contains("kmirror_mirrored_records_total{"));
        drop(topic);
        board.retain_topics(|_| false);
        assert!(!metrics.render().contains("orders"));
    }

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
