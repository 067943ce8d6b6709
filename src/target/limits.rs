//! Knows what a target topic refuses for good, so that a record that it may refuse is sent alone.

use crate::clusters::configs::ConfigValue;
use crate::librdkafka::message::Record;

/// Kafka's default of `max.message.bytes`.
const DEFAULT_MAX_MESSAGE_BYTES: u64 = 1_048_588;

/// Largest batches, for topics that take Kafka's default or more. A larger record travels alone.
const FULL_BATCH: u32 = 1_000_000;

/// Smallest batches: below, each record would travel alone anyway.
const SMALLEST_BATCH: u32 = 1_000;

/// How far the clocks of this machine and of the target's brokers may lie apart.
const CLOCK_SKEW_MS: i64 = 10_000;

/// What a target topic takes, by its configs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `max.message.bytes`: of a batch, compressed.
    max_message_bytes: u64,
    /// Whether `cleanup.policy` asks for a key in each record.
    keyed: bool,
    /// How far in milliseconds a timestamp may lie before the broker's clock; `i64::MAX` when any distance is good.
    past_ms: i64,
    /// How far after it.
    future_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: DEFAULT_MAX_MESSAGE_BYTES,
            keyed: false,
            past_ms: i64::MAX,
            future_ms: i64::MAX,
        }
    }
}

impl Limits {
    /// Reads them from the configs in effect on a topic; what is not told there is Kafka's default.
    pub fn of(configs: &[ConfigValue]) -> Self {
        let value = |name: &str| {
            let config = configs.iter().find(|config| config.name == name)?;
            config.value.as_deref()
        };
        let number = |name| value(name).and_then(|value| value.parse::<u64>().ok());
        // The broker stamps the records itself, whatever theirs says.
        let stamps = value("message.timestamp.type") == Some("LogAppendTime");
        let distance = |name| match number(name) {
            Some(distance) if !stamps => i64::try_from(distance).unwrap_or(i64::MAX),
            _ => i64::MAX,
        };
        Self {
            max_message_bytes: number("max.message.bytes").unwrap_or(DEFAULT_MAX_MESSAGE_BYTES),
            keyed: value("cleanup.policy").is_some_and(|policy| policy.contains("compact")),
            past_ms: distance("message.timestamp.before.max.ms"),
            future_ms: distance("message.timestamp.after.max.ms"),
        }
    }

    /// Bytes of the largest batch that the topic surely takes. Rounded down to two digits, so that topics with about
    /// the same limit share a producer; a tenth is left for what the batch adds to its records.
    pub fn batch_bytes(&self) -> u32 {
        let room = u32::try_from(self.max_message_bytes / 10 * 9).unwrap_or(u32::MAX);
        if self.max_message_bytes >= u64::from(FULL_BATCH) + 48_000 {
            return FULL_BATCH;
        }
        let unit = 10u32.pow(room.max(1).ilog10().saturating_sub(1));
        (room / unit * unit).clamp(SMALLEST_BATCH, FULL_BATCH)
    }

    /// Whether the topic may refuse the record at the time `now_ms`: surely not when this is false, headers that are
    /// larger than the rest of the record aside.
    pub fn may_refuse(&self, record: &Record<'_>, now_ms: i64) -> bool {
        record.size() as u64 >= u64::from(self.batch_bytes())
            || self.keyed && record.key().is_none()
            || !self.takes_timestamp(record.timestamp(), now_ms)
    }

    fn takes_timestamp(&self, timestamp: i64, now_ms: i64) -> bool {
        let after = timestamp
            .saturating_sub(now_ms)
            .saturating_add(CLOCK_SKEW_MS);
        let before = now_ms
            .saturating_sub(timestamp)
            .saturating_add(CLOCK_SKEW_MS);
        (self.future_ms == i64::MAX || after <= self.future_ms)
            && (self.past_ms == i64::MAX || before <= self.past_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;

    fn limits(configs: &[(&str, &str)]) -> Limits {
        let configs: Vec<_> = configs
            .iter()
            .map(|(name, value)| ConfigValue {
                name: (*name).to_owned(),
                value: Some((*value).to_owned()),
                set_on_topic: true,
            })
            .collect();
        Limits::of(&configs)
    }

    #[test]
    fn kafkas_default_limit_takes_full_batches() {
        assert_eq!(Limits::default().batch_bytes(), FULL_BATCH);
        let most = limits(&[("max.message.bytes", "2147483647")]);
        assert_eq!(most.batch_bytes(), FULL_BATCH);
    }

    #[test]
    fn a_lower_limit_takes_batches_below_it() {
        let cases = [
            ("1000000", 900_000),
            ("100000", 90_000),
            ("12345", 11_000),
            ("10", SMALLEST_BATCH),
        ];
        for (limit, batch) in cases {
            assert_eq!(limits(&[("max.message.bytes", limit)]).batch_bytes(), batch);
        }
    }

    #[test]
    fn a_timestamp_is_taken_within_the_topics_bounds_less_the_skew_of_clocks() {
        let bounds = [
            ("message.timestamp.after.max.ms", "3600000"),
            ("message.timestamp.before.max.ms", "7200000"),
        ];
        let bounded = limits(&bounds);
        let cases = [
            (NOW, true),
            (NOW + HOUR - 2 * CLOCK_SKEW_MS, true),
            (NOW + HOUR, false),
            (i64::MAX, false),
            (NOW - 2 * HOUR, false),
            (-1, false),
        ];
        for (timestamp, taken) in cases {
            assert_eq!(
                bounded.takes_timestamp(timestamp, NOW),
                taken,
                "{timestamp}"
            );
            assert!(Limits::default().takes_timestamp(timestamp, NOW));
        }
        let stamped = [&bounds[..], &[("message.timestamp.type", "LogAppendTime")]].concat();
        assert!(limits(&stamped).takes_timestamp(-1, NOW));
    }

    #[test]
    fn only_a_compacted_topic_asks_for_keys() {
        assert!(limits(&[("cleanup.policy", "compact,delete")]).keyed);
        assert!(!limits(&[("cleanup.policy", "delete")]).keyed);
    }
}
