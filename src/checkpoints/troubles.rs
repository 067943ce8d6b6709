//! Says once what stands in the way of a group's offsets, however many rounds it lasts, and of many groups only how many.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Groups that are named in one round; of more only their number is said.
const NAMED: usize = 5;

/// What stands in the way, by group; without a name, what is said of no group.
type Known = BTreeMap<(Option<Arc<str>>, &'static str), String>;

/// The troubles of this round and of the last.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    last: Known,
    now: Known,
}

/// What there is to say.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    /// Group, where it is one that has the trouble, what and why.
    named: Vec<(Option<Arc<str>>, &'static str, String)>,
    /// Further groups, and what.
    more: BTreeMap<&'static str, usize>,
    /// Whether all has healed.
    has_healed: bool,
}

impl Troubles {
    /// Notes that `what` stands in the way of a group, for this reason.
    pub(super) fn note(&mut self, group: Option<&Arc<str>>, what: &'static str, reason: String) {
        self.now.entry((group.cloned(), what)).or_insert(reason);
    }

    /// Ends a round: says what is new.
    pub(super) fn tell(&mut self) {
        let news = self.news();
        for (group, what, reason) in news.named {
            tracing::warn!(group = group.as_deref(), reason, "{what}");
        }
        for (what, groups) in news.more {
            tracing::warn!(groups, "{what}, of further groups");
        }
        if news.has_healed {
            tracing::info!("the offsets of all groups are followed");
        }
    }

    fn news(&mut self) -> News {
        let mut news = News {
            has_healed: self.now.is_empty() && !self.last.is_empty(),
            ..News::default()
        };
        let new = self.now.iter();
        let new = new.filter(|(key, _)| !self.last.contains_key(*key));
        for ((group, what), reason) in new {
            if news.named.len() < NAMED {
                news.named.push((group.clone(), what, reason.clone()));
            } else {
                *news.more.entry(*what).or_default() += 1;
            }
        }
        self.last = std::mem::take(&mut self.now);
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: &str = "offsets cannot be read";

    fn round(troubles: &mut Troubles, groups: std::ops::Range<usize>) -> News {
        for group in groups {
            let group: Arc<str> = format!("group-{group}").into();
            troubles.note(Some(&group), DENIED, "denied".to_owned());
        }
        troubles.news()
    }

    #[test]
    fn each_trouble_is_said_once_and_its_end() {
        let mut troubles = Troubles::default();
        let news = round(&mut troubles, 0..1);
        let said = (Some("group-0".into()), DENIED, "denied".to_owned());
        assert_eq!(news.named, [said]);
        assert_eq!(round(&mut troubles, 0..1), News::default());
        assert_eq!(round(&mut troubles, 0..2).named.len(), 1);
        assert!(round(&mut troubles, 0..0).has_healed);
        assert!(!round(&mut troubles, 0..0).has_healed);
    }

    #[test]
    fn of_many_groups_only_some_are_named() {
        let mut troubles = Troubles::default();
        let news = round(&mut troubles, 0..100);
        assert_eq!(news.named.len(), NAMED);
        assert_eq!(news.more[DENIED], 100 - NAMED);
    }
}
