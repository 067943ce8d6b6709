//! A consumer that counts what happens to it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kmirror_broker::Cluster;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::message::Message;

use super::{GROUP, PARTITIONS, PATIENCE, TOPIC};
use crate::clients::config;

const POLL: Duration = Duration::from_millis(10);

/// Counts rebalances, for tests that claim there was none.
#[derive(Default)]
pub struct Watch {
    rebalances: AtomicUsize,
}

impl ClientContext for Watch {}

impl ConsumerContext for Watch {
    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, _rebalance: &Rebalance<'_>) {
        self.rebalances.fetch_add(1, Ordering::SeqCst);
    }
}

/// One member of the group.
pub struct Reader {
    pub consumer: BaseConsumer<Watch>,
    /// Partition and offset of every record read.
    pub read: Vec<(i32, i64)>,
}

impl Reader {
    /// Subscribes with these properties on top of short timeouts and no automatic commits.
    pub fn join(cluster: &Cluster, properties: &[(&str, &str)]) -> Self {
        let mut config = config(cluster);
        config
            .set("group.id", GROUP)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("heartbeat.interval.ms", "200")
            .set("session.timeout.ms", "6000");
        for (key, value) in properties {
            config.set(*key, *value);
        }
        let consumer: BaseConsumer<Watch> = config
            .create_with_context(Watch::default())
            .expect("a consumer");
        consumer.subscribe(&[TOPIC]).expect("subscribed");
        Self {
            consumer,
            read: Vec::new(),
        }
    }

    /// The partitions it holds.
    pub fn partitions(&self) -> BTreeSet<i32> {
        let assigned = self.consumer.assignment().expect("known");
        assigned
            .elements()
            .iter()
            .map(|element| element.partition())
            .collect()
    }

    pub fn rebalances(&self) -> usize {
        self.consumer.context().rebalances.load(Ordering::SeqCst)
    }

    fn poll(&mut self) {
        if let Some(polled) = self.consumer.poll(POLL) {
            let message = polled.expect("no error is expected");
            self.read.push((message.partition(), message.offset()));
        }
    }
}

/// Lets every reader poll until `condition` holds.
///
/// # Panics
/// When it does not come to hold.
#[track_caller]
pub fn poll_until(
    what: &str,
    readers: &mut [&mut Reader],
    condition: impl Fn(&[&mut Reader]) -> bool,
) {
    let deadline = Instant::now() + PATIENCE;
    while !condition(readers) {
        let held: Vec<BTreeSet<i32>> = readers.iter().map(|reader| reader.partitions()).collect();
        assert!(
            Instant::now() < deadline,
            "{what} did not come to be; partitions held: {held:?}"
        );
        readers.iter_mut().for_each(|reader| reader.poll());
    }
}

/// Whether the readers hold all partitions, each one once, shared out evenly.
pub fn share_out_evenly(readers: &[&mut Reader]) -> bool {
    let held: Vec<BTreeSet<i32>> = readers.iter().map(|reader| reader.partitions()).collect();
    let all: BTreeSet<i32> = held.iter().flatten().copied().collect();
    let even = PARTITIONS as usize / readers.len();
    all.len() == PARTITIONS as usize && held.iter().all(|partitions| partitions.len() == even)
}
