//! Names the chunks of the offset map: whose map, who wrote it, and which one in its order.

use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

use crate::clusters::TopicPartition;

/// One process's turn at a partition. Each takes the turn after the last that it sees, and writes under keys of its own, so
/// that a process that lost the partition and does not know it yet overwrites nothing: what a later turn says counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Turn {
    /// Counts the turns.
    number: u64,
    /// Tells apart two processes that took the same turn, as one can that was stopped just before it said so.
    nonce: u32,
}

impl Turn {
    /// The turn after `last`.
    pub fn after(last: Option<Self>) -> Self {
        Self {
            number: last.map_or(0, |last| last.number + 1),
            nonce: RandomState::new().hash_one(()) as u32,
        }
    }
}

/// The key of a chunk's record. Keys of one partition stand in the order in which their chunks count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Name of the mirror.
    pub mirror: String,
    /// The source partition.
    pub at: TopicPartition,
    /// Who wrote it.
    pub turn: Turn,
    /// Which of the chunks of that turn.
    pub number: u32,
}

/// `["mirror","topic",partition,turn,nonce,number]`.
#[derive(Serialize, Deserialize)]
struct Written(String, String, i32, u64, u32, u32);

impl Key {
    /// The bytes of the key: JSON, for whoever looks at the topic.
    pub fn write(&self) -> Vec<u8> {
        let Self {
            mirror,
            at,
            turn,
            number,
        } = self;
        let written = Written(
            mirror.clone(),
            at.topic.to_string(),
            at.partition,
            turn.number,
            turn.nonce,
            *number,
        );
        serde_json::to_vec(&written).expect("a key is texts and numbers")
    }

    /// Reads a key; `None` for one that kmirror did not write.
    pub fn read(key: &[u8]) -> Option<Self> {
        let Written(mirror, topic, partition, turn, nonce, number) =
            serde_json::from_slice(key).ok()?;
        Some(Self {
            mirror,
            at: TopicPartition::new(topic, partition),
            turn: Turn {
                number: turn,
                nonce,
            },
            number,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_round_and_can_be_read_by_eye() {
        let turn = Turn {
            number: 4,
            nonce: 77,
        };
        let key = Key {
            mirror: "a-b".to_owned(),
            at: TopicPartition::new("orders", 3),
            turn,
            number: 12,
        };
        assert_eq!(key.write(), br#"["a-b","orders",3,4,77,12]"#);
        assert_eq!(Key::read(&key.write()), Some(key));
        for other in [&b""[..], b"orders", b"[1]", br#"["a","b",0,0,0,-1]"#] {
            assert_eq!(Key::read(other), None);
        }
    }

    #[test]
    fn each_turn_comes_after_the_last_one() {
        let first = Turn::after(None);
        let second = Turn::after(Some(first));
        assert!(first < second);
        assert_ne!(Turn::after(Some(first)), Turn::after(Some(first)));
    }
}
