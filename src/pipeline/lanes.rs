//! Keeps the partitions in flow: starts, stops and joins their lanes, and knows what each may commit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::lane::{End, Lane};
use crate::board::Seat;
use crate::offset::SourceOffset;

/// The assigned partitions of one topic.
#[derive(Default)]
pub struct Lanes {
    partitions: BTreeMap<i32, Partition>,
    tasks: JoinSet<(i32, End)>,
    /// Lanes that ended while another one was waited for.
    ended: VecDeque<(i32, End)>,
}

/// What stopping lanes came to.
pub struct Stopped {
    /// How far each partition has come.
    pub progress: Vec<(i32, Progress)>,
    /// Whether the fate of all that was sent is known.
    pub settled: bool,
}

impl Stopped {
    /// Positions that are acknowledged and not committed.
    pub fn uncommitted(&self) -> Vec<(i32, SourceOffset)> {
        uncommitted(self.progress.iter().copied())
    }
}

/// Of partitions, those whose position is not committed.
fn uncommitted(progress: impl Iterator<Item = (i32, Progress)>) -> Vec<(i32, SourceOffset)> {
    progress
        .filter(|(_, progress)| progress.committed != Some(progress.position))
        .map(|(partition, progress)| (partition, progress.position))
        .collect()
}

/// How far a partition has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The next source offset that is not acknowledged.
    pub position: SourceOffset,
    /// What the group holds.
    pub committed: Option<SourceOffset>,
}

/// A partition that this process owns, in flow or standing still.
struct Partition {
    seat: Arc<Seat>,
    /// Absent while it stands still.
    stop: Option<watch::Sender<Option<Instant>>>,
    committed: Option<SourceOffset>,
}

impl Lanes {
    /// Seats a partition that stands still; `committed` is what the group holds for it.
    pub fn hold(&mut self, partition: i32, seat: Arc<Seat>, committed: Option<SourceOffset>) {
        let stop = None;
        let held = Partition {
            seat,
            stop,
            committed,
        };
        self.partitions.insert(partition, held);
    }

    /// Puts a partition in flow. `stop` is the other end of the lane's own.
    pub fn start(
        &mut self,
        partition: i32,
        lane: Lane,
        stop: watch::Sender<Option<Instant>>,
        committed: Option<SourceOffset>,
    ) {
        let seat = Arc::clone(lane.flight.seat());
        let stop = Some(stop);
        let seated = Partition {
            seat,
            stop,
            committed,
        };
        self.partitions.insert(partition, seated);
        let span = tracing::info_span!("lane", partition);
        self.tasks
            .spawn(async move { (partition, lane.run().await) }.instrument(span));
    }

    /// Waits for a lane to end by itself; for ever when there is none. Cancel-safe.
    ///
    /// # Panics
    ///
    /// When a lane panicked.
    pub async fn ended(&mut self) -> (i32, Arc<Seat>, End) {
        loop {
            let (partition, end) = match self.ended.pop_front() {
                Some(ended) => ended,
                None => self.join().await,
            };
            if let Some(seated) = self.partitions.get_mut(&partition) {
                seated.stop = None;
                return (partition, Arc::clone(&seated.seat), end);
            }
        }
    }

    async fn join(&mut self) -> (i32, End) {
        match self.tasks.join_next().await {
            Some(ended) => ended.expect("a lane does not panic"),
            None => std::future::pending().await,
        }
    }

    /// Tells the lanes of `partitions` to settle by `deadline`, waits for them, and lets the partitions go.
    pub async fn stop(&mut self, partitions: &[i32], deadline: Instant) -> Stopped {
        let mut settled = true;
        let mut waiting: Vec<i32> = Vec::new();
        for partition in partitions {
            if let Some(seated) = self.partitions.get(partition)
                && let Some(stop) = &seated.stop
                && stop.send(Some(deadline)).is_ok()
            {
                waiting.push(*partition);
            }
        }
        waiting.retain(|partition| !self.ended.iter().any(|(ended, _)| ended == partition));
        while !waiting.is_empty() {
            let (partition, end) = self.join().await;
            waiting.retain(|one| *one != partition);
            settled &= end != End::Unsettled;
            if !partitions.contains(&partition) {
                self.ended.push_back((partition, end));
            }
        }
        let progress = partitions.iter();
        let progress =
            progress.filter_map(|partition| Some((*partition, self.progress(*partition)?)));
        let progress = progress.collect();
        self.ended
            .retain(|(partition, _)| !partitions.contains(partition));
        self.partitions
            .retain(|partition, _| !partitions.contains(partition));
        Stopped { progress, settled }
    }

    /// Every partition.
    pub fn all(&self) -> Vec<i32> {
        self.partitions.keys().copied().collect()
    }

    /// What a partition that is here has acknowledged and committed.
    pub fn progress(&self, partition: i32) -> Option<Progress> {
        let seated = self.partitions.get(&partition)?;
        Some(Progress {
            position: seated.seat.position(),
            committed: seated.committed,
        })
    }

    /// The seat of a partition that is here.
    pub fn seat(&self, partition: i32) -> Option<Arc<Seat>> {
        self.partitions
            .get(&partition)
            .map(|seated| Arc::clone(&seated.seat))
    }

    /// Seats of all partitions.
    pub fn seats(&self) -> impl Iterator<Item = (i32, &Arc<Seat>)> {
        let partitions = self.partitions.iter();
        partitions.map(|(partition, seated)| (*partition, &seated.seat))
    }

    /// Positions that are acknowledged and not committed.
    pub fn uncommitted(&self) -> Vec<(i32, SourceOffset)> {
        let partitions = self.partitions.keys();
        uncommitted(
            partitions.filter_map(|partition| Some((*partition, self.progress(*partition)?))),
        )
    }

    /// Notes that the group holds these positions.
    pub fn committed(&mut self, positions: &[(i32, SourceOffset)]) {
        for (partition, position) in positions {
            if let Some(seated) = self.partitions.get_mut(partition) {
                seated.committed = Some(*position);
                seated.seat.metrics.committed_position.set(position.get());
            }
        }
    }
}
