//! Asks where partitions begin, and lets those wait alone of which the source does not tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;

use super::beginning::{Answer, Asked, Known, Question};
use super::group::Group;
use super::starting::Assignment;
use super::trouble::stand_still;
use crate::clusters::TopicPartition;
use crate::status::State;

/// How long a partition of which the source did not tell all is left alone before it is asked about again.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What came of asking where partitions begin.
pub struct Beginning {
    assignment: Assignment,
    /// Partitions that were asked about, each with what is known better than by a commit.
    asked: BTreeMap<TopicPartition, Option<Known>>,
    /// Those that wait for what lanes have left in flight, or still send in another member of this process: what their copies
    /// hold until then is not the last word.
    settling: BTreeMap<TopicPartition, Option<Known>>,
    answer: Result<Answer, String>,
}

impl Group {
    /// Asks where partitions begin; [`Group::begin`] gets the answer.
    pub(super) fn observe(
        &mut self,
        assignment: Assignment,
        partitions: BTreeMap<TopicPartition, Option<Known>>,
    ) {
        self.ask(assignment, partitions, Duration::ZERO);
    }

    fn ask(
        &mut self,
        assignment: Assignment,
        partitions: BTreeMap<TopicPartition, Option<Known>>,
        delay: Duration,
    ) {
        let is_settling = |(at, _): &(TopicPartition, _)| {
            self.lanes.is_settling(at) || self.is_held_elsewhere(at)
        };
        let (settling, partitions): (BTreeMap<_, _>, BTreeMap<_, _>) =
            partitions.into_iter().partition(is_settling);
        let topics: BTreeSet<_> = partitions.keys().map(|at| Arc::clone(&at.topic)).collect();
        let topics = topics.into_iter().map(|name| {
            let asked = self.asked(&name);
            (name, asked)
        });
        let question = Question {
            member: Arc::clone(&self.member),
            source: self.context.inspector.clone(),
            target: self.context.target.clone(),
            source_cluster: Arc::clone(&self.context.source),
            target_cluster: Arc::clone(&self.context.target_cluster),
            store: self.context.store.clone(),
            legacy: self.context.legacy.clone(),
            mirror: Arc::clone(&self.context.mirror),
            topics: topics.collect(),
            partitions,
        };
        let beginning = async move {
            tokio::time::sleep(delay).await;
            let answer = match question.partitions.is_empty() {
                true => Ok(Answer::default()),
                false => question.answer().await,
            };
            Beginning {
                assignment,
                asked: question.partitions,
                settling,
                answer,
            }
        };
        self.beginnings.spawn(beginning.in_current_span());
    }

    /// Takes the answer in: partitions of which all is known begin, the others wait.
    pub(super) async fn begin(&mut self, beginning: Beginning) {
        let Beginning {
            assignment,
            asked,
            settling,
            answer,
        } = beginning;
        if !asked.is_empty() {
            self.tell_whether_answered(answer.as_ref().err());
        }
        let mut answer = answer.unwrap_or_else(|reason| {
            let untold = asked.keys().map(|at| (at.clone(), reason.clone()));
            Answer {
                untold: untold.collect(),
                ..Answer::default()
            }
        });
        let told: Vec<_> = answer.observed.iter().map(|(at, _)| at.clone()).collect();
        if !self.assign(assignment, answer.observed).await {
            let reason = "the group is taking partitions back";
            let told = told.into_iter().map(|at| (at, reason.to_owned()));
            answer.untold.extend(told);
        }
        for at in settling.keys() {
            let reason = "what was in flight is neither written nor refused yet".to_owned();
            answer.untold.insert(at.clone(), reason);
        }
        let mut partitions = asked;
        partitions.extend(settling);
        partitions.retain(|at, _| {
            let reason = answer.untold.get(at);
            reason.is_some_and(|reason| self.waits(at, assignment, reason))
        });
        // One that has a place is asked about from where it will have got to by then.
        let here = partitions.extract_if(.., |at, _| self.lanes.place(at).is_some());
        let here = here.map(|(at, _)| at).collect();
        self.restart_after(ASK_AGAIN, here);
        if !partitions.is_empty() {
            self.ask(assignment, partitions, ASK_AGAIN);
        }
    }

    /// Says once when a cluster does not answer, and once when it does again.
    fn tell_whether_answered(&mut self, error: Option<&String>) {
        match (
            error,
            std::mem::replace(&mut self.is_unanswered, error.is_some()),
        ) {
            (Some(error), false) => tracing::warn!(error, "cannot tell where to begin"),
            (None, true) => tracing::warn!("it is known again where to begin"),
            _ => {}
        }
    }

    /// What else to know of a topic.
    fn asked(&self, name: &Arc<str>) -> Asked {
        let topic = self.topic(name);
        Asked {
            names: Arc::clone(&topic.names),
            partitions: topic.partitions,
            last_seen: topic.source_id.clone(),
        }
    }

    /// Says that a partition cannot begin; `false` when it is not ours any more.
    fn waits(&mut self, at: &TopicPartition, assignment: Assignment, reason: &str) -> bool {
        if self.owned.get(at) != Some(&assignment) {
            return false;
        }
        if self.is_held_elsewhere(at) {
            // It hears of its loss within a session timeout, and tells of the partition until then.
            return true;
        }
        let seat = self.seat_of(at);
        let reason = format!("it is not known where to begin: {reason}");
        if self.is_unanswered {
            // Said once for all of them.
            seat.set_standing(State::Paused, Some(reason));
        } else {
            stand_still(at, &seat, State::Paused, reason);
        }
        true
    }
}
