//! Keeps the partitions in flow: starts, stops and joins their lanes, and knows what each may commit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tracing::Instrument;

use super::lane::{End, Ended, Lane};
use super::mark::{Committed, Mark};
use crate::board::Seat;
use crate::clusters::{TopicId, TopicPartition};
use crate::offset_map::{SharedMap, Unsaved};
use crate::target::Fence;

/// The assigned partitions of one membership.
#[derive(Default)]
pub struct Lanes {
    partitions: BTreeMap<TopicPartition, Partition>,
    tasks: JoinSet<(TopicPartition, Ended)>,
    /// Lanes that ended while another one was waited for.
    ended: VecDeque<(TopicPartition, End)>,
    /// Those that wait for what lanes left in flight.
    settling: BTreeMap<TopicPartition, JoinHandle<()>>,
}

/// What stopping lanes came to.
pub struct Stopped {
    /// What belonged to each partition.
    pub places: Vec<(TopicPartition, Place)>,
    /// Whether the fate of all that was sent is known.
    pub settled: bool,
}

impl Stopped {
    /// What is acknowledged and not committed.
    pub fn uncommitted(&self) -> Vec<(TopicPartition, Committed)> {
        let places = self.places.iter();
        let uncommitted =
            places.filter_map(|(at, place)| Some((at.clone(), place.progress().news()?)));
        uncommitted.collect()
    }

    /// Whether anything was acknowledged that is not committed: else what is not is said of positions that are.
    pub fn has_moved(&self) -> bool {
        let mut progress = self.places.iter().map(|(_, place)| place.progress());
        progress.any(|Progress { reached, committed }| {
            committed.is_none_or(|held| held.position != reached.position)
        })
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
    /// The copy that is written, or was.
    pub copy_id: Option<TopicId>,
    /// How many partitions the topic had when the mirror began.
    pub began_with: u32,
    /// What the group holds for it.
    pub committed: Option<Committed>,
    /// Whether its position is a guess that must not be committed.
    pub is_guessed: bool,
    /// Where its records stand on the target.
    pub map: SharedMap,
    /// Whether this process writes the map: it took its turn when it began to copy.
    pub is_mapping: bool,
    /// What keeps late writes of others out, where some may come.
    pub fence: Option<Fence>,
    /// Whether it was let go with nothing in flight.
    pub is_settled: bool,
}

impl Place {
    /// What may be committed for it.
    pub fn reached(&self) -> Committed {
        let standing = self.seat.standing();
        let mark = Mark::new(self.counted_in.as_ref(), standing.state, standing.reason);
        let settled_at = self.seat.target_end();
        Committed {
            position: self.seat.reading_position(),
            mark: mark
                .began_with(self.began_with)
                .of_copy(self.copy_id.as_ref())
                .settled_at(settled_at.filter(|_| self.is_settled && self.is_fenced())),
        }
    }

    /// Whether no late writes of others have to be kept out, or they are.
    pub fn is_fenced(&self) -> bool {
        self.fence.as_ref().is_none_or(Fence::is_done)
    }

    /// Whether the group surely holds what may be committed for it: told without a copy of anything, since most partitions
    /// are at rest each time.
    fn is_at_rest(&self) -> bool {
        let is_at_rest = |committed: &Committed| {
            committed.position == self.seat.reading_position()
                && committed.mark.is_running(
                    self.counted_in.as_ref(),
                    self.copy_id.as_ref(),
                    self.began_with,
                )
                && self.seat.is_running()
        };
        self.committed.as_ref().is_some_and(is_at_rest)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let reached = self.reached();
        let committed = match self.is_guessed {
            true => Some(reached.clone()),
            false => self.committed.clone(),
        };
        Progress { reached, committed }
    }

    /// What of its map has to be written before its position may be committed (I8).
    pub fn unsaved(&self) -> Option<Unsaved> {
        self.is_mapping.then(|| self.map.lock().unsaved()).flatten()
    }
}

impl Lanes {
    /// Takes in a partition that stands still.
    pub fn hold(&mut self, at: TopicPartition, place: Place) {
        let held = Partition { place, stop: None };
        self.partitions.insert(at, held);
    }

    /// Puts a partition in flow that does not flow. `stop` is the other end of the lane's own.
    pub fn start(
        &mut self,
        at: TopicPartition,
        place: Place,
        lane: Lane,
        stop: watch::Sender<Option<Instant>>,
    ) {
        debug_assert!(!self.is_flowing(&at), "{at} has a lane");
        let stop = Some(stop);
        self.partitions
            .insert(at.clone(), Partition { place, stop });
        let span = tracing::info_span!("lane", topic = &*at.topic, partition = at.partition);
        self.tasks
            .spawn(async move { (at, lane.run().await) }.instrument(span));
    }

    /// Waits for a lane to end by itself; for ever when there is none. Cancel-safe.
    ///
    /// # Panics
    ///
    /// When a lane panicked.
    pub async fn ended(&mut self) -> (TopicPartition, Arc<Seat>, End) {
        loop {
            let (at, end) = match self.ended.pop_front() {
                Some(ended) => ended,
                None => self.join().await,
            };
            if let Some(seated) = self.partitions.get_mut(&at) {
                seated.stop = None;
                return (at, Arc::clone(&seated.place.seat), end);
            }
        }
    }

    async fn join(&mut self) -> (TopicPartition, End) {
        match self.tasks.join_next().await {
            Some(ended) => {
                let (at, Ended { end, settling }) = ended.expect("a lane does not panic");
                self.settling
                    .extend(settling.map(|settling| (at.clone(), settling)));
                (at, end)
            }
            None => std::future::pending().await,
        }
    }

    /// Whether a lane of the partition flows, or has ended and was not heard of yet.
    pub fn is_flowing(&self, at: &TopicPartition) -> bool {
        let seated = self.partitions.get(at);
        seated.is_some_and(|seated| seated.stop.is_some())
    }

    /// Whether records of an earlier lane of the partition are in flight: their fate decides where it goes on.
    pub fn is_settling(&self, at: &TopicPartition) -> bool {
        let settling = self.settling.get(at);
        settling.is_some_and(|settling| !settling.is_finished())
    }

    /// Tells the lanes of `partitions` to settle by `deadline` and waits for them. The partitions stay, standing still.
    pub async fn halt(&mut self, partitions: &[TopicPartition], deadline: Instant) {
        let mut waiting = BTreeSet::new();
        for at in partitions {
            if let Some(seated) = self.partitions.get_mut(at)
                && let Some(stop) = seated.stop.take()
            {
                // Refused by a lane that has ended by itself; that is heard of below.
                let _ = stop.send(Some(deadline));
                waiting.insert(at.clone());
            }
        }
        let halted: BTreeSet<_> = partitions.iter().collect();
        for (at, _) in &self.ended {
            waiting.remove(at);
        }
        while !waiting.is_empty() {
            let (at, end) = self.join().await;
            waiting.remove(&at);
            if !halted.contains(&at) {
                self.ended.push_back((at, end));
            }
        }
        self.ended.retain(|(at, _)| !halted.contains(at));
    }

    /// Halts `partitions` and lets them go.
    pub async fn stop(&mut self, partitions: &[TopicPartition], deadline: Instant) -> Stopped {
        self.halt(partitions, deadline).await;
        let seated = partitions.iter();
        let seated = seated.filter_map(|at| Some((at.clone(), self.partitions.remove(at)?)));
        let seated: Vec<_> = seated.collect();
        let places = seated.into_iter().map(|(at, Partition { mut place, .. })| {
            place.is_settled = !self.is_settling(&at);
            (at, place)
        });
        let places: Vec<_> = places.collect();
        let settled = places.iter().all(|(_, place)| place.is_settled);
        Stopped { places, settled }
    }

    /// What belongs to a partition that is here.
    pub fn place(&self, at: &TopicPartition) -> Option<&Place> {
        let seated = self.partitions.get(at)?;
        Some(&seated.place)
    }

    /// What belongs to each partition.
    pub fn places(&self) -> impl Iterator<Item = (&TopicPartition, &Place)> {
        let partitions = self.partitions.iter();
        partitions.map(|(at, seated)| (at, &seated.place))
    }

    /// What is acknowledged and not committed.
    pub fn uncommitted(&self) -> Vec<(TopicPartition, Committed)> {
        let places = self.places().filter(|(_, place)| !place.is_at_rest());
        let uncommitted =
            places.filter_map(|(at, place)| Some((at.clone(), place.progress().news()?)));
        uncommitted.collect()
    }

    /// Every position that the group holds.
    pub fn held(&self) -> Vec<(TopicPartition, Committed)> {
        let places = self.places();
        let held = places.filter_map(|(at, place)| Some((at.clone(), place.committed.clone()?)));
        held.collect()
    }

    /// Notes that the group holds these positions.
    pub fn committed(&mut self, positions: impl IntoIterator<Item = (TopicPartition, Committed)>) {
        for (at, committed) in positions {
            if let Some(seated) = self.partitions.get_mut(&at) {
                let offset = committed.position.offset.get();
                seated.place.seat.metrics.committed_position.set(offset);
                seated.place.committed = Some(committed);
            }
        }
    }
}
