//! Keeps chunks of the offset map that were read again, the ones used last, within a bound.

use std::collections::HashMap;

use crate::offset_map::{Archive, Chunk, Place};

/// Chunks kept, as their records hold them: some 6 KiB each, so that these take 6 MiB.
const KEPT: usize = 1_000;

/// Chunks by where they lie. What lies in one place never changes.
#[derive(Default)]
pub(super) struct Chunks {
    kept: HashMap<Place, (u64, Vec<u8>)>,
    /// Counts the uses.
    clock: u64,
}

impl Chunks {
    /// The chunk that lies at `place`; reads it unless it is kept.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub(super) async fn read(&mut self, archive: &Archive, place: Place) -> Result<Chunk, String> {
        if let Some(chunk) = self.get(place) {
            return Ok(chunk);
        }
        let chunk = archive.read(place).await?;
        self.keep(place, chunk.write());
        Ok(chunk)
    }

    fn get(&mut self, place: Place) -> Option<Chunk> {
        self.clock += 1;
        let (used, value) = self.kept.get_mut(&place)?;
        *used = self.clock;
        Some(Chunk::read(value).expect("it was written by this version"))
    }

    fn keep(&mut self, place: Place, value: Vec<u8>) {
        if self.kept.len() >= KEPT {
            let by_use = |(_, (used, _)): &(&Place, &(u64, Vec<u8>))| *used;
            let oldest = self.kept.iter().min_by_key(by_use).map(|(place, _)| *place);
            oldest.map(|oldest| self.kept.remove(&oldest));
        }
        self.kept.insert(place, (self.clock, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offset::{SourceOffset, TargetOffset};
    use crate::offset_map::Ends;

    fn place(offset: i64) -> Place {
        Place {
            partition: 0,
            offset,
        }
    }

    #[test]
    fn of_too_many_the_one_that_was_not_used_for_longest_goes() {
        let (from, target_from) = (SourceOffset::new(0), TargetOffset::new(0));
        let chunk = Chunk::new(Ends::default(), from, target_from);
        let mut chunks = Chunks::default();
        for offset in 0..KEPT as i64 {
            assert_eq!(chunks.get(place(offset)), None);
            chunks.keep(place(offset), chunk.write());
        }
        assert_eq!(chunks.get(place(0)), Some(chunk.clone()));
        chunks.keep(place(-1), chunk.write());
        assert_eq!(chunks.kept.len(), KEPT);
        assert_eq!(chunks.get(place(1)), None);
        assert!(chunks.get(place(0)).is_some() && chunks.get(place(-1)).is_some());
    }
}
