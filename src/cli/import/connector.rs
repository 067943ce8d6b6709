//! Reads the configuration of one MirrorSourceConnector as Connect has it, and gives its settings the names of a dedicated file.

use serde_json::{Map, Value};

use super::flows::Flow;
use super::properties::Entry;
use super::settings::shown;

/// The class whose settings say what is copied.
const SOURCE_CONNECTOR: &str = "MirrorSourceConnector";

/// Whether these are the settings of a connector, rather than those of MirrorMaker's own process.
pub(super) fn is_connector(entries: &[Entry]) -> bool {
    let has = |key| entries.iter().any(|entry| entry.key == key);
    !has("clusters") && (has("connector.class") || has("source.cluster.alias"))
}

/// Reads JSON as it is put to Connect's REST interface: the settings, or `{"name": …, "config": {…}}`.
pub(super) fn read_json(text: &str) -> Result<Vec<Entry>, String> {
    let wrong = "is not the JSON of a connector";
    let remedy = "write `{\"name\": …, \"config\": {…}}`, or the settings alone";
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("{wrong} ({error}); {remedy}"))?;
    let Value::Object(mut settings) = value else {
        return Err(format!("{wrong}; {remedy}"));
    };
    if let Some(Value::Object(config)) = settings.remove("config") {
        settings.extend(config);
    }
    entries(&settings, text)
}

fn entries(settings: &Map<String, Value>, text: &str) -> Result<Vec<Entry>, String> {
    let entry = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(value) => value.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                let key = shown(key);
                return Err(format!("`{key}` is not one value; write it as text"));
            }
        };
        Ok(Entry {
            key: key.clone(),
            value,
            line: line_of(key, text),
        })
    };
    let entries: Result<Vec<_>, _> = settings.iter().map(entry).collect();
    entries.map(|mut entries| {
        entries.sort_by_key(|entry| entry.line);
        entries
    })
}

/// The first line that holds the key in quotes.
fn line_of(key: &str, text: &str) -> usize {
    let quoted = Value::from(key).to_string();
    let before = text.find(&quoted).unwrap_or_default();
    text[..before].matches('\n').count() + 1
}

/// The flow that the connector makes, or why it makes none.
pub(super) fn flow(entries: &[Entry]) -> Result<Flow, String> {
    let value = |key| {
        let found = entries.iter().rfind(|entry| entry.key == key);
        found.map(|entry| (entry.value.trim(), entry.line))
    };
    if let Some((class, line)) = value("connector.class") {
        let name = class.rsplit('.').next().unwrap_or_default();
        if name != SOURCE_CONNECTOR {
            return Err(format!(
                "{line}: connector.class: is not a {SOURCE_CONNECTOR}; give that one's configuration, with the settings of its companions in it"
            ));
        }
    }
    let (source, _) = value("source.cluster.alias").ok_or(
        "1: source.cluster.alias: is missing; write the name of the source, as it stands in front of topic names",
    )?;
    // MirrorConnectorConfig.TARGET_CLUSTER_ALIAS_DEFAULT
    let (target, _) = value("target.cluster.alias").unwrap_or(("target", 0));
    Ok(Flow::new(source, target))
}

/// The name that a connector's setting has in a dedicated file.
pub(super) fn dedicated_name(key: &str, flow: &Flow) -> String {
    if matches!(key, "source.cluster.alias" | "target.cluster.alias") {
        flow.key(key)
    } else if let Some(name) = key.strip_prefix("source.cluster.") {
        format!("{}.{name}", flow.source)
    } else if let Some(name) = key.strip_prefix("target.cluster.") {
        format!("{}.{name}", flow.target)
    } else {
        flow.key(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_json_are_read_with_their_lines() {
        let nested =
            "{\n\"name\": \"x\",\n\"config\": {\n\"tasks.max\": 4,\n\"topics\": \"a\"\n}\n}";
        let entries = read_json(nested).unwrap();
        let read: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.as_str(), entry.value.as_str(), entry.line))
            .collect();
        assert_eq!(
            read,
            [("name", "x", 2), ("tasks.max", "4", 4), ("topics", "a", 5)]
        );
        let flat = read_json("{\"enabled\": true, \"x\": null}").unwrap();
        assert_eq!(flat.len(), 2);
    }

    #[test]
    fn other_json_is_told_what_to_be() {
        for text in ["[]", "{", "{\"topics\": [\"a\"]}"] {
            assert!(read_json(text).unwrap_err().contains("; write "), "{text}");
        }
    }

    #[test]
    fn settings_get_the_names_of_a_dedicated_file() {
        let flow = Flow::new("A", "B");
        for (key, name) in [
            ("source.cluster.bootstrap.servers", "A.bootstrap.servers"),
            ("target.cluster.security.protocol", "B.security.protocol"),
            (
                "source.consumer.auto.offset.reset",
                "A->B.source.consumer.auto.offset.reset",
            ),
            ("source.cluster.alias", "A->B.source.cluster.alias"),
            ("topics", "A->B.topics"),
        ] {
            assert_eq!(dedicated_name(key, &flow), name);
        }
    }
}
