//! Names what a rule does to a request, and when.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use kafka_protocol::error::ResponseError;

/// What happens to a request that a rule fires on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// An error instead of an outcome.
    Fail(Stage, ResponseError),
    /// The connection is closed.
    Drop(Stage),
    /// It takes longer.
    Delay(Stage, Duration),
    /// It waits until it is released.
    Hold(Stage),
    /// As a hold before, and carried out on release even if the client has gone.
    HoldEvenIfGone,
    /// It is never answered.
    Hang,
    /// The first half of the bytes of the response, then the connection is closed.
    Half,
    /// Other bytes behind a true length, as many as the response has.
    Garbage,
    /// The response at so many bytes per second.
    Trickle(NonZeroU32),
    /// The response with this throttle time in it.
    Throttle(Duration),
}

/// When a rule acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before the request is carried out.
    Before,
    /// When it has been carried out, before the answer goes out.
    After,
}

impl Action {
    /// When it counts as hit: what acts after the request was carried out is no hit before that.
    pub(crate) fn stage(self) -> Stage {
        match self {
            Self::Fail(stage, _)
            | Self::Drop(stage)
            | Self::Delay(stage, _)
            | Self::Hold(stage) => stage,
            Self::HoldEvenIfGone | Self::Hang => Stage::Before,
            Self::Half | Self::Garbage | Self::Trickle(_) | Self::Throttle(_) => Stage::After,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(Stage::Before, error) => write!(out, "fail error={error:?}"),
            Self::Fail(Stage::After, error) => write!(out, "fail_after error={error:?}"),
            Self::Drop(stage) => write!(out, "drop_{stage}"),
            Self::Delay(stage, time) => write!(out, "delay_{stage} ms={}", time.as_millis()),
            Self::Hold(stage) => write!(out, "hold_{stage}"),
            Self::HoldEvenIfGone => write!(out, "hold_before_even_if_gone"),
            Self::Hang => write!(out, "hang"),
            Self::Half => write!(out, "half_response"),
            Self::Garbage => write!(out, "garbage"),
            Self::Trickle(rate) => write!(out, "trickle bytes_per_second={rate}"),
            Self::Throttle(time) => write!(out, "throttle ms={}", time.as_millis()),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}
