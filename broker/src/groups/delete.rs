//! Forgets groups, and offsets of groups.

use kafka_protocol::error::ResponseError;

use super::coordinator::Groups;
use super::journal::Entry;

impl Groups {
    /// Deletes a group that has no members.
    ///
    /// # Errors
    /// GROUP_ID_NOT_FOUND or NON_EMPTY_GROUP.
    pub(crate) fn delete(&mut self, id: &str) -> Result<(), ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidGroupId);
        }
        let group = self.groups.get(id).ok_or(ResponseError::GroupIdNotFound)?;
        if !group.is_empty() {
            return Err(ResponseError::NonEmptyGroup);
        }
        self.record(&Entry::Delete {
            group: id.to_owned(),
        });
        self.groups.remove(id);
        Ok(())
    }

    /// Deletes the offsets of some partitions (KIP-496): one outcome for each, in their order.
    ///
    /// # Errors
    /// When the group is unknown or has members that are no consumers.
    pub(crate) fn delete_offsets(
        &mut self,
        id: &str,
        partitions: &[(&str, i32)],
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        let group = self.groups.get(id).ok_or(ResponseError::GroupIdNotFound)?;
        let read = group.check_offset_delete()?;
        let mut outcomes = Vec::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            if read.contains(topic) {
                outcomes.push(Err(ResponseError::GroupSubscribedToTopic));
                continue;
            }
            self.forget(id, topic, *partition);
            outcomes.push(Ok(()));
        }
        Ok(outcomes)
    }

    fn forget(&mut self, id: &str, topic: &str, partition: i32) {
        self.record(&Entry::Forget {
            group: id.to_owned(),
            topic: topic.to_owned(),
            partition,
        });
        if let Some(group) = self.groups.get_mut(id) {
            group.offsets.remove(topic, partition);
        }
    }

    /// Forgets the offsets of a topic that was deleted: one of the same name would be another topic.
    pub(crate) fn topic_deleted(&mut self, topic: &str) {
        let mut found = false;
        for group in self.groups.values_mut() {
            found |= group.offsets.remove_topic(topic);
        }
        if found {
            self.record(&Entry::ForgetTopic {
                topic: topic.to_owned(),
            });
        }
    }
}
