//! A member that joins, says what it takes to be in the generation, and is never heard of again: a killed process.

use bytes::BytesMut;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{
    ConsumerProtocolSubscription, FindCoordinatorRequest, GroupId, JoinGroupRequest,
    JoinGroupResponse, SyncGroupRequest,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use kmirror_broker::Cluster;
use tokio::task::JoinHandle;

use super::{GROUP, TOPIC};
use crate::raw::Raw;

/// Long enough to be seen alive, short enough to wait for its end.
const SESSION_TIMEOUT_MS: i32 = 2_000;

/// Runs beside the test, since a join waits for the other members.
pub struct Ghost(JoinHandle<()>);

impl Ghost {
    pub async fn start(cluster: &Cluster) -> Self {
        let find = FindCoordinatorRequest::default().with_key(group().0);
        let found = Raw::connect(cluster).await.ask(&find, 1).await;
        let node = usize::try_from(found.node_id.0).expect("a coordinator");
        let mut connection = Raw::connect_to(cluster, node).await;
        Self(tokio::spawn(async move {
            let member = join(&mut connection).await;
            sync(&mut connection, &member).await;
        }))
    }

    /// Whether it has been given its assignment, and with that fallen silent.
    pub fn has_joined(&self) -> bool {
        self.0.is_finished()
    }
}

fn group() -> GroupId {
    GroupId(StrBytes::from_static_str(GROUP))
}

async fn join(connection: &mut Raw) -> JoinGroupResponse {
    let subscription =
        ConsumerProtocolSubscription::default().with_topics(vec![StrBytes::from_static_str(TOPIC)]);
    let mut metadata = BytesMut::from(&[0, 0][..]);
    subscription.encode(&mut metadata, 0).expect("encodes");
    let range = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(metadata.freeze());
    // The last version that needs no second call to learn one's id.
    let request = JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(SESSION_TIMEOUT_MS)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![range]);
    let joined = connection.ask(&request, 3).await;
    assert_eq!(joined.error_code, 0, "joined");
    joined
}

async fn sync(connection: &mut Raw, member: &JoinGroupResponse) {
    let request = SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(member.generation_id)
        .with_member_id(member.member_id.clone());
    assert_eq!(connection.ask(&request, 2).await.error_code, 0, "assigned");
}
