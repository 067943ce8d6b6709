//! Takes a request through what fault rules do to it, and into the journal.

use std::sync::Arc;

use super::injected::Injected;
use super::outcome::Outcome;
use super::{Context, Named, Reply};
use crate::faults::{Action, Armed, Seen, Stage};
use crate::journal::Ticket;
use crate::net::delivery::Delivery;
use crate::net::frame::Request;

/// What a connection is to do with a request that was dispatched.
pub(crate) struct Answered {
    /// What becomes of the request.
    pub(crate) reply: Reply,
    /// How the response leaves.
    pub(crate) delivery: Delivery,
    /// The journal's entry.
    pub(crate) ticket: Ticket,
}

/// One request on its way, with the rule that fires on it.
pub(super) struct Call {
    ticket: Ticket,
    rule: Option<Arc<Armed>>,
}

impl Call {
    /// Writes the request down and finds the rule for it.
    pub(super) fn begin(cx: &mut Context, request: &Request, named: Named) -> Self {
        let rule = cx.shared.faults.fire(Seen {
            api: request.api,
            node: cx.node,
            client_id: &request.client_id,
            named: &named,
        });
        let fault = rule.as_ref().map(|rule| rule.id);
        let origin = (cx.node.0, cx.connection);
        let ticket = cx.shared.journal.arrived(request, origin, named, fault);
        cx.injected = Injected::of(rule.as_ref());
        cx.ticket = Some(ticket);
        Self { ticket, rule }
    }

    /// Does what comes before; the answer, when there is nothing left to do.
    pub(super) async fn before(&self, cx: &Context) -> Option<Answered> {
        let rule = self.rule.as_ref()?;
        match rule.action {
            Action::Hang => {
                rule.wait().await;
                Some(self.closed())
            }
            Action::Drop(Stage::Before) => {
                rule.hit();
                Some(self.closed())
            }
            Action::HoldEvenIfGone => {
                cx.outlive_peer();
                rule.wait().await;
                None
            }
            action => {
                pass(rule, action, Stage::Before).await;
                None
            }
        }
    }

    /// Does what comes after, and to the response.
    pub(super) async fn after(&self, cx: &Context, response: &mut impl Outcome) {
        let error = response.first_error();
        cx.shared.journal.outcome(self.ticket, error);
        let Some(rule) = &self.rule else {
            return;
        };
        if let Action::Throttle(time) = rule.action {
            response.throttle(i32::try_from(time.as_millis()).unwrap_or(i32::MAX));
        }
        pass(rule, rule.action, Stage::After).await;
    }

    /// Hands the reply over to the connection.
    pub(super) fn answer(&self, reply: Reply) -> Answered {
        let delivery = self
            .rule
            .as_ref()
            .map_or(Delivery::Whole, |rule| match rule.action {
                Action::Drop(_) => Delivery::Nothing,
                Action::Half => Delivery::Half,
                Action::Garbage => Delivery::Garbage(rule.draw()),
                Action::Trickle(rate) => Delivery::Trickle(rate),
                Action::Throttle(time) => Delivery::Mute(time),
                _ => Delivery::Whole,
            });
        let ticket = self.ticket;
        Answered {
            reply,
            delivery,
            ticket,
        }
    }

    fn closed(&self) -> Answered {
        self.answer(Reply::Close)
    }
}

/// Acts at one stage, if it is that of the action: waits as the rule has it, and counts the hit.
async fn pass(rule: &Armed, action: Action, stage: Stage) {
    if action.stage() != stage {
        return;
    }
    match action {
        Action::Hold(_) => rule.wait().await,
        Action::Delay(_, time) => {
            rule.hit();
            tokio::time::sleep(time).await;
        }
        _ => rule.hit(),
    }
}
