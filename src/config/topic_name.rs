//! Which names a Kafka topic may have, and how the name on the target is made.

use super::heartbeat;
use super::naming::Naming;
use super::scalar::{Fault, Scalar};
use super::suggest;

/// Longest topic name in bytes (`org.apache.kafka.common.internals.Topic`).
pub const MAX_TOPIC_NAME: usize = 249;

/// Why Kafka would refuse a topic name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTopicName {
    /// No character at all.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`MAX_TOPIC_NAME`].
    #[error("the name has {0} characters, and Kafka takes at most {MAX_TOPIC_NAME}")]
    TooLong(usize),
    /// `.` or `..`.
    #[error("Kafka takes neither `.` nor `..` as a name")]
    Dots,
    /// Outside `[a-zA-Z0-9._-]`.
    #[error("the name holds {0:?}, and Kafka takes letters, digits, `.`, `_` and `-` only")]
    Character(char),
}

/// Applies Kafka's rule for topic names: 1 to [`MAX_TOPIC_NAME`] of `[a-zA-Z0-9._-]`, but not `.` or `..`.
///
/// # Errors
///
/// The part of the rule that the name breaks.
pub fn validate_topic_name(name: &str) -> Result<(), InvalidTopicName> {
    if let Some(character) = name
        .chars()
        .find(|character| !is_topic_character(*character))
    {
        return Err(InvalidTopicName::Character(character));
    }
    match name {
        "" => Err(InvalidTopicName::Empty),
        "." | ".." => Err(InvalidTopicName::Dots),
        _ if name.len() > MAX_TOPIC_NAME => Err(InvalidTopicName::TooLong(name.len())),
        _ => Ok(()),
    }
}

pub(super) fn is_topic_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// Literal text with `{source}` and `{topic}`. With `{topic}`, which stands in it once at most, different source topics
/// always have different names on the target; without it, they all have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicTemplate(pub(crate) String);

impl TopicTemplate {
    /// The name of `topic` on the target, where `source` is the name of the source cluster. The result may still
    /// be longer than Kafka allows: see [`validate_topic_name`].
    pub fn render(&self, source: &str, topic: &str) -> String {
        self.0.replace("{source}", source).replace("{topic}", topic)
    }

    /// Whether no other topic, of this source or of another, can have the same name on the target.
    pub fn tells_topics_apart(&self) -> bool {
        self.0.contains("{source}") && self.0.contains("{topic}")
    }

    /// Whether each topic of the source has a copy of its own.
    pub fn keeps_topics_apart(&self) -> bool {
        self.0.contains("{topic}")
    }

    /// The template as it is written in the file.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How the topics of `source` are named.
    pub(super) fn naming(&self, source: &str) -> Naming {
        match self.0.split_once("{topic}") {
            Some((before, behind)) => Naming::Around {
                before: before.replace("{source}", source),
                behind: behind.replace("{source}", source),
            },
            None => Naming::Fixed(self.0.replace("{source}", source)),
        }
    }

    /// Whether the name on the target says in MirrorMaker 2's way which cluster the topic came from.
    pub(super) fn begins_with_source(&self) -> bool {
        self.0.starts_with("{source}.")
    }
}

impl Scalar for TopicTemplate {
    const WHAT: &'static str = "a template for topic names";
    const FORM: &'static str = "a template such as `{source}.{topic}`, `{topic}` or `all.{topic}`";

    fn parse(text: &str) -> Result<Self, Fault> {
        check_placeholders(text)?;
        match text.matches("{topic}").count() {
            0 => check_fixed(text)?,
            1 => {}
            _ => {
                return Err(Fault::new(
                    "has `{topic}` more than once",
                    "write `{topic}` once",
                ));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

/// One name for all topics: Kafka must take it, whatever the source is called, and nobody else may keep it.
fn check_fixed(template: &str) -> Result<(), Fault> {
    let name = template.replace("{source}", "x");
    if let Err(invalid) = validate_topic_name(&name) {
        return Err(Fault::new(
            format!("is no name of a topic: {invalid}"),
            "write another name, or a template with `{topic}`",
        ));
    }
    let kept = name.starts_with("__")
        || name.ends_with(".internal")
        || heartbeat::is_heartbeat_topic(&name);
    match kept {
        true => Err(Fault::new(
            "is a topic that Kafka, MirrorMaker 2 or kmirror keeps for itself",
            "write another name",
        )),
        false => Ok(()),
    }
}

/// Walks over the template; what is left beside `{source}` and `{topic}` must be topic characters.
fn check_placeholders(template: &str) -> Result<(), Fault> {
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        check_literal(&rest[..at])?;
        let placeholder = rest[at..]
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'));
        let (name, behind) = placeholder.ok_or_else(|| {
            Fault::new(
                "has a brace without its counterpart",
                format!("write {}", TopicTemplate::FORM),
            )
        })?;
        if !matches!(name, "source" | "topic") {
            let remedy = suggest::remedy(name, &["source", "topic"], "the placeholders are");
            return Err(Fault::new(
                format!("has the unknown placeholder `{{{name}}}`"),
                remedy,
            ));
        }
        rest = behind;
    }
    check_literal(rest)
}

fn check_literal(text: &str) -> Result<(), Fault> {
    match text
        .chars()
        .find(|character| !is_topic_character(*character))
    {
        None => Ok(()),
        Some(character) => Err(Fault::new(
            format!("holds {character:?}, which no topic name may hold"),
            "write letters, digits, `.`, `_` and `-` around the placeholders",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kafkas_rule_for_topic_names_is_kept() {
        for (name, verdict) in [
            ("orders", Ok(())),
            ("A.b_c-9", Ok(())),
            ("...", Ok(())),
            ("", Err(InvalidTopicName::Empty)),
            (".", Err(InvalidTopicName::Dots)),
            ("..", Err(InvalidTopicName::Dots)),
            ("a b", Err(InvalidTopicName::Character(' '))),
            ("é", Err(InvalidTopicName::Character('é'))),
            ("a/b", Err(InvalidTopicName::Character('/'))),
        ] {
            assert_eq!(validate_topic_name(name), verdict, "{name}");
        }
        assert_eq!(validate_topic_name(&"a".repeat(249)), Ok(()));
        assert_eq!(
            validate_topic_name(&"a".repeat(250)),
            Err(InvalidTopicName::TooLong(250))
        );
    }

    #[test]
    fn a_template_renders_the_name_on_the_target() {
        for (template, name) in [
            ("{source}.{topic}", "paris.orders"),
            ("{topic}", "orders"),
            ("all.{topic}", "all.orders"),
            ("{topic}.{source}-{source}", "orders.paris-paris"),
            ("all", "all"),
            ("all-of-{source}", "all-of-paris"),
        ] {
            assert_eq!(
                TopicTemplate::parse(template)
                    .unwrap()
                    .render("paris", "orders"),
                name
            );
        }
    }

    #[test]
    fn one_name_for_all_is_a_topics_name_that_nobody_else_keeps() {
        let kept = "is a topic that Kafka, MirrorMaker 2 or kmirror keeps for itself";
        let dots = "is no name of a topic: Kafka takes neither `.` nor `..` as a name";
        for (template, why) in [
            ("..", dots),
            ("{source}.heartbeats", kept),
            ("{source}.checkpoints.internal", kept),
            ("__all", kept),
        ] {
            let fault = TopicTemplate::parse(template).unwrap_err();
            assert_eq!(fault.why, why, "{template}");
        }
    }

    #[test]
    fn other_templates_are_refused_with_a_remedy() {
        for (template, why, remedy) in [
            (
                "{topic}{topic}",
                "has `{topic}` more than once",
                "write `{topic}` once",
            ),
            (
                "{sorce}.{topic}",
                "has the unknown placeholder `{sorce}`",
                "did you mean `source`?",
            ),
            (
                "{target}.{topic}",
                "has the unknown placeholder `{target}`",
                "the placeholders are `source`, `topic`",
            ),
            (
                "{source.{topic}",
                "has the unknown placeholder `{source.{topic}`",
                "the placeholders are `source`, `topic`",
            ),
            ("{topic", "has a brace without its counterpart", ""),
            ("}{topic}", "has a brace without its counterpart", ""),
            (
                "a/{topic}",
                "holds '/', which no topic name may hold",
                "write letters, digits, `.`, `_` and `-` around the placeholders",
            ),
        ] {
            let fault = TopicTemplate::parse(template).unwrap_err();
            let form = format!("write {}", TopicTemplate::FORM);
            let remedy = if remedy.is_empty() { &form } else { remedy };
            assert_eq!(
                (fault.why.as_str(), fault.remedy.as_str()),
                (why, remedy),
                "{template}"
            );
        }
    }

    proptest! {
        #[test]
        fn different_topics_have_different_names(
            before in "[a-z.]{0,3}", behind in "[a-z.]{0,3}", one in "[a-z.]{1,6}", other in "[a-z.]{1,6}",
        ) {
            let template = TopicTemplate::parse(&format!("{before}{{topic}}{behind}{{source}}")).unwrap();
            let (first, second) = (template.render("s", &one), template.render("s", &other));
            prop_assert_eq!(one == other, first == second);
        }

        #[test]
        fn a_valid_template_makes_valid_names(
            template in "([a-z.]|\\{source\\}){0,4}x\\{topic\\}([a-z_-]|\\{source\\}){0,4}", topic in "[a-zA-Z0-9._-]{1,60}",
        ) {
            let template = TopicTemplate::parse(&template).unwrap();
            prop_assert_eq!(validate_topic_name(&template.render("paris", &topic)), Ok(()));
        }
    }
}
