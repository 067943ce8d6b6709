//! Keeps secrets out of the printed file: what replaces them, and where their values are to be found.

use regex::Regex;

use super::draft::{Piece, Text};
use super::flows::list;
use super::settings::{Settings, shown};

/// An environment variable that the reader is to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    /// Completes "set it to …".
    pub(super) from: String,
}

/// How a config provider of Kafka finds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Environment,
    Directory,
    /// A properties file, or a class of somebody else.
    Other,
}

/// The providers of a file, and the variables that its secrets became.
pub(super) struct References {
    /// `${provider:path:key}` or `${provider:key}` (`ConfigTransformer.DEFAULT_PATTERN`).
    pattern: Regex,
    providers: Vec<(String, Kind)>,
    variables: Vec<Variable>,
    /// The providers that a translated value referred to.
    used: Vec<String>,
}

impl References {
    /// Knows the providers that `settings` define.
    pub(super) fn new(settings: &Settings) -> Self {
        let defined = settings.first(["config.providers"]);
        let names = defined.as_ref().map(|defined| list(defined.value()));
        let kind = |name: &str| {
            let class = settings.first([format!("config.providers.{name}.class")]);
            let class = class.map(|class| class.value().rsplit('.').next().unwrap_or_default());
            match class {
                Some("EnvVarConfigProvider") => Kind::Environment,
                Some("DirectoryConfigProvider") => Kind::Directory,
                _ => Kind::Other,
            }
        };
        let provider = |name: &str| (name.to_owned(), kind(name));
        Self {
            pattern: Regex::new(r"\$\{([^}:]*):(?:([^}]*?):)?([^}]*?)\}")
                .expect("the pattern is valid"),
            providers: names
                .unwrap_or_default()
                .into_iter()
                .map(provider)
                .collect(),
            variables: Vec::new(),
            used: Vec::new(),
        }
    }

    /// Whether a value is another one once MirrorMaker 2 has asked its providers.
    pub(super) fn holds_any(&self, value: &str) -> bool {
        let mut found = self.pattern.captures_iter(value);
        found.any(|found| self.kind(&found[1]).is_some())
    }

    /// `value` with the references of kmirror in place of Kafka's. A variable that has to take the place of one is named
    /// after `hint`.
    pub(super) fn translate(&mut self, value: &str, hint: &str) -> Text {
        let mut pieces = Vec::new();
        let mut end = 0;
        for found in self.pattern.clone().captures_iter(value) {
            let whole = found.get(0).expect("a match has a whole");
            let path = found.get(2).map_or("", |path| path.as_str());
            let (provider, key) = (&found[1], &found[3]);
            let Some(kind) = self.kind(provider) else {
                continue;
            };
            self.used.push(provider.to_owned());
            if whole.start() > end {
                pieces.push(Piece::Literal(value[end..whole.start()].to_owned()));
            }
            end = whole.end();
            let reference = match kind {
                Kind::Environment if is_variable(key) => key.to_owned(),
                Kind::Directory => format!("file:{path}/{key}"),
                Kind::Environment | Kind::Other => {
                    let key = shown(key);
                    let from = match path {
                        "" => format!("what `{key}` is to the config provider `{provider}`"),
                        path => format!(
                            "what `{key}` is in {} (config provider `{provider}`)",
                            shown(path)
                        ),
                    };
                    self.variable(hint, from)
                }
            };
            pieces.push(Piece::Reference(reference));
        }
        if end < value.len() || value.is_empty() {
            pieces.push(Piece::Literal(value[end..].to_owned()));
        }
        Text(pieces)
    }

    /// What takes the place of a secret: a reference where it was one before, otherwise a variable.
    pub(super) fn secret(&mut self, value: &str, hint: &str, from: String) -> Text {
        // Looked at first, so that no variable is made for a part of a value.
        let bare = self.pattern.replace_all(value, "");
        if bare.is_empty() && self.holds_any(value) {
            let text = self.translate(value, hint);
            if text.is_outside() {
                return text;
            }
        }
        Text::variable(self.variable(hint, from))
    }

    /// The name of a variable for `from`, after `hint`; the same for the same.
    pub(super) fn variable(&mut self, hint: &str, from: String) -> String {
        if let Some(known) = self.variables.iter().find(|known| known.from == from) {
            return known.name.clone();
        }
        let plain = variable_name(hint);
        let taken = |name: &String| self.variables.iter().any(|known| known.name == *name);
        let mut numbered = (2..).map(|number| format!("{plain}_{number}"));
        let name = match taken(&plain) {
            false => plain.clone(),
            true => numbered
                .find(|name| !taken(name))
                .expect("there are more numbers than variables"),
        };
        self.variables.push(Variable {
            name: name.clone(),
            from,
        });
        name
    }

    /// Accounts for the definitions of the providers, once their references have been translated.
    pub(super) fn account(&self, settings: &Settings) {
        let used = |name: &str| self.used.iter().any(|used| used == name);
        let is_carried = |key: &str| match key.strip_prefix("config.providers") {
            Some("") => !self.used.is_empty(),
            Some(rest) => {
                let rest = rest.trim_start_matches('.');
                used(rest.split('.').next().unwrap_or_default())
            }
            None => false,
        };
        for (name, index) in settings.open() {
            if is_carried(&name) {
                settings.at(index).carried();
            }
        }
    }

    /// All variables, in the order in which they were needed.
    pub(super) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    fn kind(&self, provider: &str) -> Option<Kind> {
        let found = self.providers.iter().find(|(name, _)| name == provider);
        found.map(|(_, kind)| *kind)
    }
}

fn is_variable(name: &str) -> bool {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty()
        && name.chars().all(is_part)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// `A-1.sasl.password` as `A_1_SASL_PASSWORD`.
fn variable_name(hint: &str) -> String {
    let part = |character: char| match character.is_ascii_alphanumeric() {
        true => character.to_ascii_uppercase(),
        false => '_',
    };
    let name: String = hint.chars().map(part).collect();
    match is_variable(&name) {
        true => name,
        false => format!("KMIRROR_{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::import::properties;

    fn references() -> References {
        let text = "config.providers = env, dir, file\n\
                    config.providers.env.class = org.apache.kafka.common.config.provider.EnvVarConfigProvider\n\
                    config.providers.dir.class = org.apache.kafka.common.config.provider.DirectoryConfigProvider\n\
                    config.providers.file.class = org.apache.kafka.common.config.provider.FileConfigProvider";
        let entries = properties::read(text).unwrap();
        References::new(&Settings::new("mm2.properties", entries, str::to_owned))
    }

    #[test]
    fn references_become_kmirrors_own() {
        let literal = |text: &str| Piece::Literal(text.to_owned());
        let reference = |text: &str| Piece::Reference(text.to_owned());
        for (value, pieces) in [
            ("plain", vec![literal("plain")]),
            ("", vec![literal("")]),
            ("${env:PW}", vec![reference("PW")]),
            (
                "a-${env::PW}-b",
                vec![literal("a-"), reference("PW"), literal("-b")],
            ),
            (
                "${dir:/run/secrets:pw}",
                vec![reference("file:/run/secrets/pw")],
            ),
            ("${file:/etc/mm2.secrets:pw}", vec![reference("A_PW")]),
            ("${env:not a name}", vec![reference("A_PW")]),
            ("${other:x:y}", vec![literal("${other:x:y}")]),
        ] {
            assert_eq!(
                references().translate(value, "A.pw"),
                Text(pieces),
                "{value}"
            );
        }
    }

    #[test]
    fn a_secret_never_stands_in_the_text() {
        for (value, name) in [
            ("plain", "A_PW"),
            ("${env:PW}", "PW"),
            ("half-${env:PW}", "A_PW"),
            ("${other:x:y}", "A_PW"),
        ] {
            let mut references = references();
            let text = references.secret(value, "A.pw", "the password".into());
            assert_eq!(text, Text::variable(name.to_owned()), "{value}");
            assert_eq!(references.variables().is_empty(), name == "PW", "{value}");
        }
    }

    #[test]
    fn variables_are_named_after_what_they_hold_and_never_twice() {
        let mut references = references();
        for (hint, from, name) in [
            ("A-1.sasl.password", "x", "A_1_SASL_PASSWORD"),
            ("A-1.sasl.password", "x", "A_1_SASL_PASSWORD"),
            ("A_1.sasl.password", "y", "A_1_SASL_PASSWORD_2"),
            ("1.sasl.password", "z", "KMIRROR_1_SASL_PASSWORD"),
        ] {
            assert_eq!(references.variable(hint, from.into()), name);
        }
    }
}
