//! Writes the offset maps of partitions up to the positions that are about to be committed (I8).

use tokio::sync::watch;

use super::lanes::Place;
use crate::clusters::TopicPartition;
use crate::offset_map::{SharedMap, Store, Unsaved};
use crate::retry::Delays;

/// What has to be written of some partitions' maps.
#[derive(Default)]
pub struct Saves {
    unsaved: Vec<(TopicPartition, Unsaved)>,
    maps: Vec<SharedMap>,
}

impl Saves {
    /// What is not written yet of these partitions. To be taken after the positions: a map that is taken later knows more.
    pub fn of(places: Vec<(TopicPartition, Place)>) -> Self {
        let mut saves = Self::default();
        for (at, place) in places {
            if let Some(unsaved) = place.unsaved() {
                saves.unsaved.push((at, unsaved));
                saves.maps.push(place.map);
            }
        }
        saves
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.unsaved.is_empty()
    }

    /// Writes it; at once when there is nothing to write.
    ///
    /// # Errors
    ///
    /// When it was not written; it is written again with the next positions.
    pub async fn write(self, store: &Store) -> Result<(), String> {
        if self.is_empty() {
            return Ok(());
        }
        let places = store.save(&self.unsaved).await?;
        let saved = self.unsaved.iter().zip(places);
        for (map, ((_, unsaved), places)) in self.maps.iter().zip(saved) {
            map.lock().saved(unsaved, &places);
        }
        Ok(())
    }
}

/// Where the map of a partition begins, and the gate that opens when that is written.
pub struct Beginning {
    /// The partition.
    pub at: TopicPartition,
    /// What belongs to it.
    pub place: Place,
    /// Opens the gate; its lane waits there, unless the partition was taken away meanwhile.
    pub gate: watch::Sender<bool>,
}

/// Writes where maps begin, until the target takes it, and opens their gates. A partition that was taken away meanwhile is left
/// out: whoever has it takes a turn of its own, which a late one would hide.
pub async fn persist(mut beginnings: Vec<Beginning>, store: &Store) {
    let mut delays = Delays::default();
    let mut told = false;
    loop {
        beginnings.retain(|beginning| !beginning.gate.is_closed());
        let places = beginnings.iter();
        let places = places.map(|beginning| (beginning.at.clone(), beginning.place.clone()));
        let Err(error) = Saves::of(places.collect()).write(store).await else {
            break;
        };
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(
                error,
                "the offset map cannot be written, so that nothing is copied"
            );
        }
        tokio::time::sleep(delays.draw()).await;
    }
    for beginning in beginnings {
        beginning.gate.send_replace(true);
    }
}
