//! Puts the error of a fault rule in the place of an outcome, for exactly what the rule is about.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;

use super::Context;
use crate::faults::{Action, Armed, Stage};

/// What an outcome is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum About<'a> {
    /// The request as a whole.
    Request,
    /// One of its groups.
    Group(&'a str),
    /// One of its transactional ids.
    TransactionalId(&'a str),
    /// One of its topics.
    Topic(&'a str),
    /// One of its partitions.
    Partition(&'a str, i32),
}

/// The error with which a rule answers the request at hand.
#[derive(Debug)]
pub(crate) struct Injected {
    stage: Stage,
    error: ResponseError,
    rule: Arc<Armed>,
}

impl Injected {
    /// The error, if the rule has one.
    pub(super) fn of(rule: Option<&Arc<Armed>>) -> Option<Self> {
        let rule = rule?;
        match rule.action {
            Action::Fail(stage, error) => Some(Self {
                stage,
                error,
                rule: Arc::clone(rule),
            }),
            _ => None,
        }
    }

    fn hits(&self, about: About<'_>) -> bool {
        let matcher = &self.rule.matcher;
        match about {
            About::Request => matcher.is_about_requests(),
            About::Group(group) => matcher.is_about_requests() && matcher.covers_group(group),
            About::TransactionalId(id) => {
                matcher.is_about_requests() && matcher.covers_transactional_id(id)
            }
            About::Topic(topic) => !matcher.is_about_partitions() && matcher.covers_topic(topic),
            About::Partition(topic, index) => matcher.covers(topic, index),
        }
    }
}

impl Context {
    /// The error that a rule has for something before it is carried out, and instead.
    pub(crate) fn refusal(&self, about: About<'_>) -> Option<ResponseError> {
        self.injected_at(Stage::Before, about)
    }

    /// The error that a rule has for something that has been carried out.
    pub(crate) fn denial(&self, about: About<'_>) -> Option<ResponseError> {
        self.injected_at(Stage::After, about)
    }

    fn injected_at(&self, stage: Stage, about: About<'_>) -> Option<ResponseError> {
        let injected = self.injected.as_ref()?;
        (injected.stage == stage && injected.hits(about)).then_some(injected.error)
    }

    /// Whether a rule has an error for something that only looks, so that it is all the same when.
    pub(crate) fn read(&self, about: About<'_>) -> Result<(), ResponseError> {
        self.carry_out(about, || Ok(()))
    }

    /// Carries something out, unless a rule has an error for it; one that comes after takes the place of the outcome.
    pub(crate) fn carry_out<T, E: From<ResponseError>>(
        &self,
        about: About<'_>,
        act: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(error) = self.refusal(about) {
            return Err(error.into());
        }
        let outcome = act();
        match self.denial(about) {
            Some(error) => Err(error.into()),
            None => outcome,
        }
    }
}
