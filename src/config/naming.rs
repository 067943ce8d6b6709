//! Names the copies of one source's topics, and finds the topics behind a copy's name.

use super::name_filter::NameFilter;

/// A template with the source filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Naming {
    /// The topic's own name between two texts.
    Around { before: String, behind: String },
    /// One name for all topics.
    Fixed(String),
}

impl Naming {
    /// The copy's name of `topic`.
    pub(super) fn name(&self, topic: &str) -> String {
        match self {
            Self::Around { before, behind } => format!("{before}{topic}{behind}"),
            Self::Fixed(name) => name.clone(),
        }
    }

    /// The naming of topics that have texts around their name already.
    pub(super) fn around(&self, inner_before: &str, inner_behind: &str) -> Self {
        match self {
            Self::Around { before, behind } => Self::Around {
                before: format!("{before}{inner_before}"),
                behind: format!("{inner_behind}{behind}"),
            },
            Self::Fixed(name) => Self::Fixed(name.clone()),
        }
    }

    /// Whether every topic keeps its name.
    pub(super) fn keeps_names(&self) -> bool {
        matches!(self, Self::Around { before, behind } if before.is_empty() && behind.is_empty())
    }

    /// The one topic whose copy has the name `copy`. `None` where there is none, or where it may be any.
    pub(super) fn topic_of<'n>(&self, copy: &'n str) -> Option<&'n str> {
        match self {
            Self::Fixed(_) => None,
            Self::Around { before, behind } => copy
                .strip_prefix(before.as_str())?
                .strip_suffix(behind.as_str()),
        }
    }

    /// Whether a topic that `topics` selects has a copy of the name `copy`. For a fixed name any topic may.
    pub(super) fn reaches(&self, copy: &str, topics: &NameFilter) -> bool {
        match self {
            Self::Fixed(name) => name == copy,
            Self::Around { .. } => self
                .topic_of(copy)
                .is_some_and(|topic| topics.matches(topic)),
        }
    }

    /// What this naming puts around a name inside of what `outer` does, when it does all of that: the two texts.
    pub(super) fn inside<'n>(&'n self, outer: &Self) -> Option<(&'n str, &'n str)> {
        match (self, outer) {
            (
                Self::Around { before, behind },
                Self::Around {
                    before: outer_before,
                    behind: outer_behind,
                },
            ) => Some((
                before.strip_prefix(outer_before.as_str())?,
                behind.strip_suffix(outer_behind.as_str())?,
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read_mirror::patterns;

    #[test]
    fn a_copy_is_reached_by_the_topics_that_have_its_name() {
        let around = |before: &str, behind: &str| Naming::Around {
            before: before.to_owned(),
            behind: behind.to_owned(),
        };
        let topics = NameFilter {
            include: patterns(&["orders.*"]),
            exclude: patterns(&["orders-old"]),
        };
        for (naming, copy, reached) in [
            (around("all.", ""), "all.orders", true),
            (around("all.", ""), "all.orders-old", false),
            (around("all.", ""), "orders", false),
            (around("all.", ""), "all.", false),
            (around("", "-copy"), "orders-copy", true),
            (around("", ""), "orders", true),
            (Naming::Fixed("all".to_owned()), "all", true),
            (Naming::Fixed("all".to_owned()), "orders", false),
        ] {
            assert_eq!(naming.reaches(copy, &topics), reached, "{naming:?} {copy}");
        }
    }
}
