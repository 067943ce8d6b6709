//! Wraps a value that must not reach a log, an error or a dump.

use std::fmt;

use super::scalar::{Fault, Scalar};

/// A value that must not reach a log, an error or a dump. It has no `Display`, and its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the client's configuration only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"***\"")
    }
}

impl Scalar for Secret {
    const WHAT: &'static str = "text";
    const FORM: &'static str = "`${NAME}` or `${file:/path}`";

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::new("is empty", format!("write {}", Self::FORM)));
        }
        Ok(Self::new(text))
    }
}
