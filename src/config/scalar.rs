//! Reads single values: what text each kind takes, and what is said about other text.

use std::num::NonZeroU16;

use super::suggest;
use super::yaml::{Node, Text};

/// Why a text is not the value that its key takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Completes "`value` …".
    pub(super) why: String,
    /// What to write instead.
    pub(super) remedy: String,
}

impl Fault {
    pub(super) fn new(why: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            remedy: remedy.into(),
        }
    }
}

/// A value that is written as one word or one text.
pub(super) trait Scalar: Sized {
    /// Completes "is not …".
    const WHAT: &'static str;
    /// Completes "write …".
    const FORM: &'static str;
    /// What the reference says of the value: its kind, with unit and bounds.
    const VALUE: &'static str = Self::WHAT;
    /// Whether `5` and `true` without quotes are handed to `parse` too; otherwise they are refused.
    const UNQUOTED: bool = false;

    /// Reads `text`, or says why not.
    fn parse(text: &str) -> Result<Self, Fault>;
}

/// Reads a node as a scalar; the fault's `why` is a whole clause. `None` was reported before.
pub(super) fn read<T: Scalar>(node: &Node) -> Option<Result<T, Fault>> {
    let text = match node {
        Node::Unresolved => return None,
        Node::Text(text) => text.clone(),
        Node::Number(number) if T::UNQUOTED => Text::visible(number),
        Node::Bool(value) if T::UNQUOTED => Text::visible(value.to_string()),
        other => return Some(Err(wrong_kind::<T>(other))),
    };
    Some(T::parse(&text.value).map_err(|fault| whole_clause::<T>(&text, fault)))
}

fn whole_clause<T: Scalar>(text: &Text, fault: Fault) -> Fault {
    if text.value.is_empty() {
        return Fault::new("is empty", format!("write {}", T::FORM));
    }
    match text.visible {
        true => Fault::new(format!("`{}` {}", text.value, fault.why), fault.remedy),
        // Both parts of the fault may quote the value.
        false => Fault::new(
            format!("the substituted value is not {}", T::WHAT),
            format!("write {}", T::FORM),
        ),
    }
}

fn wrong_kind<T: Scalar>(node: &Node) -> Fault {
    let remedy = match node {
        Node::Number(_) | Node::Bool(_) => "put it in quotes".to_owned(),
        Node::Null => format!("write {}, or remove the key", T::FORM),
        _ => format!("write {}", T::FORM),
    };
    Fault::new(
        format!("must be {}, found {}", T::WHAT, node.kind()),
        remedy,
    )
}

impl Scalar for bool {
    const WHAT: &'static str = "true or false";
    const FORM: &'static str = "`true` or `false`";
    const VALUE: &'static str = Self::FORM;
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse()
            .map_err(|_| Fault::new("is neither true nor false", format!("write {}", Self::FORM)))
    }
}

/// The bound is the wire's: a replication factor is a signed 16-bit number there.
impl Scalar for NonZeroU16 {
    const WHAT: &'static str = "a number from 1 to 32767";
    const FORM: &'static str = "a number such as `3`";
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        let number = text
            .parse()
            .ok()
            .filter(|number: &Self| number.get() <= i16::MAX as u16);
        number.ok_or_else(|| {
            Fault::new(
                format!("is not {}", Self::WHAT),
                format!("write {}", Self::FORM),
            )
        })
    }
}

/// Any text that is not empty.
pub(super) struct NonEmpty(pub(super) String);

impl Scalar for NonEmpty {
    const WHAT: &'static str = "text";
    const FORM: &'static str = "some text";

    fn parse(text: &str) -> Result<Self, Fault> {
        match text.is_empty() {
            true => Err(Fault::new("is empty", format!("write {}", Self::FORM))),
            false => Ok(Self(text.to_owned())),
        }
    }
}

/// One word out of a fixed set.
pub(super) trait Choice: Copy + PartialEq + 'static {
    /// Completes "is not …".
    const WHAT: &'static str;
    /// Completes "write …": every word in back quotes.
    const FORM: &'static str;
    /// Every word and what it stands for.
    const ALL: &'static [(&'static str, Self)];

    /// The word that stands for `self`.
    fn word(self) -> &'static str {
        let entry = Self::ALL.iter().find(|(_, value)| *value == self);
        entry.expect("every variant has its word in ALL").0
    }
}

impl<T: Choice> Scalar for T {
    const WHAT: &'static str = T::WHAT;
    const FORM: &'static str = T::FORM;
    const VALUE: &'static str = T::FORM;

    fn parse(text: &str) -> Result<Self, Fault> {
        let entry = Self::ALL.iter().find(|(word, _)| *word == text);
        entry.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = Self::ALL.iter().map(|(word, _)| *word).collect();
            Fault::new(
                format!("is not {}", <Self as Scalar>::WHAT),
                suggest::remedy(text, &words, "write one of"),
            )
        })
    }
}
