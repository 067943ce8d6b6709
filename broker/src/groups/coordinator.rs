//! Keeps all groups: finds the group a request is for, and has its changes written down before they are answered.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Instant;

use kafka_protocol::error::ResponseError;
use tokio::sync::oneshot;

use super::answer::{JoinAnswer, SyncAnswer, refuse_join};
use super::group::Group;
use super::journal::{self, Entry, Journal};
use super::offsets::{OffsetCommit, Offsets};
use super::request::{Caller, JoinRequest, Leaver, SyncRequest};
use super::restart;
use super::settings::GroupSettings;

/// All groups of the cluster.
#[derive(Debug)]
pub(crate) struct Groups {
    settings: GroupSettings,
    pub(super) groups: BTreeMap<String, Group>,
    journal: Journal,
    /// Whether no commit can be written for want of space.
    pub(crate) disk_full: bool,
}

impl Groups {
    /// Loads the groups from the data directory, if there is one.
    ///
    /// # Errors
    /// When the journal cannot be read or rewritten, or is damaged anywhere but in its last line.
    pub(crate) fn new(settings: GroupSettings, data_dir: Option<&Path>) -> io::Result<Self> {
        let Some(data_dir) = data_dir else {
            return Ok(Self {
                settings,
                groups: BTreeMap::new(),
                journal: Journal::none(),
                disk_full: false,
            });
        };
        let (entries, journal) = journal::open(data_dir)?;
        let groups = restart::replay(entries, settings.initial_rebalance_delay, Instant::now());
        let mut loaded = Self {
            settings,
            groups,
            journal,
            disk_full: false,
        };
        loaded.compact()?;
        Ok(loaded)
    }

    /// Joins a group. The receiver yields the answer, often only when the other members have joined too.
    pub(crate) fn join(
        &mut self,
        request: JoinRequest,
        now: Instant,
    ) -> oneshot::Receiver<JoinAnswer> {
        let (reply, answer) = oneshot::channel();
        let member_id = request.member_id.clone().unwrap_or_default();
        let bounds = self.settings.min_session_timeout..=self.settings.max_session_timeout;
        if request.group.is_empty() {
            refuse_join(reply, ResponseError::InvalidGroupId, &member_id);
        } else if !bounds.contains(&request.session_timeout) {
            refuse_join(reply, ResponseError::InvalidSessionTimeout, &member_id);
        } else if request.member_id.is_some() && !self.groups.contains_key(&request.group) {
            refuse_join(reply, ResponseError::UnknownMemberId, &member_id);
        } else {
            let id = request.group.clone();
            self.create_if_absent(&id);
            self.with(&id, |group| group.join(request, reply, now));
        }
        answer
    }

    /// Asks for the assignment of the current generation, and brings it when the caller leads.
    pub(crate) fn sync(
        &mut self,
        request: SyncRequest<'_>,
        now: Instant,
    ) -> oneshot::Receiver<SyncAnswer> {
        let (reply, answer) = oneshot::channel();
        let id = request.group;
        if self.groups.contains_key(id) {
            self.with(id, |group| group.sync(request, reply, now));
        } else {
            let _ = reply.send(Err(unknown_to(id)));
        }
        answer
    }

    /// Says that a member is alive.
    ///
    /// # Errors
    /// What the member has to do instead of going on, such as REBALANCE_IN_PROGRESS.
    pub(crate) fn heartbeat(
        &mut self,
        group: &str,
        caller: Caller<'_>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        self.with(group, |group| group.heartbeat(caller, now))
            .unwrap_or_else(|| Err(unknown_to(group)))
    }

    /// Takes members out of a group; one outcome for each of them, in their order.
    ///
    /// # Errors
    /// When the group's name is invalid.
    pub(crate) fn leave(
        &mut self,
        group: &str,
        leavers: &[Leaver<'_>],
        now: Instant,
    ) -> Result<Vec<Result<(), ResponseError>>, ResponseError> {
        if group.is_empty() {
            return Err(ResponseError::InvalidGroupId);
        }
        let outcomes = self.with(group, |group| group.leave(leavers, now));
        Ok(outcomes.unwrap_or_else(|| vec![Err(ResponseError::UnknownMemberId); leavers.len()]))
    }

    /// Commits offsets, all or none. The caller has checked that the partitions exist.
    ///
    /// # Errors
    /// When the caller may not commit now, or NOT_COORDINATOR when the commit could not be written down, which is what
    /// Kafka makes of a KAFKA_STORAGE_ERROR of its offsets topic.
    pub(crate) fn commit(
        &mut self,
        group: &str,
        caller: Caller<'_>,
        commits: Vec<OffsetCommit>,
        now: Instant,
    ) -> Result<(), ResponseError> {
        match self.groups.get(group) {
            Some(group) => group.check_commit(caller)?,
            None if caller.generation.is_none() => {}
            None => return Err(ResponseError::IllegalGeneration),
        }
        let taken = self.take(group, commits);
        self.with(group, |group| group.heard_of(caller.member_id, now));
        taken
    }

    /// Writes offsets down, then holds them.
    pub(super) fn take(
        &mut self,
        group: &str,
        commits: Vec<OffsetCommit>,
    ) -> Result<(), ResponseError> {
        self.create_if_absent(group);
        let entry = Entry::Commit {
            group: group.to_owned(),
            offsets: commits.clone(),
        };
        let written = match self.disk_full {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => self.journal.append(&entry),
        };
        self.with(group, |group| {
            if written.is_ok() {
                commits
                    .into_iter()
                    .for_each(|commit| group.offsets.put(commit));
            }
        });
        written.map_err(|error| {
            tracing::error!(%error, group, "commit not written to the groups journal");
            ResponseError::NotCoordinator
        })
    }

    /// The offsets of a group, if there is such a group.
    pub(crate) fn offsets(&self, group: &str) -> Option<&Offsets> {
        self.groups.get(group).map(|group| &group.offsets)
    }

    /// Expires members and ends rebalances whose time is up.
    pub(crate) fn tick(&mut self, now: Instant) {
        let due = |group: &Group| group.next_deadline().is_some_and(|at| at <= now);
        let ids: Vec<String> = self
            .groups
            .values()
            .filter(|g| due(g))
            .map(|group| group.id.clone())
            .collect();
        for id in ids {
            self.with(&id, |group| group.tick(now));
        }
        if self.journal.wants_compaction()
            && let Err(error) = self.compact()
        {
            tracing::error!(%error, "groups journal not compacted");
        }
    }

    /// Writes nothing to the data directory from now on.
    pub(crate) fn close(&mut self) {
        self.journal = Journal::none();
    }

    fn create_if_absent(&mut self, id: &str) {
        if !self.groups.contains_key(id) {
            self.groups.insert(
                id.to_owned(),
                Group::new(id, self.settings.initial_rebalance_delay),
            );
        }
    }

    /// Runs `act` on a group, writes down what it changed of the membership, and forgets a group that came to nothing.
    pub(super) fn with<T>(&mut self, id: &str, act: impl FnOnce(&mut Group) -> T) -> Option<T> {
        let group = self.groups.get_mut(id)?;
        let before = group.revision;
        let outcome = act(group);
        if group.revision != before {
            let entry = Entry::Group(group.snapshot());
            self.record(&entry);
        }
        if self.groups.get(id).is_some_and(Group::is_blank) {
            self.groups.remove(id);
        }
        Some(outcome)
    }

    /// Writes down what clients can do without: a membership that is lost makes them join again, no more.
    pub(super) fn record(&mut self, entry: &Entry) {
        if let Err(error) = self.journal.append(entry) {
            tracing::error!(%error, "groups journal not written");
        }
    }

    fn compact(&mut self) -> io::Result<()> {
        let entries = self.groups.values().flat_map(Group::entries);
        self.journal.rewrite(entries)
    }
}

/// Why a member of a group that is not there is refused.
fn unknown_to(group: &str) -> ResponseError {
    if group.is_empty() {
        ResponseError::InvalidGroupId
    } else {
        ResponseError::UnknownMemberId
    }
}
