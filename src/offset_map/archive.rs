//! Reads what is stored of the offset map without blocking: the maps that there are, and single chunks again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::KafkaResult;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::chunk::Chunk;
use super::past::Place;
use super::reader::{Read, Reader};
use crate::clusters::TopicPartition;
use crate::config;

/// Longest wait for the target when the map is read; a longer one would only delay the next attempt.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// One mirror's maps in the topic, for reading. Cheap to clone; all clones share one reader.
#[derive(Clone)]
pub struct Archive {
    reader: Arc<Mutex<Reader>>,
}

impl Archive {
    /// Of the maps of `mirror` on `cluster`.
    ///
    /// # Errors
    ///
    /// When librdkafka refuses a property.
    pub fn open(cluster: &config::Cluster, mirror: &str) -> KafkaResult<Self> {
        let reader = Reader::open(cluster, mirror)?;
        Ok(Self {
            reader: Arc::new(Mutex::new(reader)),
        })
    }

    /// Reads what is stored of these partitions' maps at this moment, and how many partitions the topic has. One reading
    /// serves all who ask meanwhile.
    ///
    /// # Errors
    ///
    /// When the topic cannot be read within 30 s, or is not there; the error of one partition is its own.
    ///
    /// # Panics
    ///
    /// When reading did.
    pub async fn load(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<(BTreeMap<TopicPartition, Read>, usize), String> {
        let asked = Instant::now();
        let mut reader = Arc::clone(&self.reader).lock_owned().await;
        if reader.up_to_date_at < Some(asked) {
            let (returned, caught_up) = spawn_blocking(move || {
                let caught_up = reader.catch_up(READ_WITHIN);
                (reader, caught_up)
            })
            .await
            .expect("reading does not panic");
            reader = returned;
            caught_up?;
        }
        let read = partitions.iter().map(|at| (at.clone(), reader.of(at)));
        Ok((read.collect(), reader.partitions()))
    }

    /// Reads a chunk again that is not in memory.
    ///
    /// # Errors
    ///
    /// When it cannot be read within 30 s.
    ///
    /// # Panics
    ///
    /// When reading did.
    pub async fn read(&self, place: Place) -> Result<Chunk, String> {
        let reader = Arc::clone(&self.reader).lock_owned().await;
        let read = spawn_blocking(move || reader.read_at(place, READ_WITHIN)).await;
        read.expect("reading does not panic")
    }
}
