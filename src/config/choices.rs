//! The settings that are one word out of a few.

use super::scalar::Choice;

/// SASL mechanisms that need a user name and a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaslMechanism {
    /// `PLAIN`. The password crosses the network as it is: use it with `tls` only.
    Plain,
    /// `SCRAM-SHA-256`.
    ScramSha256,
    /// `SCRAM-SHA-512`.
    ScramSha512,
}

impl SaslMechanism {
    /// The name in the protocol, and the value of librdkafka's `sasl.mechanism`.
    pub fn name(self) -> &'static str {
        self.word()
    }
}

impl Choice for SaslMechanism {
    const WHAT: &'static str = "a SASL mechanism with user name and password";
    const FORM: &'static str = "`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`";
    const ALL: &'static [(&'static str, Self)] = &[
        ("PLAIN", Self::Plain),
        ("SCRAM-SHA-256", Self::ScramSha256),
        ("SCRAM-SHA-512", Self::ScramSha512),
    ];
}

/// How many consumer groups a mirror uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerGroups {
    /// `kmirror.<mirror>.<topic>` for each topic: lag shows by topic in every Kafka tool, and a rebalance of one
    /// topic never stops another.
    PerTopic,
    /// One group for the whole mirror, for clusters with very many topics.
    Shared,
}

impl Choice for ConsumerGroups {
    const WHAT: &'static str = "a way to form consumer groups";
    const FORM: &'static str = "`per_topic` or `shared`";
    const ALL: &'static [(&'static str, Self)] =
        &[("per_topic", Self::PerTopic), ("shared", Self::Shared)];
}

/// Which records of a source with transactions are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Those of committed transactions, and those without one.
    ReadCommitted,
    /// All, aborted ones too.
    ReadUncommitted,
}

impl Isolation {
    /// The value of librdkafka's `isolation.level`.
    pub fn property(self) -> &'static str {
        self.word()
    }
}

impl Choice for Isolation {
    const WHAT: &'static str = "an isolation level";
    const FORM: &'static str = "`read_committed` or `read_uncommitted`";
    const ALL: &'static [(&'static str, Self)] = &[
        ("read_committed", Self::ReadCommitted),
        ("read_uncommitted", Self::ReadUncommitted),
    ];
}

/// What a mirror takes over from at its first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFrom {
    /// A MirrorMaker 2 deployment, in dedicated mode or on Connect.
    MirrorMaker2,
}

impl Choice for ImportFrom {
    const WHAT: &'static str = "something to take over from";
    const FORM: &'static str = "`mirrormaker2`";
    const ALL: &'static [(&'static str, Self)] = &[("mirrormaker2", Self::MirrorMaker2)];
}

/// Where heartbeats are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heartbeats {
    /// On the target only.
    Target,
    /// On source and target, so that the whole way is seen to be alive.
    Both,
    /// Nowhere.
    Off,
}

impl Choice for Heartbeats {
    const WHAT: &'static str = "a place for heartbeats";
    const FORM: &'static str = "`target`, `both` or `off`";
    const ALL: &'static [(&'static str, Self)] = &[
        ("target", Self::Target),
        ("both", Self::Both),
        ("off", Self::Off),
    ];
}

/// Whether records say which clusters they came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Each record gets a header with the name of its source, and what would return home is left out.
    Header,
    /// Records are copied as they are.
    Off,
}

impl Choice for Provenance {
    const WHAT: &'static str = "a way to say where a record came from";
    const FORM: &'static str = "`header` or `off`";
    const ALL: &'static [(&'static str, Self)] = &[("header", Self::Header), ("off", Self::Off)];
}

/// Codec that the producer compresses batches with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// No compression.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// The value of librdkafka's `compression.codec`.
    pub fn name(self) -> &'static str {
        self.word()
    }
}

impl Choice for Compression {
    const WHAT: &'static str = "a compression codec";
    const FORM: &'static str = "`none`, `gzip`, `snappy`, `lz4` or `zstd`";
    const ALL: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("gzip", Self::Gzip),
        ("snappy", Self::Snappy),
        ("lz4", Self::Lz4),
        ("zstd", Self::Zstd),
    ];
}

/// What happens when source data vanished before it was read (retention, `DeleteRecords`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnGap {
    /// Count it, say it, go on at the log start.
    Continue,
    /// Pause the partition.
    Pause,
}

impl Choice for OnGap {
    const WHAT: &'static str = "an answer to a gap";
    const FORM: &'static str = "`continue` or `pause`";
    const ALL: &'static [(&'static str, Self)] =
        &[("continue", Self::Continue), ("pause", Self::Pause)];
}

/// What happens when the source log was cut back or recreated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDivergence {
    /// Pause the partition.
    Pause,
    /// Go on with what the source now holds.
    Continue,
}

impl Choice for OnDivergence {
    const WHAT: &'static str = "an answer to a divergence";
    const FORM: &'static str = "`pause` or `continue`";
    const ALL: &'static [(&'static str, Self)] =
        &[("pause", Self::Pause), ("continue", Self::Continue)];
}

/// What happens when the target refuses a record for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRejected {
    /// Pause the partition.
    Pause,
    /// Count the record and go on behind it.
    Skip,
}

impl Choice for OnRejected {
    const WHAT: &'static str = "an answer to a rejected record";
    const FORM: &'static str = "`pause` or `skip`";
    const ALL: &'static [(&'static str, Self)] = &[("pause", Self::Pause), ("skip", Self::Skip)];
}

/// Shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

impl Choice for LogFormat {
    const WHAT: &'static str = "a log format";
    const FORM: &'static str = "`text` or `json`";
    const ALL: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

impl Choice for tracing::Level {
    const WHAT: &'static str = "a log level";
    const FORM: &'static str = "`error`, `warn`, `info`, `debug` or `trace`";
    const ALL: &'static [(&'static str, Self)] = &[
        ("error", Self::ERROR),
        ("warn", Self::WARN),
        ("info", Self::INFO),
        ("debug", Self::DEBUG),
        ("trace", Self::TRACE),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scalar::Scalar;

    fn every_word_goes_round<T: Choice + std::fmt::Debug>() {
        for (word, value) in T::ALL {
            assert_eq!(<T as Scalar>::parse(word), Ok(*value));
            assert_eq!(value.word(), *word);
            assert!(<T as Choice>::FORM.contains(&format!("`{word}`")), "{word}");
        }
    }

    #[test]
    fn words_go_round() {
        every_word_goes_round::<SaslMechanism>();
        every_word_goes_round::<ConsumerGroups>();
        every_word_goes_round::<Heartbeats>();
        every_word_goes_round::<Provenance>();
        every_word_goes_round::<Compression>();
        every_word_goes_round::<OnGap>();
        every_word_goes_round::<OnDivergence>();
        every_word_goes_round::<OnRejected>();
        every_word_goes_round::<LogFormat>();
        every_word_goes_round::<tracing::Level>();
    }
}
