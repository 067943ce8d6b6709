//! A member that joins, says what it takes to be in the generation, and is never heard of again: a killed process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::JoinHandle;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::{
    ConsumerProtocolSubscription, FindCoordinatorRequest, GroupId, JoinGroupRequest,
    JoinGroupResponse, RequestHeader, SyncGroupRequest,
};
use kafka_protocol::protocol::{Decodable, Encodable, Request, StrBytes};

use super::{GROUP, TOPIC};

/// Long enough to be seen alive, short enough to wait for its end.
const SESSION_TIMEOUT_MS: i32 = 2_000;

/// Runs beside the test, since a join waits for the other members.
pub struct Ghost(JoinHandle<()>);

impl Ghost {
    pub fn start(bootstrap: String) -> Self {
        Self(std::thread::spawn(move || {
            let mut connection = to_coordinator(&bootstrap);
            let member = join(&mut connection);
            sync(&mut connection, &member);
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

fn to_coordinator(bootstrap: &str) -> TcpStream {
    let any = bootstrap.split(',').next().expect("an address");
    let mut connection = TcpStream::connect(any).expect("connected");
    let found = ask(
        &mut connection,
        0,
        &FindCoordinatorRequest::default().with_key(group().0),
    );
    TcpStream::connect((&*found.host, found.port as u16)).expect("connected")
}

fn join(connection: &mut TcpStream) -> JoinGroupResponse {
    let subscription =
        ConsumerProtocolSubscription::default().with_topics(vec![StrBytes::from_static_str(TOPIC)]);
    let mut metadata = BytesMut::from(&[0, 0][..]);
    subscription.encode(&mut metadata, 0).expect("encodes");
    let range = JoinGroupRequestProtocol::default()
        .with_name(StrBytes::from_static_str("range"))
        .with_metadata(metadata.freeze());
    let request = JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(SESSION_TIMEOUT_MS)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![range]);
    let joined = ask(connection, 3, &request);
    assert_eq!(joined.error_code, 0, "joined");
    joined
}

fn sync(connection: &mut TcpStream, member: &JoinGroupResponse) {
    let request = SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(member.generation_id)
        .with_member_id(member.member_id.clone());
    assert_eq!(ask(connection, 2, &request).error_code, 0, "assigned");
}

/// One request in a version without flexible fields, and its response.
fn ask<R: Request>(connection: &mut TcpStream, version: i16, request: &R) -> R::Response {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version);
    header
        .encode(&mut frame, R::header_version(version))
        .expect("encodes");
    request.encode(&mut frame, version).expect("encodes");
    let length = i32::try_from(frame.len() - 4).expect("short");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    connection.write_all(&frame).expect("sent");

    let mut length = [0; 4];
    connection.read_exact(&mut length).expect("answered");
    let mut response = vec![0; u32::from_be_bytes(length) as usize];
    connection.read_exact(&mut response).expect("answered");
    let mut body = Bytes::from(response).slice(4..);
    R::Response::decode(&mut body, version).expect("decodes")
}
