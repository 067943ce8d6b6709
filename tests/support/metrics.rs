//! What a scrape of `/metrics` says, by name and labels.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// One sample of the Prometheus text format.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    pub samples: Vec<Sample>,
}

impl Metrics {
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines
            .map(|line| sample(line).with_context(|| line.to_owned()))
            .collect::<Result<_>>()?;
        Ok(Self { samples })
    }

    /// The samples of `name` that carry all of `labels`.
    pub fn select(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| {
                    sample
                        .labels
                        .get(*label)
                        .is_some_and(|found| found == value)
                })
        })
    }

    /// Their sum; `None` when there is no such sample.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.select(name, labels)
            .map(|sample| sample.value)
            .reduce(|sum, value| sum + value)
    }
}

/// `name{label="value",…} number`. The labels kmirror writes hold no escaped quotes.
fn sample(line: &str) -> Result<Sample> {
    let (series, value) = line.rsplit_once(' ').context("no value")?;
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}').context("labels not closed")?),
    };
    let labels = labels
        .split("\",")
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (label, value) = pair.split_once("=\"").context("a label without a value")?;
            Ok((label.to_owned(), value.trim_end_matches('"').to_owned()))
        });
    Ok(Sample {
        name: name.to_owned(),
        labels: labels.collect::<Result<_>>()?,
        value: value.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_found_by_name_and_labels() {
        let text = "# HELP lag in records\n# TYPE lag gauge\nlag{topic=\"a,b\",partition=\"0\"} 3\nlag{topic=\"c\",partition=\"0\"} 4\nup 1\n";
        let metrics = Metrics::parse(text).expect("well formed");
        assert_eq!(metrics.sum("lag", &[]), Some(7.0));
        assert_eq!(metrics.sum("lag", &[("topic", "a,b")]), Some(3.0));
        assert_eq!(metrics.sum("up", &[]), Some(1.0));
        assert_eq!(metrics.sum("lag", &[("topic", "x")]), None);
    }
}
