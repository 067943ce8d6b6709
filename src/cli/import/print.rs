//! Prints a draft as YAML.

use super::draft::{Draft, Item, Mapping, Piece, Text, Value};
use super::settings::shown;

/// Longest line of a comment.
const WIDTH: usize = 120;

/// The configuration, with what is to be said of it before and behind.
pub(super) fn whole(draft: &Draft, before: &[String], behind: &[String]) -> String {
    let mut out = Output::default();
    for line in before {
        out.comment(0, line);
    }
    out.draft(draft);
    for line in behind {
        match line.as_str() {
            "" => out.line(0, ""),
            line => out.comment(0, line),
        }
    }
    out.text
}

/// The configuration as far as it can be judged here: without files, and without values from elsewhere.
pub(super) fn without_files(draft: &Draft) -> String {
    let mut draft = draft.clone();
    for cluster in &mut draft.clusters {
        cluster.keys.replace("tls", []);
        for item in &mut cluster.keys.0 {
            settle_item(item);
        }
    }
    let mut out = Output::default();
    out.draft(&draft);
    out.text
}

fn settle_item(item: &mut Item) {
    match item {
        Item::Key(key, Value::Text(text)) if text.has_reference() => {
            let stand_in = match key.as_str() {
                "bootstrap_servers" => "value:9092",
                _ => "value",
            };
            *text = stand_in.into();
        }
        Item::Key(_, Value::Mapping(inner)) => inner.0.iter_mut().for_each(settle_item),
        _ => {}
    }
}

#[derive(Default)]
struct Output {
    text: String,
}

impl Output {
    fn draft(&mut self, draft: &Draft) {
        self.line(0, "clusters:");
        for cluster in &draft.clusters {
            self.line(2, &format!("{}:", name(&cluster.name)));
            self.mapping(4, &cluster.keys);
        }
        self.line(0, "");
        self.line(0, "mirrors:");
        for mirror in &draft.mirrors {
            let first = match &mirror.name {
                Some(own) => {
                    self.line(2, &format!("- name: {}", name(own)));
                    "  "
                }
                None => "- ",
            };
            self.line(2, &format!("{first}source: {}", name(&mirror.source)));
            self.line(4, &format!("target: {}", name(&mirror.target)));
            self.mapping(4, &mirror.keys);
        }
    }

    fn mapping(&mut self, indent: usize, mapping: &Mapping) {
        for item in &mapping.0 {
            match item {
                Item::Comment(text) => self.comment(indent, text),
                Item::Decision(text) => self.comment(indent, &format!("DECIDE: {text}")),
                Item::Key(key, value) => self.key(indent, key, value),
            }
        }
    }

    fn key(&mut self, indent: usize, key: &str, value: &Value) {
        let value = match value {
            Value::Bare(text) => text.clone(),
            Value::Text(text) => quoted(text),
            Value::List(items) => {
                let items = items.iter().map(|item| quoted(&item.as_str().into()));
                format!("[{}]", items.collect::<Vec<_>>().join(", "))
            }
            Value::Mapping(mapping) if has_keys(mapping) => {
                self.line(indent, &format!("{key}:"));
                self.mapping(indent + 2, mapping);
                return;
            }
            Value::Mapping(mapping) => {
                self.mapping(indent, mapping);
                "{}".to_owned()
            }
        };
        self.line(indent, &format!("{key}: {value}"));
    }

    /// A comment, broken into lines between words.
    fn comment(&mut self, indent: usize, text: &str) {
        let mark = "# ";
        let mut line = String::new();
        for word in shown(text).split(' ') {
            let is_full = indent + mark.len() + line.len() + 1 + word.len() > WIDTH;
            if is_full && !line.trim_start().is_empty() {
                self.line(indent, &format!("{mark}{line}"));
                // Lines behind the first of an entry in a list stand under its text.
                line = " ".repeat(if text.starts_with("- ") { 2 } else { 0 });
                line.push_str(word);
                continue;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.line(indent, format!("{mark}{line}").trim_end());
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.text
            .push_str(&" ".repeat(if text.is_empty() { 0 } else { indent }));
        self.text.push_str(text);
        self.text.push('\n');
    }
}

fn has_keys(mapping: &Mapping) -> bool {
    let is_key = |item: &Item| matches!(item, Item::Key(..));
    mapping.0.iter().any(is_key)
}

/// The name of a cluster or mirror: in quotes unless YAML can take it for nothing else.
fn name(name: &str) -> String {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = words.iter().any(|word| name.eq_ignore_ascii_case(word));
    let begins_as_one = name.starts_with(|first: char| first.is_ascii_alphabetic());
    match begins_as_one && !is_word && name.chars().all(is_plain) {
        true => name.to_owned(),
        false => quoted(&name.into()),
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
}

/// In double quotes, with YAML's escapes and kmirror's for the text `${`.
fn quoted(text: &Text) -> String {
    let mut quoted = String::from("\"");
    for piece in &text.0 {
        match piece {
            Piece::Literal(literal) => quoted.push_str(&escaped(&literal.replace("${", "$${"))),
            Piece::Reference(reference) => quoted.push_str(&escaped(&format!("${{{reference}}}"))),
        }
    }
    quoted.push('"');
    quoted
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => escaped.extend(['\\', character]),
            ' '..='~' => escaped.push(character),
            other if u32::from(other) <= 0xffff => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(other)));
            }
            other => escaped.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::path::Path;

    use super::*;
    use crate::config;

    #[test]
    fn texts_are_quoted_and_names_where_they_must_be() {
        for (text, written) in [
            ("a", "\"a\""),
            (r#"a\."b"#, r#""a\\.\"b""#),
            ("é\n😀", "\"\\u00e9\\u000a\\U0001f600\""),
            ("${x}", "\"$${x}\""),
        ] {
            assert_eq!(quoted(&text.into()), written);
        }
        for (text, written) in [
            ("us-west.1", "us-west.1"),
            ("on", "\"on\""),
            ("123", "\"123\""),
            ("-", "\"-\""),
        ] {
            assert_eq!(name(text), written);
        }
    }

    #[test]
    fn a_comment_stays_one_whatever_it_holds() {
        let mut out = Output::default();
        out.comment(2, "a\nb: c\u{85}d");
        assert_eq!(out.text, "  # a\\nb: c\\u{85}d\n");
        let mut out = Output::default();
        out.comment(0, &format!("- {}", "word ".repeat(60).trim_end()));
        for line in out.text.lines() {
            assert!(line.len() <= WIDTH && line.starts_with("# "), "{line}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_it_was(text in "(?s).{1,20}") {
            let yaml = format!(
                "clusters:\n  a: {{ bootstrap_servers: 'a:1', sasl: {{ mechanism: PLAIN, username: {}, password: x }} }}\n  b: {{ bootstrap_servers: 'b:1' }}\nmirrors: [{{ source: a, target: b }}]",
                quoted(&text.as_str().into())
            );
            let config = config::parse(&yaml, &|_| None, Path::new("")).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
            let sasl = config.clusters["a"].sasl.as_ref().map(|sasl| &sasl.username);
            prop_assert_eq!(sasl, Some(&text));
        }
    }
}
