//! Remembers which config changes of one copy the target refused, so that they are not asked for at every look.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::librdkafka::admin::config_changes::ConfigChange;
use crate::retry::Delays;

/// The refused changes of one copy. Another value of the same config is another change, and is tried at once.
#[derive(Default)]
pub struct RefusedConfigs(BTreeMap<ConfigChange, Waiting>);

#[derive(Default)]
struct Waiting {
    delays: Delays,
    again_at: Option<Instant>,
}

impl RefusedConfigs {
    /// Whether one of them is to be tried again by now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.0.values().any(|one| one.again_at <= Some(now))
    }

    /// Whether `change` was refused and is not to be tried again yet.
    pub fn waits(&self, change: &ConfigChange, now: Instant) -> bool {
        let waiting = self.0.get(change);
        waiting.is_some_and(|one| one.again_at > Some(now))
    }

    /// Forgets what is not wanted any more; answers with the configs that it was about, but for those of which another
    /// value is wanted now.
    pub fn retain(&mut self, wanted: &[ConfigChange]) -> Vec<String> {
        let dropped = self.0.extract_if(.., |change, _| !wanted.contains(change));
        let names: Vec<_> = dropped.map(|(change, _)| change.name).collect();
        let settled = |name: &String| !wanted.iter().any(|change| change.name == *name);
        names.into_iter().filter(settled).collect()
    }

    /// Notes that the target refused `change`: it waits longer each time.
    pub fn refuse(&mut self, change: ConfigChange) {
        let waiting = self.0.entry(change).or_default();
        waiting.again_at = Some(Instant::now() + waiting.delays.draw());
    }

    /// Notes that `change` was made.
    pub fn settle(&mut self, change: &ConfigChange) {
        self.0.remove(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, value: &str) -> ConfigChange {
        ConfigChange {
            name: name.to_owned(),
            value: Some(value.to_owned()),
        }
    }

    #[test]
    fn a_refused_value_waits_and_another_one_does_not() {
        let mut refused = RefusedConfigs::default();
        let before = Instant::now();
        refused.refuse(change("retention.ms", "1"));
        assert!(refused.waits(&change("retention.ms", "1"), before));
        assert!(!refused.waits(&change("retention.ms", "2"), before));
        let later = before + std::time::Duration::from_secs(60);
        assert!(!refused.waits(&change("retention.ms", "1"), later));
        assert!(refused.is_due(later) && !refused.is_due(before));
    }

    #[test]
    fn what_is_not_wanted_any_more_is_settled() {
        let mut refused = RefusedConfigs::default();
        refused.refuse(change("a", "1"));
        refused.refuse(change("b", "1"));
        let settled = refused.retain(&[change("b", "2")]);
        assert_eq!(settled, ["a"], "another value of b is still to be tried");
        assert!(!refused.waits(&change("b", "1"), Instant::now()));
    }
}
