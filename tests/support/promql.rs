//! Which metrics and labels a PromQL expression names.

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Each metric with the labels that select among its series.
    pub metrics: Vec<(String, Vec<String>)>,
    /// Labels of `by`, `on` and the like.
    pub grouping: Vec<String>,
}

const GROUPING: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
const OPERATORS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "atan2"];

/// Reads an expression. Strings and ranges are passed over, so template variables in them do no harm.
pub fn named(expression: &str) -> Named {
    let mut named = Named::default();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' => after_string(rest),
            '[' => after(rest, ']'),
            '0'..='9' => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.'),
            c if is_name(c) => name(rest, &mut named),
            _ => &rest[first.len_utf8()..],
        };
    }
    named
}

fn name<'e>(text: &'e str, named: &mut Named) -> &'e str {
    let (word, rest) = word(text);
    let rest = rest.trim_start();
    if GROUPING.contains(&word) {
        let (labels, rest) = enclosed(rest, '(', ')');
        let labels = labels.split(',').map(|label| label.trim().to_owned());
        named
            .grouping
            .extend(labels.filter(|label| !label.is_empty()));
        return rest;
    }
    // What is called is no metric, be it with its grouping in between (`sum by (…) (…)`), nor is an operator.
    let is_called = rest.starts_with('(') || ["by", "without"].contains(&self::word(rest).0);
    if !is_called && !OPERATORS.contains(&word) {
        let (matchers, behind) = enclosed(rest, '{', '}');
        named.metrics.push((word.to_owned(), labels(matchers)));
        return behind;
    }
    rest
}

/// Labels of `{label="value", …}`.
fn labels(matchers: &str) -> Vec<String> {
    let mut labels = Vec::new();
    let mut rest = matchers;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' => after_string(rest),
            c if is_name(c) => {
                let (label, rest) = word(rest);
                labels.push(label.to_owned());
                rest
            }
            _ => &rest[first.len_utf8()..],
        };
    }
    labels
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || c == ':'
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !is_name(c) && !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// What stands between the brackets, and what behind; nothing when there are none.
fn enclosed(text: &str, open: char, close: char) -> (&str, &str) {
    let Some(inside) = text.strip_prefix(open) else {
        return ("", text);
    };
    let mut rest = inside;
    while let Some(first) = rest.chars().next().filter(|first| *first != close) {
        rest = match first {
            '"' => after_string(rest),
            _ => &rest[first.len_utf8()..],
        };
    }
    (&inside[..inside.len() - rest.len()], after(rest, close))
}

/// None of our strings holds an escaped quote.
fn after_string(text: &str) -> &str {
    after(&text[1..], '"')
}

fn after(text: &str, end: char) -> &str {
    text.split_once(end).map_or("", |(_, behind)| behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_labels_and_grouping_are_told_from_all_else() {
        let expression = r#"sum by (mirror, le) (rate(a:b_total{mirror=~"$m{x}",topic!="y"}[$__i])) * 1e3 > 0.5
            or (up unless on (job) c_seconds offset 10m) or vector(0)"#;
        let named = named(expression);
        let metrics = [
            ("a:b_total", vec!["mirror", "topic"]),
            ("up", vec![]),
            ("c_seconds", vec![]),
        ];
        let seen = named.metrics.iter();
        let seen = seen
            .map(|(metric, labels)| (metric.as_str(), labels.iter().map(String::as_str).collect()));
        assert_eq!(seen.collect::<Vec<(&str, Vec<&str>)>>(), metrics);
        assert_eq!(named.grouping, ["mirror", "le", "job"]);
    }
}
