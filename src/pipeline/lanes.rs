//! Keeps the partitions in flow: starts, stops and joins their lanes, and knows what each may commit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::lane::{End, Lane};
use super::mark::{Committed, Mark};
use crate::board::Seat;
use crate::clusters::TopicId;

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
    /// What is acknowledged and not committed.
    pub fn uncommitted(&self) -> Vec<(i32, Committed)> {
        let progress = self.progress.iter();
        let uncommitted = progress.filter_map(|(at, progress)| Some((*at, progress.news()?)));
        uncommitted.collect()
    }
}

/// How far a partition has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What may be committed: the next source offset that is not acknowledged, and how the partition stands.
    pub reached: Committed,
    /// What the group holds.
    pub committed: Option<Committed>,
}

impl Progress {
    /// What may be committed, unless the group holds it.
    fn news(&self) -> Option<Committed> {
        let is_known = self.committed.as_ref() == Some(&self.reached);
        (!is_known).then(|| self.reached.clone())
    }
}

/// A partition that this process owns, in flow or standing still.
struct Partition {
    place: Place,
    /// Absent while it stands still.
    stop: Option<watch::Sender<Option<Instant>>>,
}

/// What belongs to a partition, in flow or not.
#[derive(Clone)]
pub struct Place {
    /// Its place on the board.
    pub seat: Arc<Seat>,
    /// The topic in which its position counts.
    pub counted_in: Option<TopicId>,
    /// What the group holds for it.
    pub committed: Option<Committed>,
    /// Whether its position is a guess that must not be committed.
    pub is_guessed: bool,
}

impl Place {
    /// What may be committed for it.
    pub fn reached(&self) -> Committed {
        let standing = self.seat.standing();
        Committed {
            position: self.seat.reading_position(),
            mark: Mark::new(self.counted_in.as_ref(), standing.state, standing.reason),
        }
    }

    fn progress(&self) -> Progress {
        let reached = self.reached();
        let committed = match self.is_guessed {
            true => Some(reached.clone()),
            false => self.committed.clone(),
        };
        Progress { reached, committed }
    }
}

impl Lanes {
    /// Takes in a partition that stands still.
    pub fn hold(&mut self, partition: i32, place: Place) {
        let held = Partition { place, stop: None };
        self.partitions.insert(partition, held);
    }

    /// Puts a partition in flow. `stop` is the other end of the lane's own.
    pub fn start(
        &mut self,
        partition: i32,
        place: Place,
        lane: Lane,
        stop: watch::Sender<Option<Instant>>,
    ) {
        let stop = Some(stop);
        self.partitions.insert(partition, Partition { place, stop });
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
                return (partition, Arc::clone(&seated.place.seat), end);
            }
        }
    }

    async fn join(&mut self) -> (i32, End) {
        match self.tasks.join_next().await {
            Some(ended) => ended.expect("a lane does not panic"),
            None => std::future::pending().await,
        }
    }

    /// Tells the lanes of `partitions` to settle by `deadline` and waits for them. The partitions stay, standing still.
    /// Answers whether the fate of all that was sent is known.
    pub async fn halt(&mut self, partitions: &[i32], deadline: Instant) -> bool {
        let mut settled = true;
        let mut waiting: Vec<i32> = Vec::new();
        for partition in partitions {
            if let Some(seated) = self.partitions.get_mut(partition)
                && let Some(stop) = seated.stop.take()
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
        self.ended
            .retain(|(partition, _)| !partitions.contains(partition));
        settled
    }

    /// Halts `partitions` and lets them go.
    pub async fn stop(&mut self, partitions: &[i32], deadline: Instant) -> Stopped {
        let settled = self.halt(partitions, deadline).await;
        let progress = partitions.iter();
        let progress =
            progress.filter_map(|partition| Some((*partition, self.progress(*partition)?)));
        let progress = progress.collect();
        self.partitions
            .retain(|partition, _| !partitions.contains(partition));
        Stopped { progress, settled }
    }

    /// What a partition that is here has acknowledged and committed.
    pub fn progress(&self, partition: i32) -> Option<Progress> {
        Some(self.place(partition)?.progress())
    }

    /// What belongs to a partition that is here.
    pub fn place(&self, partition: i32) -> Option<&Place> {
        let seated = self.partitions.get(&partition)?;
        Some(&seated.place)
    }

    /// What belongs to each partition.
    pub fn places(&self) -> impl Iterator<Item = (i32, &Place)> {
        let partitions = self.partitions.iter();
        partitions.map(|(partition, seated)| (*partition, &seated.place))
    }

    /// What is acknowledged and not committed.
    pub fn uncommitted(&self) -> Vec<(i32, Committed)> {
        let places = self.places();
        let uncommitted = places.filter_map(|(at, place)| Some((at, place.progress().news()?)));
        uncommitted.collect()
    }

    /// Every position, committed or not.
    pub fn reached(&self) -> Vec<(i32, Committed)> {
        let places = self.places();
        places
            .map(|(at, place)| (at, place.progress().reached))
            .collect()
    }

    /// Notes that the group holds these positions.
    pub fn committed(&mut self, positions: impl IntoIterator<Item = (i32, Committed)>) {
        for (partition, committed) in positions {
            if let Some(seated) = self.partitions.get_mut(&partition) {
                let offset = committed.position.offset.get();
                seated.place.seat.metrics.committed_position.set(offset);
                seated.place.committed = Some(committed);
            }
        }
    }
}
