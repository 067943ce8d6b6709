//! Does to groups what otherwise only time, failing members and failing brokers do.

use std::time::Instant;

use kafka_protocol::error::ResponseError;

use super::coordinator::Groups;
use super::group::Group;

impl Groups {
    /// Ids of the members, in the order they came; none for a group that is not there.
    pub(crate) fn members(&self, id: &str) -> Vec<String> {
        let members = self.groups.get(id).map(|group| &group.members);
        let members = members.into_iter().flatten();
        members.map(|member| member.id.clone()).collect()
    }

    /// Drops a member as if its session had expired; without one, all of them.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID.
    pub(crate) fn expire(
        &mut self,
        id: &str,
        member: Option<&str>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.provoke(id, |group| {
            if member.is_some_and(|id| group.member(id).is_none()) {
                return Err(ResponseError::UnknownMemberId);
            }
            group.drop_members(|other| member.is_none_or(|id| other.id == id), now);
            Ok(())
        })
    }

    /// Has the members of a group join anew.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND.
    pub(crate) fn force_rebalance(&mut self, id: &str, now: Instant) -> Result<(), ResponseError> {
        self.provoke(id, |group| {
            if !group.is_empty() {
                group.rebalance_or_complete(now);
            }
            Ok(())
        })
    }

    /// Moves a group on to the next generation without its members, who are of an older one from now on.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND.
    pub(crate) fn bump_generation(&mut self, id: &str) -> Result<(), ResponseError> {
        self.provoke(id, |group| {
            group.generation += 1;
            group.revision += 1;
            Ok(())
        })
    }

    /// Ends every wait in a group, since another node coordinates it now: who waits has to ask there.
    pub(crate) fn coordinator_moved(&mut self, id: &str, now: Instant) {
        self.with(id, |group| {
            for member in &mut group.members {
                member.turn_away(ResponseError::NotCoordinator);
                // The new coordinator begins with a session of its own.
                member.heard_of(now);
            }
        });
    }

    fn provoke(
        &mut self,
        id: &str,
        act: impl FnOnce(&mut Group) -> Result<(), ResponseError>,
    ) -> Result<(), ResponseError> {
        self.with(id, act)
            .unwrap_or(Err(ResponseError::GroupIdNotFound))
    }
}
