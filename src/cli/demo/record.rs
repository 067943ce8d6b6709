//! Writes and recognises the demo's records: numbered, and checksummed so that a change would show.

use std::fmt::Write;

/// Where a record belongs. Written into it, so that one that ends up elsewhere is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
}

/// Bytes of one record, about.
pub(super) const RECORD_BYTES: u64 = 256;

/// Key and value of record `number`, counted from 0 within its partition.
pub(super) fn write(place: Place<'_>, number: u64, key: &mut String, value: &mut String) {
    key.clear();
    value.clear();
    let Place { topic, partition } = place;
    let written = write!(key, "{topic}-{partition}-{number}").and_then(|()| {
        write!(
            value,
            r#"{{"topic":"{topic}","partition":{partition},"number":{number},"note":""#
        )
    });
    written.expect("a string takes everything");
    filling(number, value);
    value.push_str(CHECKSUM_KEY);
    let sum = checksum(key.as_bytes(), value.as_bytes());
    write!(value, "{sum:016x}\"}}").expect("a string takes everything");
}

/// The number of a record that arrived at `place`; `None` when it is not what was written there.
pub(super) fn number(place: Place<'_>, key: &[u8], value: &[u8]) -> Option<u64> {
    let end = value.len().checked_sub(CHECKSUM_LENGTH)?;
    let sum = std::str::from_utf8(&value[end..])
        .ok()?
        .strip_suffix("\"}")?;
    if u64::from_str_radix(sum, 16).ok()? != checksum(key, &value[..end]) {
        return None;
    }
    let Place { topic, partition } = place;
    let key = std::str::from_utf8(key).ok()?;
    let rest = key.strip_prefix(topic)?.strip_prefix('-')?;
    let (written_partition, number) = rest.split_once('-')?;
    (written_partition.parse() == Ok(partition)).then_some(())?;
    number.parse().ok()
}

const CHECKSUM_KEY: &str = r#"","checksum":""#;
/// Sixteen digits, a quote and a brace.
const CHECKSUM_LENGTH: usize = 18;

/// Words that differ from record to record, and compress about as well as real ones.
fn filling(number: u64, value: &mut String) {
    const WORDS: [&str; 16] = [
        "apple", "basil", "cumin", "dill", "endive", "fennel", "garlic", "honey", "ivy", "juniper",
        "kale", "lemon", "mint", "nutmeg", "olive", "pepper",
    ];
    let mut state = number;
    let enough = usize::try_from(RECORD_BYTES).unwrap_or(0) - 60;
    while value.len() < enough {
        // Steele's SplitMix64 step: cheap, and good enough to tell records apart.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value.push_str(WORDS[(mixed >> 60) as usize]);
        value.push(' ');
    }
}

/// FNV-1a over both, the key's length between them so that a byte cannot move from one to the other.
fn checksum(key: &[u8], value: &[u8]) -> u64 {
    let length = (key.len() as u64).to_be_bytes();
    let bytes = key.iter().chain(&length).chain(value);
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        topic: "orders",
        partition: 3,
    };

    fn record(number: u64) -> (String, String) {
        let (mut key, mut value) = (String::new(), String::new());
        write(PLACE, number, &mut key, &mut value);
        (key, value)
    }

    #[test]
    fn a_record_tells_its_number_and_is_json() {
        for written in [0, 7, 1_000_000] {
            let (key, value) = record(written);
            assert_eq!(
                number(PLACE, key.as_bytes(), value.as_bytes()),
                Some(written)
            );
            let json: serde_json::Value = serde_json::from_str(&value).expect("JSON");
            assert_eq!(json["number"], written);
            assert!(
                value.len().abs_diff(RECORD_BYTES as usize) < 40,
                "{}",
                value.len()
            );
        }
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let (key, value) = record(5);
        for index in 0..value.len() {
            let mut changed = value.clone().into_bytes();
            changed[index] ^= 1;
            assert_eq!(
                number(PLACE, key.as_bytes(), &changed),
                None,
                "byte {index}"
            );
        }
        assert_eq!(number(PLACE, b"orders-3-6", value.as_bytes()), None);
        assert_eq!(number(PLACE, b"", b""), None);
    }

    #[test]
    fn a_record_in_the_wrong_partition_is_noticed() {
        let (key, value) = record(5);
        let elsewhere = Place {
            partition: 4,
            ..PLACE
        };
        assert_eq!(number(elsewhere, key.as_bytes(), value.as_bytes()), None);
    }
}
