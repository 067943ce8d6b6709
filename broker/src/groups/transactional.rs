//! Takes the offsets that transactions commit: checked when they come, and held once the transaction is committed.

use kafka_protocol::error::ResponseError;

use super::coordinator::Groups;
use super::offsets::Offsets;
use super::request::Caller;

impl Groups {
    /// Whether offsets may come as part of a transaction. A producer that says nothing of the consumer that it writes for is
    /// trusted: those from before KIP-447 have no way to say it. The group need not exist.
    ///
    /// # Errors
    /// When the consumer it speaks for is no member of the current generation.
    pub(crate) fn check_transactional(
        &self,
        group: &str,
        caller: Caller<'_>,
    ) -> Result<(), ResponseError> {
        let says_nothing = caller.generation.is_none()
            && caller.member_id.is_empty()
            && caller.instance_id.is_none();
        match self.groups.get(group) {
            _ if group.is_empty() => Err(ResponseError::InvalidGroupId),
            _ if says_nothing => Ok(()),
            Some(group) => group.check_caller(caller),
            None if caller.generation.is_none() => Ok(()),
            None => Err(ResponseError::IllegalGeneration),
        }
    }

    /// Holds the offsets of a transaction that was committed, whoever is a member by now.
    ///
    /// # Errors
    /// NOT_COORDINATOR when they could not be written down.
    pub(crate) fn land(&mut self, group: &str, offsets: &Offsets) -> Result<(), ResponseError> {
        if offsets.is_empty() {
            return Ok(());
        }
        self.take(group, offsets.all().flatten().collect())
    }
}
