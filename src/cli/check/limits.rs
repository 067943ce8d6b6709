//! Compares the largest batch that each source topic takes with what its copy will take.

use super::Problems;
use crate::clusters::configs::ConfigValue;

/// A source topic and its copy, with the largest batch that each takes, in bytes.
pub(super) struct Limits<'a> {
    /// Name on the source.
    pub(super) source_topic: &'a str,
    /// Name on the target.
    pub(super) target_topic: &'a str,
    /// Where it is to be raised: on the source topic, if its copy follows it.
    pub(super) raised_on: &'a str,
    /// `max.message.bytes` in effect on the source; absent when it cannot be read.
    pub(super) source: Option<u64>,
    /// What is, or will be, in effect on the target; absent when it cannot be read.
    pub(super) target: Option<u64>,
}

/// Copies that would refuse what their source has taken.
pub(super) fn problems<'a>(topics: impl IntoIterator<Item = Limits<'a>>) -> Problems {
    let smaller = topics.into_iter().filter_map(|topic| {
        let (source, target) = (topic.source?, topic.target?);
        let Limits {
            source_topic,
            target_topic,
            raised_on,
            ..
        } = topic;
        (target < source).then(|| {
            format!(
                "topic {source_topic} takes batches of {source} bytes and its copy {target_topic} only {target}: a \
                 larger one would stop its partition; set max.message.bytes={source} on {raised_on}"
            )
        })
    });
    smaller.collect()
}

/// The value of `key`, where it is a number.
pub(super) fn number(values: &[ConfigValue], key: &str) -> Option<u64> {
    let value = values.iter().find(|value| value.name == key)?;
    value.value.as_ref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(source: Option<u64>, target: Option<u64>) -> Limits<'static> {
        Limits {
            source_topic: "orders",
            target_topic: "paris.orders",
            raised_on: "paris.orders",
            source,
            target,
        }
    }

    #[test]
    fn only_a_copy_that_takes_less_is_a_problem() {
        let fine = [
            limits(Some(10), Some(10)),
            limits(Some(10), Some(20)),
            limits(None, Some(1)),
            limits(Some(10), None),
        ];
        assert_eq!(problems(fine), Problems::new());
        let smaller = problems([limits(Some(8_000_000), Some(1_048_588))]);
        assert!(smaller[0].ends_with("set max.message.bytes=8000000 on paris.orders"));
    }
}
