//! Turns YAML text into a tree that keeps duplicate keys, so that they can be reported with everything else.
//!
//! The only file that names `serde_yaml`, which is no longer maintained: it still is the parser with the widest
//! use, and reads nothing here but a file of the operator's own. `serde_norway` is its maintained fork and a drop-in
//! replacement.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::Problem;

/// A value of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `key:` with nothing behind it, or `null`.
    Null,
    Bool(bool),
    /// A number as it reads; keys that take numbers parse it themselves.
    Number(String),
    Text(Text),
    List(Vec<Node>),
    /// In the order of the file, with duplicates.
    Map(Vec<(Node, Node)>),
    /// Held a reference that could not be resolved, which was reported.
    Unresolved,
}

impl Node {
    /// Completes "found …".
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::Null | Node::Unresolved => "nothing",
            Node::Bool(_) => "true or false",
            Node::Number(_) => "a number",
            Node::Text(_) => "text",
            Node::List(_) => "a list",
            Node::Map(_) => "a mapping",
        }
    }
}

/// Text, and whether an error may show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) value: String,
    /// False once a value from the environment or a file went into it.
    pub(super) visible: bool,
}

impl Text {
    pub(super) fn visible(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            visible: true,
        }
    }

    /// The value in back quotes, or a description that says nothing about it.
    pub(super) fn shown(&self) -> String {
        match self.visible {
            true => format!("`{}`", self.value),
            false => "the substituted value".to_owned(),
        }
    }
}

/// Parses one document.
///
/// # Errors
///
/// The first syntax error with its line and column. The parser's message never quotes the text.
pub(super) fn read(text: &str) -> Result<Node, Problem> {
    if text.trim().is_empty() {
        return Ok(Node::Null);
    }
    serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map_or_else(
            || "the file".to_owned(),
            |at| format!("line {}, column {}", at.line(), at.column()),
        );
        let remedy = "correct the indentation, quotes or brackets there";
        Problem::new(&place, format!("not valid YAML ({error})"), remedy)
    })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(Text::visible(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Node {
        Node::Text(Text::visible(value))
    }

    #[test]
    fn duplicate_keys_are_kept() {
        let map = Node::Map(vec![(text("a"), Node::Null), (text("a"), Node::Bool(true))]);
        assert_eq!(read("a:\na: true").unwrap(), map);
    }

    #[test]
    fn off_no_and_times_are_text() {
        let list = ["off", "no", "2026-01-01T00:00:00Z", "5s"]
            .map(text)
            .to_vec();
        assert_eq!(
            read("[off, no, 2026-01-01T00:00:00Z, 5s]").unwrap(),
            Node::List(list)
        );
    }

    #[test]
    fn a_syntax_error_has_a_place_and_no_content() {
        let problem = read("clusters:\n  a: { password: hunter2\nb: 1\n")
            .unwrap_err()
            .to_string();
        assert!(
            problem.starts_with("line 3, column 2: not valid YAML ("),
            "{problem}"
        );
        assert!(!problem.contains("hunter2"), "{problem}");
    }

    #[test]
    fn tags_and_unknown_anchors_are_errors() {
        for bad in ["a: !secret hunter2", "a: *nowhere", "a: 1\n---\nb: 2"] {
            let problem = read(bad).unwrap_err().to_string();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
