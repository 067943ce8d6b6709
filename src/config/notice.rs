//! Says what an operator should know of a file that is valid: which settings have no effect.

use std::fmt;

use super::choices::Provenance;
use super::daemon::Config;
use super::mirror::Mirror;

/// Something that an operator should know and that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The key, such as `mirrors[0].heartbeats`.
    pub path: String,
    /// What to know about it.
    pub text: String,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.text)
    }
}

impl Config {
    /// The settings that have no effect, in the order of the file: because another setting leaves them nothing to do.
    pub fn notices(&self) -> Vec<Notice> {
        let notices = |(index, mirror)| {
            let all = useless_provenance(mirror).into_iter();
            all.map(move |(key, text)| Notice {
                path: format!("mirrors[{index}].{key}"),
                text,
            })
        };
        self.mirrors.iter().enumerate().flat_map(notices).collect()
    }
}

fn useless_provenance(mirror: &Mirror) -> Option<(&'static str, String)> {
    let asked = mirror.provenance == Provenance::Header;
    let useless = asked && mirror.target_topic.begins_with_source();
    useless.then(|| {
        let why = "is of no use here: topics whose names begin with `{source}.` never return home";
        ("provenance", why.to_owned())
    })
}
