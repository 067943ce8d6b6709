//! The configuration that is to be printed: clusters and mirrors as mappings with comments between their keys.

/// Text that may hold references, which `kmirror` resolves when it reads its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Text(pub(super) Vec<Piece>);

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    /// What stands between `${` and `}`.
    Reference(String),
}

impl Text {
    /// The value of the environment variable `name`.
    pub(super) fn variable(name: String) -> Self {
        Self(vec![Piece::Reference(name)])
    }

    /// Whether a part of it comes from elsewhere.
    pub(super) fn has_reference(&self) -> bool {
        let is_reference = |piece: &Piece| matches!(piece, Piece::Reference(_));
        self.0.iter().any(is_reference)
    }

    /// Whether nothing of it stands in the file itself.
    pub(super) fn is_outside(&self) -> bool {
        let outside = |piece: &Piece| matches!(piece, Piece::Reference(_));
        !self.0.is_empty() && self.0.iter().all(outside)
    }
}

impl From<&str> for Text {
    fn from(literal: &str) -> Self {
        Self(vec![Piece::Literal(literal.to_owned())])
    }
}

/// What stands behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A number, a duration, `true`: written as it is.
    Bare(String),
    Text(Text),
    List(Vec<String>),
    Mapping(Mapping),
}

impl From<&str> for Value {
    fn from(literal: &str) -> Self {
        Self::Text(literal.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bare(value.to_string())
    }
}

/// One line of a mapping, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Something to know.
    Comment(String),
    /// Something that the reader has to decide.
    Decision(String),
    Key(String, Value),
}

/// Keys in the order in which they are printed, with what is to be said of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Mapping(pub(super) Vec<Item>);

impl Mapping {
    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push(Item::Key(key.to_owned(), value.into()));
    }

    pub(super) fn comment(&mut self, text: impl Into<String>) {
        self.0.push(Item::Comment(text.into()));
    }

    pub(super) fn decide(&mut self, text: impl Into<String>) {
        self.0.push(Item::Decision(text.into()));
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find_map(|item| match item {
            Item::Key(name, value) if name == key => Some(value),
            _ => None,
        })
    }

    pub(super) fn get_mapping(&mut self, key: &str) -> Option<&mut Self> {
        self.0.iter_mut().find_map(|item| match item {
            Item::Key(name, Value::Mapping(mapping)) if name == key => Some(mapping),
            _ => None,
        })
    }

    /// Puts `items` in the place of a key; whether it was there.
    pub(super) fn replace(&mut self, key: &str, items: impl IntoIterator<Item = Item>) -> bool {
        let at = self.0.iter().position(|item| match item {
            Item::Key(name, _) => name == key,
            _ => false,
        });
        if let Some(at) = at {
            self.0.splice(at..=at, items);
        }
        at.is_some()
    }

    /// What is left to the reader, here and further inside.
    pub(super) fn decisions(&self) -> Vec<&str> {
        let items = self.0.iter();
        let decisions = items.flat_map(|item| match item {
            Item::Decision(text) => vec![text.as_str()],
            Item::Key(_, Value::Mapping(mapping)) => mapping.decisions(),
            _ => Vec::new(),
        });
        decisions.collect()
    }
}

/// One cluster, by its name.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) keys: Mapping,
}

/// One mirror, with the names of its ends.
#[derive(Debug, Clone)]
pub(super) struct Mirror {
    /// The mirror's own name where the default would not do.
    pub(super) name: Option<String>,
    pub(super) source: String,
    pub(super) target: String,
    pub(super) keys: Mapping,
}

/// The whole configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) clusters: Vec<Cluster>,
    pub(super) mirrors: Vec<Mirror>,
}
