//! Reads the fields of one line, and says what is wrong with them.

use serde_json::{Map, Value};

use super::answer::Wrong;
use super::suggest::hint;

/// A line with the operation it names.
#[derive(Debug)]
pub(super) struct Ask {
    /// The operation.
    pub(super) op: String,
    fields: Map<String, Value>,
}

impl Ask {
    /// Reads a JSON object with an `op`.
    pub(super) fn parse(line: &str) -> Result<Self, Wrong> {
        let usage = "write one JSON object per line, such as {\"op\":\"help\"}";
        let value: Value = serde_json::from_str(line)
            .map_err(|error| Wrong::new(format!("not JSON ({error}); {usage}")))?;
        let Value::Object(mut fields) = value else {
            return Err(Wrong::new(format!("not a JSON object; {usage}")));
        };
        match fields.remove("op") {
            Some(Value::String(op)) => Ok(Self { op, fields }),
            _ => Err(Wrong::new(format!("there is no \"op\"; {usage}"))),
        }
    }

    /// Checks that there are all fields that must be there, and none that nobody reads.
    pub(super) fn check(&self, required: &[&str], optional: &[&str]) -> Result<(), Wrong> {
        let known = || required.iter().chain(optional).copied();
        let list = || known().collect::<Vec<_>>().join(", ");
        if let Some(unknown) = self.fields.keys().find(|key| known().all(|it| it != *key)) {
            let hint = hint(unknown, known());
            let takes = match known().next() {
                Some(_) => format!("it takes {}", list()),
                None => "it takes no fields".to_owned(),
            };
            let message = format!("\"{}\" has no field \"{unknown}\"{hint} ({takes})", self.op);
            return Err(Wrong::new(message));
        }
        match required.iter().find(|key| !self.fields.contains_key(**key)) {
            Some(missing) => {
                let message = format!("\"{}\" needs \"{missing}\" (it takes {})", self.op, list());
                Err(Wrong::new(message))
            }
            None => Ok(()),
        }
    }

    /// A text that must be there.
    pub(super) fn text(&self, key: &str) -> Result<&str, Wrong> {
        self.maybe_text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A text that may be there.
    pub(super) fn maybe_text(&self, key: &str) -> Result<Option<&str>, Wrong> {
        match self.fields.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.misfit(key, "a text", other)),
        }
    }

    /// A whole number that must be there, and fits.
    pub(super) fn number<N: TryFrom<i64>>(&self, key: &str) -> Result<N, Wrong> {
        self.maybe_number(key)?.ok_or_else(|| self.missing(key))
    }

    /// A whole number that may be there.
    pub(super) fn maybe_number<N: TryFrom<i64>>(&self, key: &str) -> Result<Option<N>, Wrong> {
        let Some(value) = self.fields.get(key) else {
            return Ok(None);
        };
        let number = value.as_i64().and_then(|number| N::try_from(number).ok());
        let misfit = || self.misfit(key, "a whole number that fits", value);
        number.map(Some).ok_or_else(misfit)
    }

    /// A share from 0 to 1 that may be there.
    pub(super) fn maybe_share(&self, key: &str) -> Result<Option<f64>, Wrong> {
        let Some(value) = self.fields.get(key) else {
            return Ok(None);
        };
        let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
        let misfit = || self.misfit(key, "a number from 0 to 1", value);
        share.map(Some).ok_or_else(misfit)
    }

    /// Yes or no, which must be there.
    pub(super) fn flag(&self, key: &str) -> Result<bool, Wrong> {
        match self.fields.get(key) {
            None => Err(self.missing(key)),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.misfit(key, "true or false", other)),
        }
    }

    /// An object of texts that may be there.
    pub(super) fn maybe_texts<'a>(&'a self, key: &str) -> Result<Vec<(&'a str, &'a str)>, Wrong> {
        let Some(value) = self.fields.get(key) else {
            return Ok(Vec::new());
        };
        let pairs = value.as_object().map(|texts| {
            let pair = |(key, text): (&'a String, &'a Value)| Some((key.as_str(), text.as_str()?));
            texts.iter().map(pair).collect::<Option<Vec<_>>>()
        });
        let misfit = || self.misfit(key, "an object of texts", value);
        pairs.flatten().ok_or_else(misfit)
    }

    /// Whether a field is there, whatever it holds.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    fn missing(&self, key: &str) -> Wrong {
        Wrong::new(format!("\"{}\" needs \"{key}\" here", self.op))
    }

    fn misfit(&self, key: &str, wanted: &str, value: &Value) -> Wrong {
        let message = format!("\"{key}\" of \"{}\" must be {wanted}, not {value}", self.op);
        Wrong::new(message)
    }
}
