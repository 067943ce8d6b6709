//! Selects names by regular expressions that must match in full.

use regex::Regex;

use super::scalar::{Fault, Scalar};

/// Names that match one of `include` in full and none of `exclude`.
#[derive(Debug, Clone)]
pub struct NameFilter {
    /// Anchored at both ends.
    pub include: Vec<Regex>,
    /// Anchored at both ends; wins.
    pub exclude: Vec<Regex>,
}

/// By the patterns' texts.
impl PartialEq for NameFilter {
    fn eq(&self, other: &Self) -> bool {
        self.differences(other) == (false, false)
    }
}

impl NameFilter {
    /// Whether `name` is selected.
    pub fn matches(&self, name: &str) -> bool {
        self.include.iter().any(|regex| regex.is_match(name))
            && !self.exclude.iter().any(|regex| regex.is_match(name))
    }

    /// Whether what is included is written differently, and what is excluded.
    pub(super) fn differences(&self, other: &Self) -> (bool, bool) {
        let differ = |one: &[Regex], other: &[Regex]| {
            let other = other.iter().map(Regex::as_str);
            !one.iter().map(Regex::as_str).eq(other)
        };
        (
            differ(&self.include, &other.include),
            differ(&self.exclude, &other.exclude),
        )
    }
}

impl Scalar for Regex {
    const WHAT: &'static str = "a regular expression";
    const FORM: &'static str = "a regular expression such as `orders` or `payments-.*`";

    /// Compiles `text` so that it matches whole names only, as MirrorMaker 2 does.
    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new("is empty", format!("write {}", Self::FORM)));
        }
        // Alone first: `a)|(b` is wrong, and must not become right inside the group.
        Self::new(text).map_err(|error| regex_fault(&error))?;
        // On a line of its own, so that a comment under `(?x)` cannot swallow the end of the group.
        Self::new(&anchored(text))
            .or_else(|_| Self::new(&format!("\\A(?:{text}\n)\\z")))
            .map_err(|error| regex_fault(&error))
    }
}

/// `text` between anchors for the whole name.
fn anchored(text: &str) -> String {
    format!("\\A(?:{text})\\z")
}

/// The last line of the library's message is the cause; the lines above draw the pattern.
fn regex_fault(error: &regex::Error) -> Fault {
    let message = error.to_string();
    let cause = message
        .lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    let remedy = match cause {
        _ if cause.contains("look-around") => {
            "write what must not match under the key that excludes"
        }
        _ if cause.contains("repetition operator missing") => "write `.*` for any text",
        _ => "write a regular expression such as `orders` or `payments-.*`",
    };
    Fault::new(format!("is not a regular expression ({cause})"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names_only() {
        for (pattern, name, matches) in [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("orders", "my-orders", false),
            ("a|bc", "bc", true),
            ("a|bc", "abc", false),
            ("(?i)ORDERS", "orders", true),
            ("(?m)^orders$", "x\norders", false),
            ("(?x) orders # all", "orders", true),
            ("^orders$", "orders", true),
        ] {
            assert_eq!(
                Regex::parse(pattern).unwrap().is_match(name),
                matches,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn a_wrong_pattern_is_refused_in_one_line() {
        for (pattern, cause) in [
            ("orders-(", "unclosed group"),
            ("a)|(b", "unopened group"),
            ("*", "repetition operator missing expression"),
            (
                "(?!x).*",
                "look-around, including look-ahead and look-behind, is not supported",
            ),
        ] {
            let fault = Regex::parse(pattern).unwrap_err();
            assert_eq!(
                fault.why,
                format!("is not a regular expression ({cause})"),
                "{pattern}"
            );
        }
    }

    #[test]
    fn exclusion_wins() {
        let parse = |pattern| vec![Regex::parse(pattern).unwrap()];
        let filter = NameFilter {
            include: parse(".*"),
            exclude: parse("__.*"),
        };
        assert!(filter.matches("orders"));
        assert!(!filter.matches("__consumer_offsets"));
    }
}
