//! What a key of the file is: its name, how its value is written, its default, and what it means.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::time::Duration;

use super::scalar::{Choice, Scalar};
use super::start::Start;
use super::units::format_duration;

/// One key. The parser reads by it, and the reference is made of it.
pub(super) struct Key<T, D = T> {
    /// As it is written in the file.
    pub(super) name: &'static str,
    /// What counts without the key, or why there is nothing.
    pub(super) default: D,
    /// What its doc comment says.
    meaning: &'static str,
    reads: PhantomData<fn() -> T>,
}

impl<T, D> Key<T, D> {
    pub(super) const fn new(name: &'static str, default: D, meaning: &'static str) -> Self {
        Self {
            name,
            default,
            meaning,
            reads: PhantomData,
        }
    }
}

/// A default of keys without which the file is wrong.
pub(super) struct Required;

/// The default of keys that stand for nothing when they are left out, and how that is called.
pub(super) struct Absent(pub(super) &'static str);

/// How the value of a key is written.
pub(super) trait Value {
    /// Stands in the reference.
    const VALUE: &'static str;
}

impl<T: Scalar> Value for T {
    const VALUE: &'static str = T::VALUE;
}

/// A mapping with keys of its own.
pub(super) struct Section;

impl Value for Section {
    const VALUE: &'static str = "a mapping";
}

/// A list of mappings with the same keys.
pub(super) struct Sections;

impl Value for Sections {
    const VALUE: &'static str = "a list of mappings";
}

/// The name of a cluster of the file.
pub(super) struct ClusterName;

impl Value for ClusterName {
    const VALUE: &'static str = "a name under `clusters`";
}

/// A path of something in PEM.
pub(super) struct PemPath;

impl Value for PemPath {
    const VALUE: &'static str = "a path";
}

/// `host:port`, comma-separated.
pub(super) struct Addresses;

impl Value for Addresses {
    const VALUE: &'static str = "`host:port`, comma-separated";
}

/// A default, as the reference shows it.
pub(super) trait Shown {
    /// A cell of a table.
    fn shown(&self) -> String;
    /// Whether the key's value is a list of what it reads.
    const IS_LIST: bool = false;
}

impl Shown for Required {
    fn shown(&self) -> String {
        "required".to_owned()
    }
}

impl Shown for Absent {
    fn shown(&self) -> String {
        self.0.to_owned()
    }
}

/// Items of a list, each in quotes.
impl Shown for &'static [&'static str] {
    fn shown(&self) -> String {
        let items = self.iter().map(|item| format!("{item:?}"));
        format!("`[{}]`", items.collect::<Vec<_>>().join(", "))
    }

    const IS_LIST: bool = true;
}

/// A text, in quotes.
impl Shown for &'static str {
    fn shown(&self) -> String {
        format!("`{self:?}`")
    }
}

impl<T: Choice> Shown for T {
    fn shown(&self) -> String {
        format!("`{}`", self.word())
    }
}

impl Shown for bool {
    fn shown(&self) -> String {
        format!("`{self}`")
    }
}

impl Shown for NonZeroU8 {
    fn shown(&self) -> String {
        format!("`{self}`")
    }
}

impl Shown for SocketAddr {
    fn shown(&self) -> String {
        format!("`{self}`")
    }
}

impl Shown for Duration {
    fn shown(&self) -> String {
        format!("`{}`", format_duration(*self))
    }
}

impl Shown for Start {
    fn shown(&self) -> String {
        match self {
            Self::Earliest => "`earliest`".to_owned(),
            Self::Latest => "`latest`".to_owned(),
            Self::At(time) => format!("`{}`", humantime::format_rfc3339(*time)),
        }
    }
}

/// A key as the reference tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEntry {
    /// As it is written in the file.
    pub name: &'static str,
    /// How its value is written, with unit and bounds.
    pub value: String,
    /// The value that counts without it, in back quotes, or words where there is none.
    pub default: String,
    /// What its doc comment says, in one line.
    pub meaning: String,
}

impl<T: Value, D: Shown> Key<T, D> {
    pub(super) fn entry(&self) -> KeyEntry {
        let list = if D::IS_LIST { "a list, each " } else { "" };
        let meaning: Vec<_> = self.meaning.split_whitespace().collect();
        KeyEntry {
            name: self.name,
            value: format!("{list}{}", T::VALUE),
            default: self.default.shown(),
            meaning: meaning.join(" "),
        }
    }
}

/// Declares the keys of one mapping as a table whose fields are the keys, and lists them as entries.
macro_rules! mapping {
    (
        $(#[doc = $about:literal])+
        $table:ident: $keys:ident {
            $($(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        pub(super) struct $keys {
            $($(#[doc = $doc])+ pub(super) $key: $kind,)+
        }

        $(#[doc = $about])+
        pub(super) const $table: $keys = $keys {
            $($key: Key::new(stringify!($key), $default, concat!($($doc),+)),)+
        };

        impl $keys {
            fn entries(&self) -> Vec<KeyEntry> {
                vec![$(self.$key.entry()),+]
            }
        }
    };
}
pub(super) use mapping;
