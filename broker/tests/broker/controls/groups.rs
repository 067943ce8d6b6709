//! Claims about what can be done to a group, as a member of it sees it.

use bytes::Bytes;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    GroupId, HeartbeatRequest, JoinGroupRequest, OffsetCommitRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::StrBytes;
use kmirror_broker::{Api, Cluster};

use super::start;
use crate::faults::orders;
use crate::raw::{Raw, encode};

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str("readers"))
}

/// The only member of a group, in its first generation.
pub struct Member {
    raw: Raw,
    pub id: StrBytes,
    generation: i32,
}

impl Member {
    async fn join(cluster: &Cluster) -> Self {
        Self::join_group(cluster, "readers").await
    }

    pub async fn join_group(cluster: &Cluster, name: &'static str) -> Self {
        let group = || GroupId(StrBytes::from_static_str(name));
        let node = cluster.coordinator(name).expect("a node is up");
        let mut raw = Raw::connect_to(cluster, node as usize).await;
        let request = join_request(StrBytes::new()).with_group_id(group());
        let joined = raw.ask(&request, 3).await;
        assert_eq!(joined.error_code, 0);
        let (id, generation) = (joined.member_id, joined.generation_id);
        let sync = SyncGroupRequest::default()
            .with_group_id(group())
            .with_generation_id(generation)
            .with_member_id(id.clone());
        assert_eq!(raw.ask(&sync, 2).await.error_code, 0);
        Self {
            raw,
            id,
            generation,
        }
    }

    async fn heartbeat(&mut self) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group())
            .with_generation_id(self.generation)
            .with_member_id(self.id.clone());
        self.raw.ask(&request, 2).await.error_code
    }

    async fn commit(&mut self, offset: i64) -> i16 {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(offset);
        let topic = OffsetCommitRequestTopic::default()
            .with_name(orders())
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group())
            .with_generation_id_or_member_epoch(self.generation)
            .with_member_id(self.id.clone())
            .with_topics(vec![topic]);
        let response = self.raw.ask(&request, 6).await;
        response.topics[0].partitions[0].error_code
    }
}

fn join_request(member_id: StrBytes) -> JoinGroupRequest {
    let range = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(Bytes::new());
    JoinGroupRequest::default()
        .with_group_id(group())
        .with_member_id(member_id)
        .with_session_timeout_ms(60_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![range])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_tells_its_members_and_what_they_committed() {
    let cluster = start(1).await;
    assert!(cluster.members("readers").is_empty());
    let mut member = Member::join(&cluster).await;
    assert_eq!(cluster.members("readers"), [member.id.to_string()]);
    assert_eq!(cluster.committed("readers", "orders", 0), None);
    assert_eq!(member.commit(5).await, 0);
    assert_eq!(cluster.committed("readers", "orders", 0), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_member_is_unknown_and_its_late_commit_is_refused() {
    let cluster = start(1).await;
    let mut member = Member::join(&cluster).await;
    assert!(cluster.expire_member("readers", "somebody else").is_err());
    assert_eq!(member.heartbeat().await, 0);
    cluster
        .expire_member("readers", &member.id)
        .expect("it is a member");
    assert_eq!((member.heartbeat().await, member.commit(5).await), (25, 25));
    assert_eq!(cluster.committed("readers", "orders", 0), None);
    assert!(cluster.members("readers").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_members_can_expire_at_once() {
    let cluster = start(1).await;
    let mut member = Member::join(&cluster).await;
    cluster.expire_members("readers").expect("there is one");
    assert_eq!(member.heartbeat().await, 25);
    assert!(cluster.expire_members("nobody").is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forced_rebalance_has_members_join_anew() {
    let cluster = start(1).await;
    let mut member = Member::join(&cluster).await;
    cluster.force_rebalance("readers").expect("there is one");
    assert_eq!(member.heartbeat().await, 27);
    assert_eq!(
        member.commit(5).await,
        0,
        "what was read may still be committed"
    );
    let again = member.raw.ask(&join_request(member.id.clone()), 3).await;
    assert_eq!(
        (again.error_code, again.generation_id),
        (0, member.generation + 1)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_an_older_generation_are_told_so() {
    let cluster = start(1).await;
    let mut member = Member::join(&cluster).await;
    cluster.bump_generation("readers").expect("there is one");
    assert_eq!((member.heartbeat().await, member.commit(5).await), (22, 22));
    assert_eq!(cluster.committed("readers", "orders", 0), None);
    member.generation += 1;
    assert_eq!(member.heartbeat().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_moves_to_another_coordinator_with_its_members() {
    let cluster = start(2).await;
    let mut member = Member::join(&cluster).await;
    let home = cluster.coordinator("readers").expect("a node is up");
    cluster
        .move_coordinator("readers", 1 - home)
        .expect("it exists");
    assert_eq!((member.heartbeat().await, member.commit(5).await), (16, 16));
    member.raw = Raw::connect_to(&cluster, (1 - home) as usize).await;
    assert_eq!((member.heartbeat().await, member.commit(5).await), (0, 0));
    assert!(cluster.move_coordinator("readers", 2).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_join_at_the_old_coordinator_is_sent_away() {
    let cluster = start(2).await;
    let first = Member::join(&cluster).await;
    let home = cluster.coordinator("readers").expect("a node is up");
    let mut second = Raw::connect_to(&cluster, home as usize).await;
    second
        .send_frame(&encode(&join_request(StrBytes::new()), 3))
        .await;
    while cluster.members("readers").len() < 2 {
        tokio::task::yield_now().await;
    }
    cluster
        .move_coordinator("readers", 1 - home)
        .expect("it exists");
    second.receive().await;
    let journal = cluster.journal();
    let mut joins = journal.iter().filter(|it| it.api == Api::JoinGroup);
    assert_eq!(joins.next_back().and_then(|it| it.error), Some(16));
    drop(first);
}
