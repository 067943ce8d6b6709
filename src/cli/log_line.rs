//! Writes each event as one line: when, how severe, what, and the facts, those of the spans around it included, each once.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::SystemTime;

use console::Style;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;

/// Writes to stderr.
pub(super) struct Lines {
    pub(super) format: LogFormat,
    pub(super) coloured: bool,
}

/// What an event or a span says, in its order. Of two facts of one name the first counts.
#[derive(Debug, Default)]
struct Facts(Vec<(&'static str, Value)>);

impl Facts {
    fn add(&mut self, name: &'static str, value: Value) {
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, value));
        }
    }

    /// Takes the event's own words out.
    fn take_message(&mut self) -> String {
        let at = self.0.iter().position(|(name, _)| *name == "message");
        match at.map(|at| self.0.remove(at).1) {
            Some(Value::String(message)) => message,
            _ => String::new(),
        }
    }
}

impl Visit for Facts {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.add(field.name(), format!("{value:?}").into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut facts = Facts::default();
        attributes.record(&mut facts);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(facts);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(facts) = span.extensions_mut().get_mut::<Facts>()
        {
            values.record(facts);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut facts = Facts::default();
        event.record(&mut facts);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<Facts>() {
                for (name, value) in &around.0 {
                    facts.add(name, value.clone());
                }
            }
        }
        let metadata = event.metadata();
        let line = match self.format {
            LogFormat::Text => text(now(), *metadata.level(), facts, self.coloured),
            LogFormat::Json => json(now(), *metadata.level(), facts, metadata.target()),
        };
        // In one piece, so that threads do not write into each other's lines. Who would be told that it failed?
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// RFC 3339 in UTC, with microseconds.
fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}

fn text(when: String, level: Level, mut facts: Facts, coloured: bool) -> String {
    let faint = Style::new().dim().force_styling(coloured);
    let severe = style(level).force_styling(coloured);
    let message = one_line(&facts.take_message());
    let mut line = format!(
        "{} {} {message}",
        faint.apply_to(when),
        severe.apply_to(format!("{:>5}", level.as_str()))
    );
    for (name, value) in facts.0 {
        let name = faint.apply_to(format!("{name}="));
        // Writing to a string does not fail.
        let _ = match value {
            Value::String(value) if is_word(&value) => write!(line, " {name}{value}"),
            value => write!(line, " {name}{value}"),
        };
    }
    line.push('\n');
    line
}

fn style(level: Level) -> Style {
    match level {
        Level::ERROR => Style::new().red(),
        Level::WARN => Style::new().yellow(),
        Level::INFO => Style::new().green(),
        Level::DEBUG => Style::new().blue(),
        _ => Style::new().magenta(),
    }
}

/// Whether it can stand without quotes, as a name, a number or an address can.
fn is_word(value: &str) -> bool {
    let plain = |character: char| character.is_ascii_graphic() && !"\"'=\\".contains(character);
    !value.is_empty() && value.chars().all(plain)
}

/// Control characters escaped, so that nothing that a broker says looks like a line of its own.
fn one_line(text: &str) -> String {
    let escape = |character: char| match character.is_control() {
        true => character.escape_default().to_string(),
        false => character.to_string(),
    };
    text.chars().map(escape).collect()
}

/// One object, with the facts between message and target.
fn json(when: String, level: Level, mut facts: Facts, target: &str) -> String {
    let mut line = Facts::default();
    line.add("timestamp", when.into());
    line.add("level", level.as_str().into());
    line.add("message", facts.take_message().into());
    for (name, value) in facts.0 {
        line.add(name, value);
    }
    line.add("target", target.into());
    // In this order, which a map of serde_json would not keep.
    let members = line.0.into_iter();
    let members = members.map(|(name, value)| format!("{}:{value}", Value::from(name)));
    format!("{{{}}}\n", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let mut facts = Facts::default();
        facts.add("message", "cluster does\nnot answer".into());
        facts.add("cluster", "paris".into());
        facts.add("reason", "refused; \"check\" it".into());
        facts.add("times", 3.into());
        facts.add("cluster", "of the span around it".into());
        facts
    }

    #[test]
    fn a_line_of_text_is_one_line_with_its_facts_behind() {
        assert_eq!(
            text("now".to_owned(), Level::WARN, facts(), false),
            "now  WARN cluster does\\nnot answer cluster=paris reason=\"refused; \\\"check\\\" it\" times=3\n"
        );
        let coloured = text("now".to_owned(), Level::WARN, facts(), true);
        assert!(
            coloured.contains("\u{1b}[33m WARN\u{1b}[0m"),
            "{coloured:?}"
        );
    }

    #[test]
    fn a_line_of_json_has_its_facts_beside_the_message() {
        let line = json("now".to_owned(), Level::WARN, facts(), "kmirror::control");
        let expected = serde_json::json!({
            "timestamp": "now", "level": "WARN", "message": "cluster does\nnot answer", "cluster": "paris",
            "reason": "refused; \"check\" it", "times": 3, "target": "kmirror::control",
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(
            line.starts_with("{\"timestamp\":\"now\",\"level\":\"WARN\","),
            "{line}"
        );
        assert_eq!(line.lines().count(), 1);
    }
}
