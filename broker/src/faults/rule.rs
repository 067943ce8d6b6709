//! Lets a test write a rule: matchers that narrow it, then a verb that installs it.

use std::num::NonZeroU32;
use std::time::Duration;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{ApiKey, BrokerId};

use super::action::{Action, Stage};
use super::armed::Armed;
use super::handle::Fault;
use super::matcher::Matcher;
use super::registry::Faults;
use super::turn::Choice;

/// A rule that is being written. Every matcher narrows it; a verb installs it.
///
/// At most one rule acts on a request, the first that was installed; each counts all that match it.
#[derive(Debug, Clone)]
#[must_use = "a rule does nothing before a verb such as `fail` or `drop_after` installs it"]
pub struct Rule {
    faults: Faults,
    matcher: Matcher,
    choice: Choice,
}

/// Matchers.
impl Rule {
    pub(super) fn new(faults: Faults, api: ApiKey) -> Self {
        Self {
            faults,
            matcher: Matcher::all(api),
            choice: Choice::EVERY,
        }
    }

    /// Only requests to this node, counted from 0.
    pub fn node(mut self, node: i32) -> Self {
        self.matcher.node = Some(BrokerId(node));
        self
    }

    /// Only requests that name this topic, by its name or its id. Metadata that asks for all topics names them all.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.matcher.topic = Some(topic.into());
        self
    }

    /// Only requests that name this partition. Metadata names all partitions of its topics.
    pub fn partition(mut self, partition: i32) -> Self {
        self.matcher.partition = Some(partition);
        self
    }

    /// Only requests whose client id fits a pattern, in which `*` stands for anything and `?` for one character.
    pub fn client(mut self, pattern: impl Into<String>) -> Self {
        self.matcher.client = Some(pattern.into());
        self
    }

    /// Only requests that name this group.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.matcher.group = Some(group.into());
        self
    }

    /// Only requests that name this transactional id.
    pub fn transactional_id(mut self, id: impl Into<String>) -> Self {
        self.matcher.transactional_id = Some(id.into());
        self
    }

    /// Only the n-th match, counted from 1; with [`Rule::after`], counted from there.
    pub fn nth(mut self, nth: u64) -> Self {
        self.choice.nth = Some(nth);
        self
    }

    /// Only the first matches; with [`Rule::after`], the first from there.
    pub fn first(mut self, count: u64) -> Self {
        self.choice.first = Some(count);
        self
    }

    /// Not the first matches.
    pub fn after(mut self, count: u64) -> Self {
        self.choice.after = count;
        self
    }

    /// Of the matches otherwise chosen only this share, from 0 to 1, drawn from the cluster's seed and the rule's number.
    pub fn probability(mut self, probability: f64) -> Self {
        self.choice.probability = Some(probability);
        self
    }
}

/// Verbs. Each installs the rule.
impl Rule {
    /// Carries nothing out and answers with an error: for the partitions or the topic that the rule names, while those
    /// beside them in the request are carried out; for all of them when it names none; for the request where the API has
    /// no finer errors. A long poll is answered at once.
    pub fn fail(self, error: ResponseError) -> Fault {
        self.install(Action::Fail(Stage::Before, error))
    }

    /// As [`Rule::fail`], but everything is carried out.
    pub fn fail_after(self, error: ResponseError) -> Fault {
        self.install(Action::Fail(Stage::After, error))
    }

    /// Closes the connection; nothing is carried out.
    pub fn drop_before(self) -> Fault {
        self.install(Action::Drop(Stage::Before))
    }

    /// Carries out the request and closes the connection without an answer.
    pub fn drop_after(self) -> Fault {
        self.install(Action::Drop(Stage::After))
    }

    /// Carries out the request, writes the first half of the bytes of the response, and closes the connection.
    pub fn half_response(self) -> Fault {
        self.install(Action::Half)
    }

    /// Carries out the request and answers with random bytes behind a true length, as many as the response has.
    pub fn garbage(self) -> Fault {
        self.install(Action::Garbage)
    }

    /// Waits before it carries out the request.
    pub fn delay_before(self, time: Duration) -> Fault {
        self.install(Action::Delay(Stage::Before, time))
    }

    /// Carries out the request and waits before it answers.
    pub fn delay_after(self, time: Duration) -> Fault {
        self.install(Action::Delay(Stage::After, time))
    }

    /// Carries out the request and writes the response slowly; 0 is taken for 1.
    pub fn trickle(self, bytes_per_second: u32) -> Fault {
        let rate = NonZeroU32::new(bytes_per_second).unwrap_or(NonZeroU32::MIN);
        self.install(Action::Trickle(rate))
    }

    /// Never answers and carries nothing out. The connection stays open until the client closes it; when the rule is
    /// removed it is closed.
    pub fn hang(self) -> Fault {
        self.install(Action::Hang)
    }

    /// Holds the request until it is released, and then carries it out. One whose client leaves meanwhile is forgotten.
    pub fn hold_before(self) -> Fault {
        self.install(Action::Hold(Stage::Before))
    }

    /// As [`Rule::hold_before`], but what the client sent is carried out on release even if it has gone by then: a write
    /// that a dying process had still in flight. What it sent behind that on the same connection follows.
    pub fn hold_before_even_if_gone(self) -> Fault {
        self.install(Action::HoldEvenIfGone)
    }

    /// Carries out the request, and holds the answer until it is released.
    pub fn hold_after(self) -> Fault {
        self.install(Action::Hold(Stage::After))
    }

    /// Carries out the request and answers at once with this throttle time in the response, to whole milliseconds. The
    /// next request of the connection is only read when it has passed, which is how Kafka enforces a quota (KIP-219).
    pub fn throttle(self, time: Duration) -> Fault {
        self.install(Action::Throttle(time))
    }

    fn install(self, action: Action) -> Fault {
        let Self {
            faults,
            matcher,
            choice,
        } = self;
        faults.install(|id, random| Armed::new(id, matcher, choice, action, random))
    }
}
