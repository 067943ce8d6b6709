//! Looks whether all that read a source still do, after it was away as a whole.
//!
//! librdkafka can come out of such an outage deaf, and stays so. What it is told of leader epochs that are older than one it has
//! seen, as by a cluster that was restored from a snapshot, it takes for outdated. And where the last broker to stop answers
//! that there is none, it may forget all that it knew (librdkafka#5301). Nothing tells of either: the partitions run, and seem
//! to lag behind nothing. So until each is heard of, the source is asked from time to time where its log ends.
//!
//! Who is taken for deaf by mistake, as where only aborted transactions come, is made anew for nothing, once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::board::{MirrorBoard, Seat};
use crate::clusters::{Inspector, TopicPartition};
use crate::config::Isolation;
use crate::offset::SourceOffset;

/// Between two questions: longer than librdkafka takes to reconnect (`reconnect.backoff.max.ms`, 10 s) and to fetch.
const ROUND: Duration = Duration::from_secs(20);

/// So many rounds after the outage what had been read before it is settled, and a group has given its partitions anew.
const SETTLED: u32 = 3;

/// What a mirror has heard since its source was away.
pub struct Aftermath {
    next: Instant,
    rounds: u32,
    waiting: BTreeMap<TopicPartition, Waiting>,
    heard: BTreeSet<TopicPartition>,
}

/// A partition of which nothing was heard yet.
struct Waiting {
    seat: Arc<Seat>,
    position: SourceOffset,
    /// Where its log ended when that was asked last, if it could be read up to there.
    end: Option<SourceOffset>,
}

/// Who does not hear.
#[derive(Debug, PartialEq, Eq)]
pub enum Deaf {
    /// Whoever reads the source: this partition is not read, for this reason.
    All(TopicPartition, &'static str),
    /// The members of these groups: they had partitions before and have none now, unless others of the group have got them.
    Groups(Vec<String>),
}

impl Aftermath {
    /// Begins when the source answers again.
    pub fn begin() -> Self {
        Self {
            next: Instant::now(),
            rounds: 0,
            waiting: BTreeMap::new(),
            heard: BTreeSet::new(),
        }
    }

    /// Asks again, if it is time, about those who read for `groups`.
    pub async fn look(
        &mut self,
        groups: Vec<String>,
        board: &MirrorBoard,
        source: &Inspector,
        isolation: Isolation,
    ) -> Option<Deaf> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.next = now + ROUND;
        self.rounds += 1;
        self.follow(board.running());
        if self.rounds == SETTLED {
            let lost = groups.into_iter().filter(|group| board.has_lost_all(group));
            let lost: Vec<_> = lost.collect();
            if !lost.is_empty() {
                return Some(Deaf::Groups(lost));
            }
        }
        let asked: Vec<_> = self.waiting.keys().cloned().collect();
        if asked.is_empty() {
            return None;
        }
        let ends = source.ends_for(isolation, &asked).await;
        let ends = ends.inspect_err(|error| tracing::debug!(%error, "log ends cannot be read"));
        let ends = ends.unwrap_or_default().into_iter();
        let ends = ends.filter_map(|end| Some((end.at, SourceOffset::new(end.offset.ok()??))));
        self.hear(ends.collect())
    }

    /// Whether all have been heard of.
    pub fn is_over(&self) -> bool {
        self.rounds >= SETTLED && self.waiting.is_empty()
    }

    /// Strikes those off that were heard of, and takes in those that run since the last round.
    fn follow(&mut self, running: Vec<(TopicPartition, Arc<Seat>)>) {
        let mut waiting = BTreeMap::new();
        for (at, seat) in running {
            if self.heard.contains(&at) {
                continue;
            }
            let position = seat.position();
            let before = self.waiting.remove(&at);
            let before = before.filter(|before| Arc::ptr_eq(&before.seat, &seat));
            let has_moved = before.as_ref().is_some_and(|it| it.position != position);
            if has_moved && self.rounds >= SETTLED {
                self.heard.insert(at);
                continue;
            }
            let end = before.and_then(|before| before.end);
            // What waits for the target is not read on, and what was in flight may be of before.
            let end = end.filter(|_| !has_moved && seat.is_idle());
            let one = Waiting {
                seat,
                position,
                end,
            };
            waiting.insert(at, one);
        }
        self.waiting = waiting;
    }

    /// Takes in where logs end now.
    fn hear(&mut self, ends: Vec<(TopicPartition, SourceOffset)>) -> Option<Deaf> {
        let mut deaf = None;
        for (at, end) in ends {
            let Some(waiting) = self.waiting.get_mut(&at) else {
                continue;
            };
            waiting.seat.see_source_end(end);
            let before = waiting.end.replace(end);
            if end < waiting.position {
                let reason = "its log ends before the position";
                deaf = deaf.or(Some(Deaf::All(at, reason)));
            } else if before.is_some_and(|before| before > waiting.position) {
                let reason = "its log goes on behind the position, and nothing of it comes";
                deaf = deaf.or(Some(Deaf::All(at, reason)));
            }
        }
        deaf
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;
    use crate::metrics::Metrics;
    use crate::offset::Position;
    use crate::status::State;

    /// A running partition at `position`.
    fn seat(position: i64) -> (TopicPartition, Arc<Seat>) {
        let board = MirrorBoard::new("m", "a", "b", Metrics::new());
        let topic = board.topic("orders", "a.orders", "g");
        let seat = topic.seat(0, &Budget::new(1 << 20));
        seat.set_position(Position::at(SourceOffset::new(position)));
        seat.set_standing(State::Running, None);
        (TopicPartition::new("orders", 0), seat)
    }

    /// What a round answers in which the log ends at `end`.
    fn round(
        aftermath: &mut Aftermath,
        seat: &(TopicPartition, Arc<Seat>),
        end: i64,
    ) -> Option<Deaf> {
        aftermath.rounds += 1;
        aftermath.follow(vec![seat.clone()]);
        aftermath.hear(vec![(seat.0.clone(), SourceOffset::new(end))])
    }

    #[test]
    fn a_position_beyond_the_log_is_told_at_once() {
        let (mut aftermath, seat) = (Aftermath::begin(), seat(100));
        assert!(round(&mut aftermath, &seat, 60).is_some());
    }

    #[test]
    fn a_log_that_goes_on_without_its_reader_is_told_a_round_later() {
        let (mut aftermath, seat) = (Aftermath::begin(), seat(100));
        for _ in 0..SETTLED {
            assert_eq!(round(&mut aftermath, &seat, 100), None, "nothing to read");
        }
        assert_eq!(round(&mut aftermath, &seat, 120), None, "it may come yet");
        assert!(!aftermath.is_over());
        assert!(round(&mut aftermath, &seat, 120).is_some());
    }

    #[test]
    fn what_is_read_or_waits_for_the_target_is_not_told() {
        let (mut aftermath, seat) = (Aftermath::begin(), seat(100));
        for position in 101..120 {
            assert_eq!(round(&mut aftermath, &seat, 1_000), None);
            seat.1.advance(SourceOffset::new(position), 0, None);
        }
        assert!(aftermath.is_over());
        let (mut aftermath, seat) = (Aftermath::begin(), self::seat(100));
        seat.1.advance(SourceOffset::new(100), 5, None);
        for _ in 0..10 {
            assert_eq!(round(&mut aftermath, &seat, 1_000), None, "in flight");
        }
        assert!(!aftermath.is_over(), "it may be of before");
    }

    #[test]
    fn a_partition_that_begins_anew_is_waited_for_anew() {
        let (mut aftermath, before) = (Aftermath::begin(), seat(100));
        assert_eq!(round(&mut aftermath, &before, 120), None);
        let after = seat(100);
        assert_eq!(round(&mut aftermath, &after, 120), None);
        assert!(round(&mut aftermath, &after, 120).is_some());
    }
}
