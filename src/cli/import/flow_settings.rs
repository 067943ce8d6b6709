//! Looks up the settings of one flow, and reads the kinds of value that they have.

use std::time::Duration;

use super::flows::{Flow, Flows, list};
use super::references::References;
use super::settings::{Setting, Settings, shown};

/// kmirror's intervals are not longer.
const LONGEST: Duration = Duration::from_hours(24);

/// Where a flow's settings are looked for.
pub(super) struct FlowSettings<'s> {
    pub(super) flow: &'s Flow,
    pub(super) settings: &'s Settings,
    pub(super) references: &'s References,
}

impl<'s> FlowSettings<'s> {
    /// The setting of the connectors: `A->B.x` before `x`. Of several names the first counts, as that of a deprecated alias
    /// does only where there is no other.
    pub(super) fn get(&self, names: &[&str]) -> Option<Setting<'s>> {
        let both = |name: &&str| [self.flow.key(name), (*name).to_owned()];
        self.readable(self.settings.first(names.iter().flat_map(both)))
    }

    /// The setting of the consumer that reads the records. The top of the file has none.
    pub(super) fn of_consumer(&self, name: &str) -> Option<Setting<'s>> {
        let source = &self.flow.source;
        self.readable(self.settings.first([
            self.flow.key(&format!("source.consumer.{name}")),
            format!("{source}.consumer.{name}"),
            self.flow.key(&format!("consumer.{name}")),
        ]))
    }

    /// The setting of the producer that writes the records: Connect's own, which `A->B.producer.x` does not reach.
    pub(super) fn of_producer(&self, name: &str) -> Option<Setting<'s>> {
        let target = &self.flow.target;
        self.readable(self.settings.first([
            self.flow.key(&format!("producer.override.{name}")),
            format!("{target}.producer.{name}"),
        ]))
    }

    /// The setting that names the topic with the progress: of the workers that write to the target, or of the connector.
    pub(super) fn progress_topic(&self, flows: &Flows) -> Option<Setting<'s>> {
        let names = match flows.is_dedicated {
            true => [
                "offset.storage.topic".to_owned(),
                format!("{}.offset.storage.topic", self.flow.target),
            ],
            false => {
                ["offsets", "offset"].map(|word| self.flow.key(&format!("{word}.storage.topic")))
            }
        };
        self.readable(self.settings.first(names))
    }

    /// A switch, or what MirrorMaker 2 takes it for where it is not set.
    pub(super) fn switch(&self, name: &str, default: bool) -> Switch<'s> {
        let setting = self.get(&[name]);
        let value = setting.as_ref().map(|setting| {
            let value = setting.value().to_lowercase();
            if !matches!(value.as_str(), "true" | "false") {
                setting.wrong("is neither true nor false", "write `true` or `false`");
            }
            value == "true"
        });
        Switch {
            is_on: value.unwrap_or(default),
            setting,
        }
    }

    /// An interval in whole seconds; `None` where it is not set, is wrong, or is negative, by which MirrorMaker 2 is told to
    /// leave something off.
    pub(super) fn interval(&self, name: &str) -> Option<Interval<'s>> {
        let setting = self.get(&[name])?;
        match setting.value().parse::<i64>() {
            Ok(seconds) if seconds < 0 => {
                setting.left("a negative interval turns it off, which kmirror has no key for");
                None
            }
            Ok(seconds) if seconds > 0 => {
                let length = Duration::from_secs(seconds.unsigned_abs()).min(LONGEST);
                Some(Interval { setting, length })
            }
            _ => {
                let remedy = "write a whole number of seconds from 1";
                setting.wrong("is no interval in seconds", remedy);
                None
            }
        }
    }

    /// The patterns of a list, each of which matches names in full. `None` when one of them is none of kmirror's.
    pub(super) fn patterns(&self, setting: &Setting<'_>) -> Option<Vec<String>> {
        let patterns = list(setting.value());
        let mut sound = true;
        for pattern in &patterns {
            if let Err(error) = regex::Regex::new(&format!("\\A(?:{pattern})\\z")) {
                sound = false;
                tell(setting, pattern, &error);
            }
        }
        sound.then(|| patterns.into_iter().map(str::to_owned).collect())
    }

    /// What only MirrorMaker 2 can read is told.
    fn readable(&self, setting: Option<Setting<'s>>) -> Option<Setting<'s>> {
        let setting = setting?;
        if self.references.holds_any(setting.value()) {
            let what = "has its value from a config provider, which is not asked here";
            setting.wrong(what, "write the value itself into a copy of the file");
            return None;
        }
        Some(setting)
    }
}

/// A setting that is true or false.
pub(super) struct Switch<'s> {
    pub(super) setting: Option<Setting<'s>>,
    pub(super) is_on: bool,
}

impl Switch<'_> {
    /// The setting is carried over, unless kmirror does anyway what it says.
    pub(super) fn settled(&self, is_default: bool) {
        if let Some(setting) = &self.setting {
            setting.settled(is_default);
        }
    }
}

/// A setting that is a number of seconds, no more than kmirror takes.
pub(super) struct Interval<'s> {
    pub(super) setting: Setting<'s>,
    pub(super) length: Duration,
}

fn tell(setting: &Setting<'_>, pattern: &str, error: &regex::Error) {
    let message = error.to_string();
    let cause = message.lines().last().unwrap_or_default();
    let cause = cause.trim_start_matches("error: ");
    let remedy = match cause {
        _ if cause.contains("look-around") => {
            "name what is to be left out in `topics.exclude` or `groups.exclude` of a copy of the file"
        }
        _ => "write it in the syntax of Rust's `regex`, in a copy of the file",
    };
    let what = format!(
        "`{}` is not a regular expression that kmirror reads ({cause})",
        shown(pattern)
    );
    setting.wrong(what, remedy);
}

/// An interval as kmirror's file has it.
pub(super) fn written(length: Duration) -> String {
    match length.as_secs() {
        seconds if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}
