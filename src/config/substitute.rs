//! Replaces `${NAME}` and `${file:/path}` inside the values of the tree.

use std::path::Path;

use super::error::Problems;
use super::fields::{item_path, key_path};
use super::source;
use super::yaml::{Node, Text};

/// Where values come from, and where it is said that they do not.
pub(super) struct Substitution<'a> {
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
    /// Relative paths begin here.
    pub(super) base: &'a Path,
    pub(super) problems: &'a Problems,
}

/// Why a reference has no value: what is wrong, and the remedy.
type Unresolved = (String, String);

impl Substitution<'_> {
    /// Resolves every value of `node`; keys stay as they are. What cannot be resolved becomes
    /// [`Node::Unresolved`], and is reported under its path.
    pub(super) fn resolve(&self, node: Node, path: &str) -> Node {
        match node {
            Node::Text(text) => self.resolve_text(text, path),
            Node::List(items) => {
                let items = items.into_iter().enumerate();
                Node::List(
                    items
                        .map(|(index, item)| self.resolve(item, &item_path(path, index)))
                        .collect(),
                )
            }
            Node::Map(entries) => Node::Map(
                entries
                    .into_iter()
                    .map(|entry| self.resolve_entry(entry, path))
                    .collect(),
            ),
            other => other,
        }
    }

    fn resolve_entry(&self, (key, value): (Node, Node), path: &str) -> (Node, Node) {
        let path = match &key {
            Node::Text(text) => key_path(path, &text.value),
            _ => path.to_owned(),
        };
        let value = self.resolve(value, &path);
        (key, value)
    }

    fn resolve_text(&self, text: Text, path: &str) -> Node {
        match self.expand(&text.value) {
            Ok(text) => Node::Text(text),
            Err((what, remedy)) => {
                self.problems.add(path, what, remedy);
                Node::Unresolved
            }
        }
    }

    fn expand(&self, template: &str) -> Result<Text, Unresolved> {
        let mut expanded = Text::visible("");
        let mut rest = template;
        while let Some(at) = rest.find('$') {
            expanded.value.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(behind) = rest.strip_prefix("$${") {
                expanded.value.push_str("${");
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix("${") {
                let (reference, behind) = behind.split_once('}').ok_or_else(unclosed)?;
                expanded.value.push_str(&self.look_up(reference)?);
                expanded.visible = false;
                rest = behind;
            } else {
                expanded.value.push('$');
                rest = &rest[1..];
            }
        }
        expanded.value.push_str(rest);
        Ok(expanded)
    }

    fn look_up(&self, reference: &str) -> Result<String, Unresolved> {
        let value = match reference.strip_prefix("file:") {
            Some(path) => self.read(path)?,
            None => self.variable(reference)?,
        };
        if value.contains('\0') {
            return Err((
                "the substituted value holds a NUL byte".into(),
                "remove it".into(),
            ));
        }
        Ok(value)
    }

    fn variable(&self, name: &str) -> Result<String, Unresolved> {
        // A malformed name is not shown: it may be part of a password that happens to hold `${`.
        if !is_variable_name(name) {
            let what = "`${…}` holds no name of an environment variable";
            return Err((
                what.into(),
                "write `${NAME}` or `${file:/path}`, or `$${` for the text `${`".into(),
            ));
        }
        (self.env)(name).ok_or_else(|| {
            let what = format!("environment variable `{name}` is not set");
            (
                what,
                format!("export it, or write `$${{{name}}}` for that text itself"),
            )
        })
    }

    fn read(&self, path: &str) -> Result<String, Unresolved> {
        let content = source::read(&self.base.join(path)).map_err(|error| {
            let what = format!("cannot read file `{path}` ({error})");
            (
                what,
                "create it, make it readable, or correct the path".to_owned(),
            )
        })?;
        Ok(content.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn unclosed() -> Unresolved {
    (
        "`${` has no `}` behind it".into(),
        "close it, or write `$${` for the text `${`".into(),
    )
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn expand(template: &str) -> Result<Text, Unresolved> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("pw"), "from a file\r\n\n").unwrap();
        std::fs::write(directory.path().join("nul"), "a\0b").unwrap();
        std::fs::write(directory.path().join("latin1"), b"\xe9").unwrap();
        let substitution = Substitution {
            env: &|name| (name == "NAME").then(|| "${file:pw}".to_owned()),
            base: directory.path(),
            problems: &Problems::default(),
        };
        substitution.expand(template)
    }

    #[test]
    fn references_are_replaced_once_and_hide_the_value() {
        for (template, value, visible) in [
            ("plain", "plain", true),
            ("orders$", "orders$", true),
            ("$$", "$$", true),
            ("$${NAME}", "${NAME}", true),
            ("$$${NAME}", "$${NAME}", true),
            ("a${NAME}b", "a${file:pw}b", false),
            ("${file:pw}", "from a file", false),
            ("${file:pw}/${NAME}", "from a file/${file:pw}", false),
        ] {
            assert_eq!(
                expand(template),
                Ok(Text {
                    value: value.into(),
                    visible
                }),
                "{template}"
            );
        }
    }

    #[test]
    fn what_cannot_be_resolved_says_why_and_what_to_do() {
        for (template, what) in [
            ("${OTHER}", "environment variable `OTHER` is not set"),
            ("${", "`${` has no `}` behind it"),
            (
                "hunter2${x y}",
                "`${…}` holds no name of an environment variable",
            ),
            ("${}", "`${…}` holds no name of an environment variable"),
            ("${1A}", "`${…}` holds no name of an environment variable"),
            (
                "${NAME:-default}",
                "`${…}` holds no name of an environment variable",
            ),
            (
                "${file:none}",
                "cannot read file `none` (No such file or directory (os error 2))",
            ),
            ("${file:nul}", "the substituted value holds a NUL byte"),
            (
                "${file:latin1}",
                "cannot read file `latin1` (it is not UTF-8 text)",
            ),
        ] {
            assert_eq!(expand(template).unwrap_err().0, what, "{template}");
        }
    }

    proptest! {
        #[test]
        fn escaped_text_stays_itself(text in "[$a{}\\n]{0,20}") {
            let escaped = text.replace("${", "$${");
            prop_assert_eq!(expand(&escaped), Ok(Text::visible(text)));
        }
    }
}
