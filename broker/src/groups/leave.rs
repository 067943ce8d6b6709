//! Lets members go, one by one or in a batch (KIP-345), and tells the rest of the group.

use std::time::Instant;

use kafka_protocol::error::ResponseError;

use super::group::Group;
use super::member::Member;
use super::request::Leaver;

impl Group {
    /// Handles a LeaveGroup: one outcome per leaver, in their order, and one rebalance for all of them.
    pub(super) fn leave(
        &mut self,
        leavers: &[Leaver<'_>],
        now: Instant,
    ) -> Vec<Result<(), ResponseError>> {
        let outcomes: Vec<_> = leavers.iter().map(|leaver| self.let_go(*leaver)).collect();
        if outcomes.iter().any(Result::is_ok) {
            self.after_departure(now);
        }
        outcomes
    }

    fn let_go(&mut self, leaver: Leaver<'_>) -> Result<(), ResponseError> {
        if leaver.instance_id.is_none() && self.expected.remove(leaver.member_id).is_some() {
            return Ok(());
        }
        let id = match leaver.instance_id {
            Some(instance) if leaver.member_id.is_empty() => self
                .static_member(instance)
                .ok_or(ResponseError::UnknownMemberId)?
                .id
                .clone(),
            instance => {
                self.check_member(leaver.member_id, instance)?;
                leaver.member_id.to_owned()
            }
        };
        self.remove_member(&id);
        Ok(())
    }

    /// Takes a member out without telling the others; [`Group::after_departure`] does that.
    pub(super) fn remove_member(&mut self, id: &str) {
        let Some(at) = self.members.iter().position(|member| member.id == id) else {
            return;
        };
        // Were the client still there after all, it would start over with this error.
        self.members
            .remove(at)
            .turn_away(ResponseError::UnknownMemberId);
        if self.is_leader(id) {
            self.leader = self.members.first().map(|member| member.id.clone());
        }
    }

    /// Shares out anew what the departed held.
    pub(super) fn after_departure(&mut self, now: Instant) {
        if !self.is_empty() {
            self.revision += 1;
            self.rebalance_or_complete(now);
        }
    }

    /// Drops every member that `is_gone`, then tells the others.
    pub(super) fn drop_members(&mut self, is_gone: impl Fn(&Member) -> bool, now: Instant) {
        let gone: Vec<String> = self
            .members
            .iter()
            .filter(|m| is_gone(m))
            .map(|m| m.id.clone())
            .collect();
        for id in &gone {
            self.remove_member(id);
        }
        if !gone.is_empty() {
            self.after_departure(now);
        }
    }
}
