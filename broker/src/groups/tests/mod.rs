//! Tests the groups on a clock that moves only when a test says so.

mod commits;
mod deletes;
mod expiry;
mod joins;
mod leaves;
mod restarts;
mod static_members;
mod syncs;
mod votes;

use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::TryRecvError;

use super::answer::{JoinAnswer, Joined, SyncAnswer};
use super::coordinator::Groups;
use super::describe::GroupDescription;
use super::member::Protocol;
use super::offsets::{CommittedOffset, OffsetCommit};
use super::request::{Caller, JoinRequest, Leaver, SyncRequest};
use super::settings::GroupSettings;

const GROUP: &str = "g";
const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(60);

/// All groups, and the time it is.
struct Room {
    groups: Groups,
    now: Instant,
}

impl Room {
    fn new() -> Self {
        Self::with(GroupSettings::default())
    }

    fn with(settings: GroupSettings) -> Self {
        let groups = Groups::new(settings, None).expect("no file is involved");
        Self {
            groups,
            now: Instant::now(),
        }
    }

    /// Lets time pass and applies what fell due.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.groups.tick(self.now);
    }

    fn join(&mut self, request: JoinRequest) -> Receiver<JoinAnswer> {
        self.groups.join(request, self.now)
    }

    fn sync(
        &mut self,
        joined: &Joined,
        assignments: &[(&str, &'static str)],
    ) -> Receiver<SyncAnswer> {
        let bytes = |(id, text): &(&str, &'static str)| {
            ((*id).to_owned(), Bytes::from_static(text.as_bytes()))
        };
        let request = SyncRequest {
            group: GROUP,
            caller: caller(joined),
            protocol_type: None,
            protocol: None,
            assignments: assignments.iter().map(bytes).collect(),
        };
        self.groups.sync(request, self.now)
    }

    fn beat(&mut self, joined: &Joined) -> Result<(), ResponseError> {
        self.groups.heartbeat(GROUP, caller(joined), self.now)
    }

    fn leave(&mut self, member_id: &str, instance_id: Option<&str>) -> Result<(), ResponseError> {
        let leaver = Leaver {
            member_id,
            instance_id,
        };
        self.groups
            .leave(GROUP, &[leaver], self.now)
            .expect("the name is valid")[0]
    }

    fn commit(&mut self, caller: Caller<'_>, offset: i64) -> Result<(), ResponseError> {
        self.groups
            .commit(GROUP, caller, vec![position("t", 0, offset)], self.now)
    }

    fn describe(&self) -> GroupDescription {
        self.groups.describe(GROUP).expect("the group exists")
    }

    fn state(&self) -> &'static str {
        self.groups
            .describe(GROUP)
            .map_or("Dead", |group| group.state)
    }

    /// Members of one new generation, in the order of `requests`: the first leads.
    fn gather(&mut self, requests: &[JoinRequest]) -> Vec<Joined> {
        let mut joined: Vec<Joined> = Vec::new();
        for request in requests {
            let mut newcomer = self.join(request.clone());
            let known = joined.iter().zip(requests);
            let rejoins: Vec<_> = known
                .map(|(joined, request)| again(request, &joined.member_id))
                .collect();
            let mut rejoined: Vec<_> = rejoins
                .into_iter()
                .map(|request| self.join(request))
                .collect();
            joined = rejoined
                .iter_mut()
                .map(|pending| answer(pending).expect("joined"))
                .collect();
            joined.push(answer(&mut newcomer).expect("joined"));
        }
        joined
    }

    /// As [`Room::gather`], with the assignment handed out.
    fn stable(&mut self, requests: &[JoinRequest]) -> Vec<Joined> {
        let joined = self.gather(requests);
        let mut syncs: Vec<_> = joined.iter().map(|member| self.sync(member, &[])).collect();
        for pending in &mut syncs {
            answer(pending).expect("assigned");
        }
        assert_eq!(self.state(), "Stable");
        joined
    }
}

/// A consumer that joins for the first time and will be called `name`.
fn member(name: &str) -> JoinRequest {
    JoinRequest {
        group: GROUP.to_owned(),
        member_id: None,
        fresh_id: name.to_owned(),
        instance_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol("range", "topics")],
        must_know_its_id: false,
        may_skip_assignment: true,
    }
}

fn static_member(instance_id: &str, fresh_id: &str) -> JoinRequest {
    JoinRequest {
        instance_id: Some(instance_id.to_owned()),
        ..member(fresh_id)
    }
}

/// The same request from a member that knows its id.
fn again(request: &JoinRequest, member_id: &str) -> JoinRequest {
    JoinRequest {
        member_id: Some(member_id.to_owned()),
        fresh_id: "unused".to_owned(),
        ..request.clone()
    }
}

fn protocol(name: &str, metadata: &'static str) -> Protocol {
    Protocol {
        name: name.to_owned(),
        metadata: Bytes::from_static(metadata.as_bytes()),
    }
}

fn caller(joined: &Joined) -> Caller<'_> {
    Caller {
        member_id: &joined.member_id,
        instance_id: None,
        generation: Some(joined.generation),
    }
}

fn position(topic: &str, partition: i32, offset: i64) -> OffsetCommit {
    let committed = CommittedOffset {
        offset,
        leader_epoch: Some(3),
        metadata: "note".to_owned(),
    };
    OffsetCommit {
        topic: topic.to_owned(),
        partition,
        committed,
    }
}

/// The answer, which must have been given.
fn answer<T>(pending: &mut Receiver<T>) -> T {
    pending.try_recv().expect("an answer was given")
}

fn is_waiting<T>(pending: &mut Receiver<T>) -> bool {
    matches!(pending.try_recv(), Err(TryRecvError::Empty))
}

fn error(answer: JoinAnswer) -> ResponseError {
    answer.expect_err("refused").error
}
