//! Describes a configuration key: its type, bounds and default.

/// What values a key takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A 32-bit number, at least this.
    Int(i32),
    /// A 64-bit number, at least this.
    Long(i64),
    /// A fraction from 0 to 1.
    Ratio,
    /// Any text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A comma-separated list of any words.
    List,
    /// A comma-separated list, not empty, of these words.
    ListOf(&'static [&'static str]),
}

/// A value that does not fit its key, in words for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    /// There is no such key.
    #[error("Unknown configuration {key}")]
    Unknown {
        /// The key as given.
        key: String,
    },
    /// The key exists, its value is of no use.
    #[error("Invalid value {value} for configuration {key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// The value as given.
        value: String,
        /// What it must be.
        reason: String,
    },
    /// The key belongs to the broker's start-up and cannot be changed while it runs.
    #[error("Cannot update these configs dynamically: [{key}]")]
    Static {
        /// The key.
        key: String,
    },
}

/// One key.
#[derive(Debug)]
pub(crate) struct Definition {
    /// As in Kafka.
    pub(crate) name: &'static str,
    /// What it takes.
    pub(crate) kind: Kind,
    /// As in Kafka, save where the tables say otherwise.
    pub(crate) default: &'static str,
    /// For a topic's key, the broker's key that its default comes from; for a broker's key, empty.
    pub(crate) broker_key: &'static str,
}

impl Definition {
    /// Checks a value.
    pub(crate) fn check(&self, value: &str) -> Result<(), Invalid> {
        self.kind
            .check(value.trim())
            .map_err(|reason| Invalid::Value {
                key: self.name.to_owned(),
                value: value.to_owned(),
                reason,
            })
    }

    /// Whether the incremental operations APPEND and SUBTRACT make sense for it.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List | Kind::ListOf(_))
    }
}

impl Kind {
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Self::Bool => one_of(&["true", "false"], value),
            Self::Int(least) => at_least(value.parse::<i32>().ok(), least),
            Self::Long(least) => at_least(value.parse::<i64>().ok(), least),
            Self::Ratio => match value.parse::<f64>() {
                Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(()),
                _ => Err("Value must be between 0 and 1".to_owned()),
            },
            Self::Text | Self::List => Ok(()),
            Self::OneOf(words) => one_of(words, value),
            Self::ListOf(words) => value
                .split(',')
                .try_for_each(|word| one_of(words, word.trim())),
        }
    }

    /// The number that DescribeConfigs v3 and later gives for the type (KIP-569).
    pub(crate) fn wire_type(self) -> i8 {
        match self {
            Self::Bool => 1,
            Self::Text | Self::OneOf(_) => 2,
            Self::Int(_) => 3,
            Self::Long(_) => 5,
            Self::Ratio => 6,
            Self::List | Self::ListOf(_) => 7,
        }
    }
}

fn one_of(words: &[&str], value: &str) -> Result<(), String> {
    if words.contains(&value) {
        Ok(())
    } else {
        Err(format!("Value must be one of {}", words.join(", ")))
    }
}

fn at_least<N: PartialOrd + std::fmt::Display>(value: Option<N>, least: N) -> Result<(), String> {
    match value {
        None => Err("Not a number of the right size".to_owned()),
        Some(value) if value < least => Err(format!("Value must be at least {least}")),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use crate::config::{BrokerConfigs, TopicConfigs};

    #[test]
    fn every_default_is_a_value_its_key_takes() {
        for definition in
            TopicConfigs::definitions().chain(BrokerConfigs::definitions().map(|(it, _)| it))
        {
            assert_eq!(
                definition.check(definition.default),
                Ok(()),
                "{}",
                definition.name
            );
        }
    }

    #[test]
    fn a_topics_default_is_that_of_the_brokers_key_it_inherits() {
        for definition in
            TopicConfigs::definitions().filter(|definition| !definition.broker_key.is_empty())
        {
            let inherited =
                BrokerConfigs::definition(definition.broker_key).expect(definition.broker_key);
            assert_eq!(definition.default, inherited.default, "{}", definition.name);
        }
    }

    #[test]
    fn values_are_held_against_their_kind() {
        let cases = [
            (Kind::Bool, "true", "yes"),
            (Kind::Int(1), "1", "0"),
            (Kind::Int(0), "2147483647", "2147483648"),
            (Kind::Long(-1), "-1", "-2"),
            (Kind::Ratio, "0.5", "1.1"),
            (Kind::Ratio, "0", "NaN"),
            (Kind::OneOf(&["a", "b"]), "b", "c"),
            (Kind::ListOf(&["a", "b"]), "a, b", "a,c"),
            (Kind::ListOf(&["a", "b"]), "a", ""),
        ];
        for (kind, right, wrong) in cases {
            assert!(kind.check(right).is_ok(), "{kind:?} {right}");
            assert!(kind.check(wrong).is_err(), "{kind:?} {wrong}");
        }
    }
}
