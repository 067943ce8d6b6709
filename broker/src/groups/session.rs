//! Ends what has taken too long: sessions, joins, syncs and ids nobody came back with.

use std::time::Instant;

use super::group::{Group, State};

impl Group {
    /// Applies every deadline that has passed.
    pub(super) fn tick(&mut self, now: Instant) {
        self.expected.retain(|_, until| *until > now);
        self.drop_members(|member| member.deadline().is_some_and(|at| at <= now), now);
        self.complete_join_if_due(now);
        if self.sync_deadline().is_some_and(|at| at <= now) {
            self.drop_members(|member| member.owes_sync(), now);
        }
    }

    /// When [`Group::tick`] has something to do next, should nobody call before.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.members.iter().filter_map(|member| member.deadline());
        let ids = self.expected.values().copied();
        let join = match &self.state {
            State::PreparingRebalance(gathering) => Some(gathering.closes_at),
            _ => None,
        };
        sessions
            .chain(ids)
            .chain(join)
            .chain(self.sync_deadline())
            .min()
    }

    /// Prolongs the session of a member, if there is one of that id.
    pub(super) fn heard_of(&mut self, member_id: &str, now: Instant) {
        if let Some(member) = self.member_mut(member_id)
            && !member.is_new
        {
            member.heard_of(now);
        }
    }

    /// Until when members that joined must have asked for their assignment, if any have not.
    fn sync_deadline(&self) -> Option<Instant> {
        match self.state {
            State::CompletingRebalance { sync_by } | State::Stable { sync_by } => self
                .members
                .iter()
                .any(|member| member.owes_sync())
                .then_some(sync_by),
            State::Empty | State::PreparingRebalance(_) => None,
        }
    }
}
