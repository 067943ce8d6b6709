//! Turns librdkafka's per-record delivery reports into runs and brings each run to its partition.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseProducer, ProducerContext};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::{Notify, mpsc, watch};

use crate::clusters::context::ClusterContext;
use crate::librdkafka::queue::DeliveryQueue;
use crate::offset::TargetOffset;
use crate::prefix::Sequence;

/// Names one open partition of one producer; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Lane(u32);

impl Lane {
    /// What travels through librdkafka with a record: the lane above, the low half of the place below. The
    /// receiver knows the high half, since far fewer than 2³² records are ever in flight.
    pub(super) fn tag(self, place: Sequence) -> usize {
        (self.0 as usize) << 32 | (place as u32 as usize)
    }

    fn untag(tag: usize) -> (Self, u32) {
        (Self((tag >> 32) as u32), tag as u32)
    }
}

/// The fate of consecutive records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Places of the records in the order of sending.
    pub places: Range<Sequence>,
    /// Target offset of the first, the others following it one by one; or why none was written.
    pub outcome: Result<TargetOffset, RDKafkaErrorCode>,
}

/// An [`Ack`] whose places are known by their low half only.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    lane: Lane,
    first: u32,
    count: u32,
    outcome: Result<TargetOffset, RDKafkaErrorCode>,
}

impl Run {
    /// Adds the next record if it continues this run.
    fn extend(&mut self, next: &Self) -> bool {
        let follows = self.lane == next.lane && self.first.wrapping_add(self.count) == next.first;
        let continues = follows
            && match (&self.outcome, &next.outcome) {
                (Ok(base), Ok(offset)) => base.plus(u64::from(self.count)) == *offset,
                (Err(one), Err(other)) => one == other,
                _ => false,
            };
        if continues {
            self.count += next.count;
        }
        continues
    }
}

/// Acknowledgements of one partition.
pub struct Acks {
    lane: Lane,
    runs: mpsc::UnboundedReceiver<Run>,
    routes: Arc<Routes>,
}

impl Acks {
    /// Waits for the next run; `None` once the producer is closed. `acked` is the first place not acknowledged so far.
    /// Cancel-safe.
    pub async fn next(&mut self, acked: Sequence) -> Option<Ack> {
        let run = self.runs.recv().await?;
        Some(Self::place(run, acked))
    }

    /// Has batches that the producer has not got yet reported as not written: whoever has the partition from now on
    /// writes these records, too.
    pub fn write_no_more(&self) {
        if let Some(route) = self.routes.lanes().open.get_mut(&self.lane) {
            route.writes = false;
        }
    }

    fn place(run: Run, acked: Sequence) -> Ack {
        let start = acked + u64::from(run.first.wrapping_sub(acked as u32));
        Ack {
            places: start..start + u64::from(run.count),
            outcome: run.outcome,
        }
    }
}

impl Drop for Acks {
    fn drop(&mut self) {
        self.routes.lanes().open.remove(&self.lane);
    }
}

/// Which partition gets which runs.
#[derive(Default)]
pub(super) struct Routes {
    lanes: Mutex<Lanes>,
    closed: Notify,
}

#[derive(Default)]
struct Lanes {
    next: u32,
    // Unbounded, since the delivery task must never wait for one partition; bounded all the same by the
    // budget, which every record that can be reported here holds a part of.
    open: HashMap<Lane, Route>,
}

/// The way back to one partition.
struct Route {
    runs: mpsc::UnboundedSender<Run>,
    /// Whether its batches are still handed to the producer.
    writes: bool,
}

impl Routes {
    /// Opens the way to one partition.
    pub(super) fn open(self: &Arc<Self>) -> (Lane, Acks) {
        let (sender, runs) = mpsc::unbounded_channel();
        let mut lanes = self.lanes();
        let lane = Lane(lanes.next);
        lanes.next = lanes.next.wrapping_add(1);
        let route = Route {
            runs: sender,
            writes: true,
        };
        lanes.open.insert(lane, route);
        let routes = Arc::clone(self);
        (lane, Acks { lane, runs, routes })
    }

    /// Whether batches of `lane` are to be written.
    pub(super) fn writes(&self, lane: Lane) -> bool {
        let lanes = self.lanes();
        lanes.open.get(&lane).is_some_and(|route| route.writes)
    }

    /// Reports a record that was written past the producer.
    pub(super) fn acknowledge(&self, lane: Lane, place: Sequence, offset: TargetOffset) {
        self.send([Run {
            lane,
            first: place as u32,
            count: 1,
            outcome: Ok(offset),
        }]);
    }

    /// Reports a record that the producer did not take.
    pub(super) fn refuse(&self, lane: Lane, place: Sequence, code: RDKafkaErrorCode) {
        self.refuse_all(lane, place, 1, code);
    }

    /// Reports so many records from `first` on that the producer did not get.
    pub(super) fn refuse_all(
        &self,
        lane: Lane,
        first: Sequence,
        count: usize,
        code: RDKafkaErrorCode,
    ) {
        self.send([Run {
            lane,
            first: first as u32,
            count: count as u32,
            outcome: Err(code),
        }]);
    }

    /// Ends [`deliver`], and the waiting for reports that will not come any more.
    pub(super) fn close(&self) {
        self.lanes().open.clear();
        self.closed.notify_one();
    }

    /// Sends each run on; those of partitions that are gone are dropped (I6).
    fn send(&self, runs: impl IntoIterator<Item = Run>) {
        let lanes = self.lanes();
        for run in runs {
            if let Some(route) = lanes.open.get(&run.lane) {
                // An error means that the partition is closing at this moment.
                let _ = route.runs.send(run);
            }
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes
            .lock()
            .expect("no code panics while it holds the lanes")
    }
}

/// Serves the producer's events until the routes are closed.
pub(super) async fn deliver(
    producer: Arc<BaseProducer<Deliveries>>,
    queue: DeliveryQueue,
    routes: Arc<Routes>,
) {
    let client = rdkafka::producer::Producer::client(&*producer);
    let context = Arc::clone(client.context());
    loop {
        tokio::select! {
            biased;
            () = routes.closed.notified() => return,
            () = queue.readable() => {}
        }
        while !queue.is_empty() {
            // One call serves one event, which carries the reports of a whole produce response.
            producer.poll(Duration::ZERO);
        }
        if let Some((_, reason)) = client.fatal_error() {
            context.fail(reason);
        }
        routes.send(context.take());
    }
}

/// Collects delivery reports between two looks of [`deliver`].
pub(super) struct Deliveries {
    cluster: ClusterContext,
    runs: Mutex<Vec<Run>>,
    fatal: watch::Sender<Option<String>>,
}

impl Deliveries {
    /// For a producer on `cluster`; fatal errors go to `fatal`.
    pub(super) fn new(cluster: &str, fatal: watch::Sender<Option<String>>) -> Self {
        Self {
            cluster: ClusterContext::new(cluster),
            runs: Mutex::default(),
            fatal,
        }
    }

    fn take(&self) -> Vec<Run> {
        std::mem::take(&mut self.lock())
    }

    /// Tells once that the producer takes nothing any more.
    fn fail(&self, reason: String) {
        self.fatal.send_if_modified(|told| {
            let is_news = told.is_none();
            told.get_or_insert(reason);
            is_news
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Run>> {
        // Called from librdkafka's C frames too, through which a panic must not unwind.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.cluster.log(level, facility, message);
    }

    // A fatal error comes here under the name of its cause; `deliver` asks for it instead.
    fn error(&self, error: KafkaError, reason: &str) {
        self.cluster.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: usize) {
        let (lane, first) = Lane::untag(tag);
        let outcome = match result {
            Ok(message) => Ok(TargetOffset::new(message.offset())),
            Err((error, _)) => Err(error
                .rdkafka_error_code()
                .unwrap_or(RDKafkaErrorCode::Unknown)),
        };
        if outcome == Err(RDKafkaErrorCode::InvalidProducerEpoch) {
            // librdkafka would count its epoch up by one each time, and what fences it off is the highest there is.
            self.fail(
                "another process took a partition over, fencing this producer off".to_owned(),
            );
        }
        let run = Run {
            lane,
            first,
            count: 1,
            outcome,
        };
        let mut runs = self.lock();
        if !runs.last_mut().is_some_and(|last| last.extend(&run)) {
            runs.push(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first: u32, offset: i64) -> Run {
        Run {
            lane: Lane(7),
            first,
            count: 1,
            outcome: Ok(TargetOffset::new(offset)),
        }
    }

    #[test]
    fn a_tag_brings_lane_and_place_back() {
        let lane = Lane(u32::MAX);
        assert_eq!(Lane::untag(lane.tag(5)), (lane, 5));
        assert_eq!(Lane::untag(lane.tag(u64::from(u32::MAX) + 3)), (lane, 2));
    }

    #[test]
    fn reports_in_step_become_one_run() {
        let mut first = run(3, 100);
        assert!(first.extend(&run(4, 101)));
        assert!(!first.extend(&run(5, 103)), "the target offset jumps");
        assert!(!first.extend(&run(6, 102)), "a record is missing");
        assert_eq!(first.count, 2);
    }

    #[tokio::test]
    async fn reports_come_in_until_the_producer_is_closed() {
        let routes = Arc::new(Routes::default());
        let (lane, mut acks) = routes.open();
        acks.write_no_more();
        assert!(!routes.writes(lane));
        routes.refuse_all(lane, 0, 9, RDKafkaErrorCode::PurgeQueue);
        let refused = acks.next(0).await.map(|ack| ack.places);
        assert_eq!(refused, Some(0..9));
        routes.close();
        assert_eq!(acks.next(0).await, None);
    }

    #[test]
    fn places_are_counted_on_past_the_wrap_of_their_low_half() {
        let acked = u64::from(u32::MAX) - 1;
        let ack = Acks::place(run(2, 100), acked);
        assert_eq!(ack.places, acked + 4..acked + 5);
    }
}
