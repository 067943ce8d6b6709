//! Reads a small text file whole.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes a file may have: far above any configuration or secret, far below what would hurt (`/dev/zero`).
const LIMIT: u64 = 4 * 1024 * 1024;

/// Why a file has no text to give.
#[derive(Debug)]
pub(super) enum Unreadable {
    Io(io::Error),
    TooLarge,
    NotUtf8,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::TooLarge => write!(f, "it is larger than {LIMIT} bytes"),
            Self::NotUtf8 => f.write_str("it is not UTF-8 text"),
        }
    }
}

/// The text of the file at `path`.
pub(super) fn read(path: &Path) -> Result<String, Unreadable> {
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(Unreadable::Io)?.take(LIMIT + 1);
    file.read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Unreadable::TooLarge);
    }
    String::from_utf8(bytes).map_err(|_| Unreadable::NotUtf8)
}
