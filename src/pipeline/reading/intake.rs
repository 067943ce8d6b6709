//! Brings a lane the records of its partition: from the member's queue while the partition is one of many, from the express
//! consumer's while it is busy.
//!
//! At any time the lane takes from one of the two. It changes to the express one at the position after all that was taken,
//! when the member has been told to pause; and back when the member has been reading on from there for so long that the
//! partition is part of its fetch again, and nothing came meanwhile.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::express::{Express, Ride};
use super::member::Member;
use super::pace::Pace;
use crate::clusters::TopicPartition;
use crate::librdkafka::message::{Kind, Messages, Record};
use crate::librdkafka::queue::PartitionQueue;
use crate::offset::{LeaderEpoch, Position, SourceOffset};

/// How much longer than its fetch may take the member reads a partition beside the express consumer.
const MARGIN: Duration = Duration::from_secs(1);

/// Where the records of one partition come from.
pub struct Intake {
    at: TopicPartition,
    member: Arc<Member>,
    express: Express,
    /// The member's.
    queue: PartitionQueue,
    way: Way,
    /// After everything that was taken.
    next: Position,
    /// Where the log ended when the partition began.
    log_end: SourceOffset,
    /// Whether anything was taken from the queue of now: before that it may still know the position of an earlier
    /// assignment.
    has_taken: bool,
    pace: Pace,
}

enum Way {
    /// From the member.
    Member,
    /// From the express consumer; the member pauses.
    Express(Ride),
    /// From the express consumer, while the member reads on from `from`.
    Returning {
        ride: Ride,
        from: SourceOffset,
        until: Instant,
    },
}

impl Intake {
    /// Of a partition that the member begins to read at `next` into `queue`, whose log ended at `log_end`.
    pub fn new(
        at: TopicPartition,
        member: Arc<Member>,
        express: Express,
        queue: PartitionQueue,
        next: Position,
        log_end: SourceOffset,
    ) -> Self {
        Self {
            pace: Pace::new(member.fetch_wait(), member.prefetch(), Instant::now()),
            at,
            member,
            express,
            queue,
            way: Way::Member,
            next,
            log_end,
            has_taken: false,
        }
    }

    /// The queue of now.
    fn current(&self) -> &PartitionQueue {
        match &self.way {
            Way::Member => &self.queue,
            Way::Express(ride) | Way::Returning { ride, .. } => &ride.queue,
        }
    }

    /// Waits until records may have arrived; spurious wake-ups happen. Cancel-safe.
    pub async fn readable(&self) {
        self.current().readable().await;
    }

    /// Takes up to `most` records and errors that are there now, in order, without waiting.
    pub fn take(&mut self, most: usize) -> Messages {
        let taken = self.current().take(most);
        if !taken.is_empty() {
            self.has_taken = true;
            let bytes = taken.iter().map(|message| message.size() as u64).sum();
            self.pace.took(Instant::now(), bytes);
        }
        let newest = |message: &Record<'_>| message.kind() == Kind::Record;
        let next = taken.iter().rev().find(newest).map(|last| behind(&last));
        self.next = next.unwrap_or(self.next);
        taken
    }

    /// Goes on at a position, with its history compared (KIP-320), before the express consumer ever read the partition: what
    /// was taken behind it comes once more. Answers whether it does.
    pub async fn go_to(&mut self, position: Position) -> bool {
        debug_assert!(matches!(self.way, Way::Member), "only the member is sought");
        self.next = position;
        self.has_taken = false;
        self.member.resume_at(&self.at, position).await
    }

    /// The offset after everything that was taken: records, and markers and aborted records behind them, of which no record
    /// tells. `None` until something was taken.
    pub fn position(&mut self) -> Option<SourceOffset> {
        if !self.has_taken {
            return None;
        }
        let queue = match &mut self.way {
            Way::Member => &mut self.queue,
            Way::Express(ride) | Way::Returning { ride, .. } => &mut ride.queue,
        };
        let position = SourceOffset::new(queue.position()?);
        if position > self.next.offset {
            // What lies there may be of a newer epoch than the last record, and tells none.
            self.next = Position::at(position);
        }
        Some(position)
    }

    /// The log end as the express consumer knows it. `None` while the member reads: it is asked for all its partitions at
    /// once.
    pub fn log_end(&self) -> Option<SourceOffset> {
        match &self.way {
            Way::Member => None,
            Way::Express(ride) | Way::Returning { ride, .. } => ride.log_end(),
        }
    }

    /// Waits until it is time for a [`turn`](Self::turn). `is_empty` says that the lane has nothing left of what it took.
    /// Cancel-safe.
    pub async fn due(&self, is_empty: bool) {
        let due = match &self.way {
            Way::Member => self.pace.due().filter(|_| is_empty),
            Way::Express(_) => Some(self.pace.quiet_at()),
            Way::Returning { from, .. } if self.next.offset > *from => return,
            Way::Returning { until, .. } => Some(*until),
        };
        match due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
    }

    /// Changes where records come from, if it is time.
    pub async fn turn(&mut self) {
        let now = Instant::now();
        let way = std::mem::replace(&mut self.way, Way::Member);
        self.way = match way {
            Way::Member => match self.board(now).await {
                Some(ride) => Way::Express(ride),
                None => Way::Member,
            },
            Way::Express(ride) if now < self.pace.quiet_at() => Way::Express(ride),
            Way::Express(ride) => self.turn_back(ride, now).await,
            Way::Returning { ride, from, .. } if self.next.offset > from => {
                let _ = self.member.pause(&self.at);
                Way::Express(ride)
            }
            Way::Returning { ride, from, until } if now < until => {
                Way::Returning { ride, from, until }
            }
            // Dropped here: the express consumer lets go of the partition.
            Way::Returning { .. } => {
                self.has_taken = false;
                Way::Member
            }
        };
    }

    /// Changes to the express consumer, if the partition needs it and there is room.
    async fn board(&mut self, now: Instant) -> Option<Ride> {
        let log_end = self.member.log_end(&self.at).max(Some(self.log_end));
        let is_behind = log_end > Some(self.next.offset);
        let need = self.pace.look(now, is_behind && self.queue.is_empty())?;
        let Some(room) = self.express.room(&self.at, need) else {
            self.pace.refused(need, now);
            return None;
        };
        // The member's queue is emptied with it; what is not taken is read again.
        if self.member.pause(&self.at).is_err() {
            return None;
        }
        let ride = room.start(self.next).await;
        match ride {
            Some(_) => self.has_taken = false,
            None => {
                self.pace.refused(need, now);
                let _ = self.member.resume_at(&self.at, self.next).await;
            }
        }
        ride
    }

    async fn turn_back(&mut self, ride: Ride, now: Instant) -> Way {
        if !self.member.resume_at(&self.at, self.next).await {
            self.pace.postpone(now);
            return Way::Express(ride);
        }
        Way::Returning {
            ride,
            from: self.next.offset,
            until: Instant::now() + self.member.fetch_wait() + MARGIN,
        }
    }
}

/// The position after a record.
fn behind(record: &Record<'_>) -> Position {
    Position {
        offset: SourceOffset::new(record.offset()).next(),
        epoch: LeaderEpoch::known(record.leader_epoch()),
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // A pause would outlive the assignment.
        if let Way::Express(_) = self.way {
            let _ = self.member.resume(&self.at);
        }
    }
}
