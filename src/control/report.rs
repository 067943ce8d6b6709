//! Says what the control loop has found: notices of topics on the board, each once in the log, errors in the metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reason::Kind;
use crate::board::MirrorBoard;
use crate::clusters::TopicId;
use crate::metrics::{Metrics, Stage};
use crate::pipeline;

/// What a notice is about: the newest one about the same thing takes the place of the last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Whether the copy could be made as it is to be.
    Copy,
    /// The copy's partitions.
    Partitions,
    /// The configs of the source topic as a whole.
    SourceConfigs,
    /// Those of the copy.
    CopyConfigs,
    /// One config.
    Config(String),
}

/// The mouth of the loop.
pub struct Report {
    mirror: String,
    board: Arc<MirrorBoard>,
    metrics: Metrics,
    /// What was said of each source topic and still holds.
    notices: BTreeMap<String, BTreeMap<About, String>>,
    /// What was said of the mirror as a whole and still holds, by subject.
    said: BTreeMap<&'static str, String>,
}

impl Report {
    /// Speaks for the mirror that `board` belongs to. What was said of it under an earlier configuration is taken back.
    pub fn new(board: Arc<MirrorBoard>, metrics: Metrics) -> Self {
        board.clear_notices();
        Self {
            mirror: board.name().to_owned(),
            board,
            metrics,
            notices: BTreeMap::new(),
            said: BTreeMap::new(),
        }
    }

    /// Whether this process copies the first partition of `topic`, being the one with this id: of all processes it is then
    /// the one to change the copy.
    pub fn copies(&self, topic: &str, id: Option<&TopicId>) -> bool {
        let board = self.board.find(topic);
        board.is_some_and(|board| board.copies_first(id))
    }

    /// Counts an error of the control loop.
    pub fn count(&self, kind: Kind) {
        self.metrics.error(&self.mirror, Stage::Control, kind);
    }

    /// Tells what an operator should know of a topic that runs, or with `None` that it no longer holds. Logged once per
    /// change.
    pub fn notice(&mut self, names: &pipeline::Plan, about: About, notice: Option<String>) {
        let topic = &names.source_topic;
        let said = self.notices.get(topic).and_then(|all| all.get(&about));
        if said == notice.as_ref() {
            return;
        }
        let all = self.notices.entry(topic.clone()).or_default();
        match notice {
            Some(notice) => {
                tracing::warn!(topic, notice, "the copy does not follow in full");
                all.insert(about, notice);
            }
            None => {
                all.remove(&about);
                tracing::info!(topic, ?about, "the copy follows again");
            }
        }
        let board = self.board.topic(topic, &names.target_topic, &names.group);
        board.set_notices(all.values().cloned().collect());
        if all.is_empty() {
            self.notices.remove(topic);
        }
    }

    /// Tells once what stands in the way of the mirror as a whole in `subject`, or with `None` that nothing does any more.
    pub fn say(&mut self, subject: &'static str, trouble: Option<String>) {
        match trouble {
            Some(reason) if self.said.get(subject) != Some(&reason) => {
                tracing::warn!(subject, reason, "control loop cannot do all of its work");
                self.said.insert(subject, reason);
            }
            Some(_) => {}
            None => {
                if self.said.remove(subject).is_some() {
                    tracing::info!(subject, "control loop does all of its work again");
                }
            }
        }
    }

    /// Forgets topics that are mirrored no longer.
    pub fn retain(&mut self, is_mirrored: impl Fn(&str) -> bool) {
        self.notices.retain(|topic, _| is_mirrored(topic));
    }
}
