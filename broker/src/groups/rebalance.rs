//! Takes a group from one generation to the next: gathers the members, elects leader and strategy, answers the joins.

use std::time::Instant;

use kafka_protocol::error::ResponseError;

use super::group::{Gathering, Group, InitialDelay, State};
use super::member::Stage;
use super::vote;

impl Group {
    /// Reacts to a change of the membership: begins a rebalance, or ends the one under way if all are there.
    pub(super) fn rebalance_or_complete(&mut self, now: Instant) {
        if !matches!(self.state, State::PreparingRebalance(_)) {
            self.start_rebalance(now);
        }
        self.complete_join_if_due(now);
    }

    fn start_rebalance(&mut self, now: Instant) {
        for member in &mut self.members {
            if matches!(member.stage, Stage::Syncing(_)) {
                member.turn_away(ResponseError::RebalanceInProgress);
                member.heard_of(now);
            }
            if !member.is_joining() {
                member.stage = Stage::Idle;
            }
        }
        self.state = State::PreparingRebalance(self.gathering(now));
        self.revision += 1;
    }

    fn gathering(&self, now: Instant) -> Gathering {
        let timeout = self.rebalance_timeout();
        if !self.is_empty() {
            return Gathering {
                closes_at: now + timeout,
                initial: None,
            };
        }
        let delay = self.initial_delay;
        let initial = InitialDelay {
            left: timeout.saturating_sub(delay),
            newcomer: false,
        };
        Gathering {
            closes_at: now + delay,
            initial: Some(initial),
        }
    }

    /// Ends the join when its time is up or, once there was a generation, when nobody is missing.
    pub(super) fn complete_join_if_due(&mut self, now: Instant) {
        let everyone_joined =
            self.expected.is_empty() && self.members.iter().all(|member| member.is_joining());
        let initial_delay = self.initial_delay;
        let State::PreparingRebalance(gathering) = &mut self.state else {
            return;
        };
        let due = gathering.closes_at <= now;
        match &mut gathering.initial {
            Some(initial) if due && initial.newcomer && !initial.left.is_zero() => {
                let more = initial_delay.min(initial.left);
                *initial = InitialDelay {
                    left: initial.left - more,
                    newcomer: false,
                };
                gathering.closes_at = now + more;
            }
            Some(_) if due => self.complete_join(now),
            None if due || everyone_joined => self.complete_join(now),
            _ => {}
        }
    }

    /// Static members keep their place though they did not join: they are away for a restart (KIP-345).
    fn complete_join(&mut self, now: Instant) {
        self.members
            .retain(|member| member.is_joining() || member.is_static());
        if !self.members.is_empty() && !self.elect_leader() {
            let closes_at = now + self.rebalance_timeout();
            self.state = State::PreparingRebalance(Gathering {
                closes_at,
                initial: None,
            });
            return;
        }
        self.begin_generation(now);
    }

    /// Keeps the leader if it joined, else takes the first who did; false if nobody did.
    fn elect_leader(&mut self) -> bool {
        let leader_joined = self
            .members
            .iter()
            .any(|member| member.is_joining() && self.is_leader(&member.id));
        if leader_joined {
            return true;
        }
        let first_joined = self.members.iter().find(|member| member.is_joining());
        self.leader = first_joined.map(|member| member.id.clone());
        self.leader.is_some()
    }

    fn begin_generation(&mut self, now: Instant) {
        self.generation += 1;
        self.revision += 1;
        self.protocol = vote::elect(&self.members);
        if self.members.is_empty() {
            self.leader = None;
            self.state = State::Empty;
            return;
        }
        self.state = State::CompletingRebalance {
            sync_by: now + self.rebalance_timeout(),
        };
        self.answer_joins(now);
    }

    fn answer_joins(&mut self, now: Instant) {
        let ids: Vec<String> = self
            .members
            .iter()
            .map(|member| member.id.clone())
            .collect();
        for id in ids {
            let membership = self.membership_of(&id);
            let Some(member) = self.member_mut(&id) else {
                continue;
            };
            if let Stage::Joining(reply) = std::mem::replace(&mut member.stage, Stage::Joined) {
                let _ = reply.send(Ok(membership));
            }
            member.is_new = false;
            member.heard_of(now);
        }
    }
}
