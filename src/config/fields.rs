//! Takes the keys of a mapping one by one, and reports those that nobody took.

use super::error::Problems;
use super::key::{Key, Required, Section};
use super::scalar::{self, Fault, NonEmpty, Scalar};
use super::suggest;
use super::yaml::{Node, Text};

/// `path.key`, or `key` at the top.
pub(super) fn key_path(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

/// `path[index]`.
pub(super) fn item_path(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// One mapping of the file while its keys are taken out. [`Fields::close`] ends it.
#[derive(Debug)]
pub(super) struct Fields<'p> {
    path: String,
    entries: Vec<(String, Node)>,
    known: Vec<&'static str>,
    problems: &'p Problems,
}

impl<'p> Fields<'p> {
    /// Opens `node` as a mapping; `example` is what to write when it is something else.
    pub(super) fn open(
        node: Node,
        path: String,
        example: &str,
        problems: &'p Problems,
    ) -> Option<Self> {
        let entries = match node {
            Node::Map(entries) => entries,
            Node::Unresolved => return None,
            other => {
                let name = if path.is_empty() { "the file" } else { &path };
                let what = format!("must be a mapping, found {}", other.kind());
                problems.add(name, what, format!("write {example}"));
                return None;
            }
        };
        let mut fields = Self {
            path,
            entries: Vec::new(),
            known: Vec::new(),
            problems,
        };
        for (key, value) in entries {
            fields.insert(key, value);
        }
        Some(fields)
    }

    fn insert(&mut self, key: Node, value: Node) {
        let Node::Text(Text { value: key, .. }) = key else {
            let what = format!("has a key that is {}", key.kind());
            self.problems.add(&self.path, what, "put the key in quotes");
            return;
        };
        if self.has(&key) {
            self.fault(&key, "is written twice", "keep one of them");
            return;
        }
        self.entries.push((key, value));
    }

    /// Where the mapping stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The path of `key` in this mapping.
    pub(super) fn path_of(&self, key: &str) -> String {
        key_path(&self.path, key)
    }

    /// Where problems of this mapping are put.
    pub(super) fn problems(&self) -> &'p Problems {
        self.problems
    }

    /// Reports a problem of `key`.
    pub(super) fn fault(&self, key: &str, what: impl AsRef<str>, remedy: impl AsRef<str>) {
        self.problems.add(&self.path_of(key), what, remedy);
    }

    fn fault_at(&self, path: &str, fault: Fault) {
        self.problems.add(path, fault.why, fault.remedy);
    }

    /// The node of `key`, which is known from now on.
    pub(super) fn take<T, D>(&mut self, key: &Key<T, D>) -> Option<Node> {
        self.known.push(key.name);
        let at = self
            .entries
            .iter()
            .position(|(present, _)| present == key.name)?;
        Some(self.entries.remove(at).1)
    }

    /// As `take`, and a problem when it is absent.
    pub(super) fn require<T>(&mut self, key: &Key<T, Required>, example: &str) -> Option<Node> {
        let node = self.take(key);
        if node.is_none() {
            self.fault(key.name, "is missing", format!("write {example}"));
        }
        node
    }

    /// The value of `key`, when present and valid.
    pub(super) fn scalar<T: Scalar, D>(&mut self, key: &Key<T, D>) -> Option<T> {
        let node = self.take(key)?;
        self.read(&node, &self.path_of(key.name))
    }

    /// As `scalar`, and the key's default without it.
    pub(super) fn or_default<T: Scalar + Copy>(&mut self, key: &Key<T>) -> T {
        self.scalar(key).unwrap_or(key.default)
    }

    /// As `scalar`, and a problem when the key is absent.
    pub(super) fn required<T: Scalar>(
        &mut self,
        key: &Key<T, Required>,
        example: &str,
    ) -> Option<T> {
        let node = self.require(key, example)?;
        self.read(&node, &self.path_of(key.name))
    }

    /// As `scalar`; no error shows the value.
    pub(super) fn hidden<T: Scalar, D>(&mut self, key: &Key<T, D>) -> Option<T> {
        let node = self.take(key)?;
        self.read(&hide(node), &self.path_of(key.name))
    }

    /// As `required`; no error shows the value.
    pub(super) fn required_hidden<T: Scalar>(
        &mut self,
        key: &Key<T, Required>,
        example: &str,
    ) -> Option<T> {
        let node = self.require(key, example)?;
        self.read(&hide(node), &self.path_of(key.name))
    }

    /// Text that is not empty, with whether it may be shown.
    pub(super) fn text<T, D>(&mut self, key: &Key<T, D>) -> Option<Text> {
        let node = self.take(key)?;
        self.as_text(node, key.name)
    }

    /// As `text`, and a problem when the key is absent.
    pub(super) fn required_text<T>(
        &mut self,
        key: &Key<T, Required>,
        example: &str,
    ) -> Option<Text> {
        let node = self.require(key, example)?;
        self.as_text(node, key.name)
    }

    fn as_text(&self, node: Node, key: &str) -> Option<Text> {
        let NonEmpty(value) = self.read(&node, &self.path_of(key))?;
        let visible = matches!(node, Node::Text(Text { visible: true, .. }));
        Some(Text { value, visible })
    }

    /// The items of `key`; those that are wrong are reported and left out.
    pub(super) fn list<T: Scalar, D>(&mut self, key: &Key<T, D>) -> Option<Vec<T>> {
        let path = self.path_of(key.name);
        match self.take(key)? {
            Node::List(items) => {
                let items = items.iter().enumerate();
                Some(
                    items
                        .filter_map(|(index, item)| self.read(item, &item_path(&path, index)))
                        .collect(),
                )
            }
            Node::Unresolved => None,
            other => {
                self.problems.add(
                    &path,
                    format!("must be a list, found {}", other.kind()),
                    list_remedy(&other),
                );
                None
            }
        }
    }

    /// The mapping at `key`, when present.
    pub(super) fn section<D>(
        &mut self,
        key: &Key<Section, D>,
        example: &str,
    ) -> Option<Fields<'p>> {
        let node = self.take(key)?;
        Fields::open(node, self.path_of(key.name), example, self.problems)
    }

    /// Whether `key` is present.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(present, _)| present == key)
    }

    /// The entries not taken yet, for mappings whose keys are the operator's own.
    pub(super) fn entries(&self) -> &[(String, Node)] {
        &self.entries
    }

    /// As `entries`, for entries that are mappings or lists.
    pub(super) fn into_entries(self) -> Vec<(String, Node)> {
        self.entries
    }

    /// The value of one of `entries`.
    pub(super) fn read_entry<T: Scalar>(&self, key: &str, node: &Node) -> Option<T> {
        self.read(node, &self.path_of(key))
    }

    /// Reports every key that was not taken.
    pub(super) fn close(self) {
        for (key, _) in &self.entries {
            let (what, remedy) = match key.as_str() {
                "<<" => (
                    "is a YAML merge key, which is not supported",
                    "write the keys out".to_owned(),
                ),
                _ => (
                    "is not a key of this mapping",
                    suggest::remedy(key, &self.known, "its keys are"),
                ),
            };
            self.fault(key, what, remedy);
        }
    }

    fn read<T: Scalar>(&self, node: &Node, path: &str) -> Option<T> {
        match scalar::read(node)? {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault_at(path, fault);
                None
            }
        }
    }
}

fn hide(node: Node) -> Node {
    match node {
        Node::Text(text) => Node::Text(Text {
            visible: false,
            ..text
        }),
        other => other,
    }
}

fn list_remedy(found: &Node) -> String {
    match found {
        Node::Text(text) if text.visible => format!("write [\"{}\"]", text.value),
        Node::Null => "write [], or remove the key".to_owned(),
        _ => "write a list such as [\"a\", \"b\"]".to_owned(),
    }
}
