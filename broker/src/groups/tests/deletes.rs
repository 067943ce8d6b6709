//! DeleteGroups, OffsetDelete and deleted topics.

use bytes::BytesMut;
use kafka_protocol::messages::ConsumerProtocolSubscription;
use kafka_protocol::protocol::{Encodable, StrBytes};

use super::*;

const OUTSIDER: Caller<'static> = Caller {
    member_id: "",
    instance_id: None,
    generation: None,
};

#[test]
fn only_a_group_without_members_can_be_deleted() {
    let mut room = Room::new();
    assert_eq!(
        room.groups.delete(GROUP),
        Err(ResponseError::GroupIdNotFound)
    );
    assert_eq!(room.groups.delete(""), Err(ResponseError::InvalidGroupId));
    room.stable(&[member("a")]);
    assert_eq!(room.groups.delete(GROUP), Err(ResponseError::NonEmptyGroup));
    room.leave("a", None).expect("left");
    assert_eq!(room.groups.delete(GROUP), Ok(()));
    assert_eq!(room.state(), "Dead");
}

#[test]
fn offsets_of_topics_nobody_reads_can_be_deleted() {
    let mut room = Room::new();
    let commits = vec![position("read", 0, 1), position("unread", 0, 1)];
    room.groups
        .commit(GROUP, OUTSIDER, commits, room.now)
        .expect("committed");
    room.stable(&[reader_of("read")]);
    let outcomes = room
        .groups
        .delete_offsets(GROUP, &[("read", 0), ("unread", 0)]);
    assert_eq!(
        outcomes,
        Ok(vec![Err(ResponseError::GroupSubscribedToTopic), Ok(())])
    );
    let offsets = room.groups.offsets(GROUP).expect("the group exists");
    assert!(offsets.get("read", 0).is_some() && offsets.get("unread", 0).is_none());
}

#[test]
fn offset_deletes_are_refused_where_the_reading_is_unknown() {
    let mut room = Room::new();
    assert_eq!(
        room.groups.delete_offsets(GROUP, &[]),
        Err(ResponseError::GroupIdNotFound)
    );
    room.commit(OUTSIDER, 1).expect("committed");
    assert_eq!(
        room.groups.delete_offsets(GROUP, &[("t", 1)]),
        Ok(vec![Ok(())]),
        "empty"
    );
    room.stable(&[member("a")]);
    let unreadable = room.groups.delete_offsets(GROUP, &[("t", 0)]);
    assert_eq!(
        unreadable,
        Ok(vec![Err(ResponseError::GroupSubscribedToTopic)])
    );
    room.leave("a", None).expect("left");
    room.stable(&[JoinRequest {
        protocol_type: "connect".to_owned(),
        ..member("b")
    }]);
    assert_eq!(
        room.groups.delete_offsets(GROUP, &[("t", 0)]),
        Err(ResponseError::NonEmptyGroup)
    );
}

#[test]
fn a_subscription_that_claims_more_than_it_holds_does_no_harm() {
    let mut room = Room::new();
    let claims_two_billion = protocol("range", "\0\0\x7f\x7f\x7f\x7f");
    room.stable(&[JoinRequest {
        protocols: vec![claims_two_billion],
        ..member("a")
    }]);
    let outcomes = room.groups.delete_offsets(GROUP, &[("t", 0)]);
    assert_eq!(
        outcomes,
        Ok(vec![Err(ResponseError::GroupSubscribedToTopic)])
    );
}

#[test]
fn a_deleted_topic_takes_its_offsets_along() {
    let mut room = Room::new();
    let commits = vec![position("gone", 0, 1), position("kept", 0, 1)];
    room.groups
        .commit(GROUP, OUTSIDER, commits, room.now)
        .expect("committed");
    room.groups.topic_deleted("gone");
    let offsets = room.groups.offsets(GROUP).expect("the group exists");
    assert!(offsets.get("gone", 0).is_none() && offsets.get("kept", 0).is_some());
}

fn reader_of(topic: &'static str) -> JoinRequest {
    let mut metadata = BytesMut::from(&[0, 1][..]);
    ConsumerProtocolSubscription::default()
        .with_topics(vec![StrBytes::from_static_str(topic)])
        .encode(&mut metadata, 1)
        .expect("encodes");
    let protocols = vec![Protocol {
        name: "range".to_owned(),
        metadata: metadata.freeze(),
    }];
    JoinRequest {
        protocols,
        ..member("reader")
    }
}
