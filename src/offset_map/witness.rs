//! Knows a source log again by the newest record that was copied from it.

use crate::offset::SourceOffset;

/// A record that was read before a position. A log that has another one at its offset has another history, whatever ids and
/// leader epochs say (KIP-516, KIP-320): a cluster restored from an older snapshot counts its epochs on from there, and old
/// clusters tell neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// Where it stands on the source.
    pub offset: SourceOffset,
    /// CRC-32C of timestamp, key and value. Headers are left out: librdkafka would have to parse them.
    pub(super) digest: u32,
}

impl Witness {
    /// The record at `offset`, with its timestamp as the source holds it (ms since 1970).
    pub fn new(
        offset: SourceOffset,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Self {
        let digest = crc32c::crc32c(&timestamp.to_be_bytes());
        let digest = [key, value].into_iter().fold(digest, |digest, part| {
            // Null is not empty, and a byte of the key is none of the value.
            let length = part.map_or(u64::MAX, |part| part.len() as u64);
            let digest = crc32c::crc32c_append(digest, &length.to_be_bytes());
            crc32c::crc32c_append(digest, part.unwrap_or_default())
        });
        Self { offset, digest }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn digest(timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> u32 {
        Witness::new(SourceOffset::new(5), timestamp, key, value).digest
    }

    #[test]
    fn records_that_differ_in_anything_are_told_apart() {
        let digests = [
            digest(1, Some(b"key"), Some(b"value")),
            digest(2, Some(b"key"), Some(b"value")),
            digest(1, Some(b"ke"), Some(b"yvalue")),
            digest(1, Some(b"key"), None),
            digest(1, Some(b"key"), Some(b"")),
            digest(1, None, Some(b"value")),
            digest(1, Some(b""), Some(b"value")),
            digest(-1, None, None),
        ];
        let told_apart = BTreeSet::from(digests);
        assert_eq!(told_apart.len(), digests.len());
    }

    /// What is stored outlives this version.
    #[test]
    fn a_digest_is_what_it_always_was() {
        assert_eq!(digest(1_700_000_000_000, Some(b"key"), None), 0x6672_71ae);
    }
}
