//! Tells whether an offset of a topic has one counterpart in its copy, where others write the copy, too.

use super::mirror::Mirror;

/// What an offset that a group has committed for a topic is worth on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counterpart {
    /// One offset, and the copy is read by no group of another source.
    Own,
    /// One offset, for this source: another mirror of the file writes into the same copy, and a group of the same name may
    /// read elsewhere on its source.
    Shared,
    /// None: records of the topic come from the target, or reach it on other ways, and stand there in another order.
    Mixed,
}

impl Mirror {
    /// What an offset of `topic` is worth.
    pub fn counterpart(&self, topic: &str) -> Counterpart {
        if self.tells_origin(topic) && self.neighbours.others_carry(topic) {
            return Counterpart::Mixed;
        }
        match self.neighbours.writes_beside(&self.target_name(topic)) {
            true => Counterpart::Shared,
            false => Counterpart::Own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::bad_input_tests::{CLUSTERS, parse_text};

    /// Of `orders` in the first of these mirrors.
    fn of_first(mirrors: &[&str]) -> Counterpart {
        let text = format!("{CLUSTERS}\nmirrors:\n  - {}\n", mirrors.join("\n  - "));
        let mirrors = parse_text(&text).expect("a valid file").mirrors;
        mirrors[0].counterpart("orders")
    }

    #[test]
    fn a_copy_that_others_write_is_shared_and_one_that_goes_round_is_mixed() {
        let (all, kept) = (
            "target_topic: 'all.{topic}'",
            "target_topic: '{topic}', provenance: header",
        );
        let from = |source: &str, target: &str, more: &str| {
            format!("{{ source: {source}, target: {target}, {more} }}")
        };
        let plain = from("paris", "dublin", "topics: [orders]");
        let table = [
            (vec![plain.clone()], Counterpart::Own),
            (vec![plain, from("oslo", "dublin", all)], Counterpart::Own),
            (
                vec![from("paris", "dublin", all), from("oslo", "dublin", all)],
                Counterpart::Shared,
            ),
            (
                vec![
                    from("paris", "dublin", all),
                    from("oslo", "dublin", &format!("topics: [visits], {all}")),
                ],
                Counterpart::Own,
            ),
            (vec![from("paris", "dublin", kept)], Counterpart::Own),
            (
                vec![from("paris", "dublin", kept), from("dublin", "paris", kept)],
                Counterpart::Mixed,
            ),
            (
                vec![
                    from("paris", "dublin", kept),
                    from("oslo", "dublin", kept),
                    from("oslo", "paris", kept),
                ],
                Counterpart::Mixed,
            ),
        ];
        for (mirrors, expected) in table {
            let mirrors: Vec<_> = mirrors.iter().map(String::as_str).collect();
            assert_eq!(of_first(&mirrors), expected, "{mirrors:?}");
        }
    }
}
