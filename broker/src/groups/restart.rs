//! Brings the groups back from what the journal says happened to them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::group::Group;
use super::journal::Entry;

/// Replays `entries` in order. Sessions begin at `now`; a rebalance that was under way goes on.
pub(super) fn replay(
    entries: Vec<Entry>,
    initial_delay: Duration,
    now: Instant,
) -> BTreeMap<String, Group> {
    let mut loading = Loading {
        groups: BTreeMap::new(),
        initial_delay,
        now,
    };
    for entry in entries {
        loading.apply(entry);
    }
    loading.groups.retain(|_, group| !group.is_blank());
    loading.groups
}

struct Loading {
    groups: BTreeMap<String, Group>,
    initial_delay: Duration,
    now: Instant,
}

impl Loading {
    fn apply(&mut self, entry: Entry) {
        let now = self.now;
        match entry {
            Entry::Group(snapshot) => self.group(&snapshot.group.clone()).restore(snapshot, now),
            Entry::Commit { group, offsets } => {
                let group = self.group(&group);
                offsets
                    .into_iter()
                    .for_each(|commit| group.offsets.put(commit));
            }
            Entry::Forget {
                group,
                topic,
                partition,
            } => self.group(&group).offsets.remove(&topic, partition),
            Entry::ForgetTopic { topic } => {
                for group in self.groups.values_mut() {
                    group.offsets.remove_topic(&topic);
                }
            }
            Entry::Delete { group } => drop(self.groups.remove(&group)),
        }
    }

    fn group(&mut self, id: &str) -> &mut Group {
        self.groups
            .entry(id.to_owned())
            .or_insert_with(|| Group::new(id, self.initial_delay))
    }
}
