//! Forms the answer to one line.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::cluster::AdminError;

/// Why a line was not carried out, in words for whoever wrote it.
#[derive(Debug)]
pub(super) struct Wrong(String);

impl Wrong {
    /// Says what is wrong and, if possible, what to write instead.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl From<AdminError> for Wrong {
    fn from(error: AdminError) -> Self {
        Self(error.to_string())
    }
}

/// What an operation has to tell: the fields of the answer beside `ok`.
pub(super) type Told = Result<Map<String, Value>, Wrong>;

/// Nothing but that it is done.
pub(super) fn done() -> Told {
    Ok(Map::new())
}

/// One field.
pub(super) fn tell(name: &str, value: impl Into<Value>) -> Told {
    Ok(Map::from_iter([(name.to_owned(), value.into())]))
}

/// The line that goes back.
pub(super) fn line(told: Told) -> String {
    let answer = match told {
        Ok(fields) => {
            let mut answer = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
            answer.extend(fields);
            Value::Object(answer)
        }
        Err(wrong) => json!({"ok": false, "error": wrong.to_string()}),
    };
    format!("{answer}\n")
}
