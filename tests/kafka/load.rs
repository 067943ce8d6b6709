//! A producer that writes to the source at a steady rate while a test does its worst.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::ledger::{Ledger, Writer};
use crate::support::record::Record;
use crate::support::workload;

/// More than any load writes to one partition.
const ENDLESS: usize = usize::MAX;
/// Every partition is written to in turn, so often.
const ROUND: Duration = Duration::from_millis(100);

/// Endless records of a partition.
type Records = Box<dyn Iterator<Item = Record> + Send>;

/// Records of every shape, or of one, evenly over the partitions of one topic, each batch under the next codec.
pub struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Ledger>>,
}

impl Load {
    /// Starts to write `rate` records a second to `topic`, which exists.
    pub fn start(client: Client, topic: &str, rate: usize) -> Self {
        Self::of(client, topic, rate, |partition| {
            Box::new(workload::mixed(partition, ENDLESS))
        })
    }

    /// The same with typical records only, which Java's clients copy unchanged, too.
    pub fn typical(client: Client, topic: &str, rate: usize) -> Self {
        Self::of(client, topic, rate, |partition| {
            Box::new((0..).map(move |index| workload::typical(partition, index)))
        })
    }

    fn of(client: Client, topic: &str, rate: usize, records: fn(i32) -> Records) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (topic, stopped) = (topic.to_owned(), Arc::clone(&stop));
        let thread = thread::spawn(move || write_until(&stopped, client, &topic, rate, records));
        Self { stop, thread }
    }

    /// Stops, and answers what was written.
    pub fn finish(self) -> Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the load does not panic")
    }
}

fn write_until(
    stopped: &AtomicBool,
    mut client: Client,
    topic: &str,
    rate: usize,
    records: fn(i32) -> Records,
) -> Result<Ledger> {
    let mut writer = Writer::new(&mut client, topic)?;
    let partitions = writer.written.partitions.len();
    let mut records: Vec<_> = (0..).take(partitions).map(records).collect();
    let per_round = rate * ROUND.as_millis() as usize / 1_000 / partitions;
    let started = Instant::now();
    let age = age_of_workload()?;
    let mut codecs = Codec::ALL.into_iter().cycle();
    for round in 1.. {
        for (partition, records) in (0..).zip(&mut records) {
            let batch: Vec<Record> = records
                .by_ref()
                .take(per_round)
                .map(|r| aged(r, age))
                .collect();
            writer.write(partition, &batch, codecs.next().expect("it cycles"))?;
        }
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep((started + ROUND * round).saturating_duration_since(Instant::now()));
    }
    Ok(writer.written)
}

/// Milliseconds since 1970, as record timestamps count.
pub fn now_ms() -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_millis())?)
}

/// How long ago the workload's records were written, by their timestamps, in milliseconds.
pub fn age_of_workload() -> Result<i64> {
    Ok(now_ms()? - workload::BASE_TIMESTAMP)
}

/// A record of the workload as one of today. A broker that restarts forgets producers whose newest record is older than
/// `producer.id.expiration.ms`, by the record's timestamp, and with them what it takes to recognise a repeated batch.
pub fn aged(mut record: Record, age: i64) -> Record {
    if record.timestamp >= workload::BASE_TIMESTAMP {
        record.timestamp += age;
    }
    record
}
