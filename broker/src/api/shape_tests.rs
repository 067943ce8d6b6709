//! Claims about the layouts: they are those of the decoders, and they expose every length that is a lie.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};
use kafka_protocol::messages::{ApiKey, FetchRequest};
use kafka_protocol::protocol::Encodable;

use super::shape::walk;
use super::{VERSIONS, left_by_decoder};

/// Bodies in which small numbers abound, so that lengths are often true. Always the same ones.
fn bodies() -> impl Iterator<Item = Bytes> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    std::iter::from_fn(move || {
        let length = next() % 200;
        let byte = |number: u32| {
            if number % 16 < 10 {
                0
            } else {
                (number >> 8) as u8 % 4
            }
        };
        Some((0..length).map(|_| byte(next())).collect())
    })
}

/// Whether the decoder reads a tag of the request itself by its content, and not by the size before it. Nothing depends
/// on where such a tag ends: it is the last thing in the request and holds no arrays.
fn has_known_tags(api: ApiKey, version: i16) -> bool {
    api == ApiKey::Fetch && version >= 12
}

fn every_version() -> impl Iterator<Item = (ApiKey, i16)> {
    // Versions of Produce below 3 are claimed and never decoded.
    let first = |api, min: i16| if api == ApiKey::Produce { 3 } else { min };
    VERSIONS
        .iter()
        .flat_map(move |(api, min, max)| (first(*api, *min)..=*max).map(|version| (*api, version)))
}

#[test]
fn the_layouts_end_where_the_decoders_end() {
    for (api, version) in every_version() {
        let mut compared = 0;
        for body in bodies().take(3000) {
            // What the layout refuses is never given to the decoder, which might not survive it.
            let Ok(left) = walk(api, version, &body).map(<[u8]>::len) else {
                continue;
            };
            // The decoder minds nulls, which the layout does not.
            let Some(decoded) = left_by_decoder(api, version, body) else {
                continue;
            };
            assert!(
                left == decoded || has_known_tags(api, version),
                "{api:?} v{version}: {left}, not {decoded}"
            );
            compared += 1;
        }
        assert!(compared > 0, "{api:?} v{version} was never compared");
    }
}

#[test]
fn a_whole_fetch_of_every_version_is_walked_over_to_its_end() {
    for version in 4..=16 {
        let partitions = vec![FetchPartition::default(); 3];
        let topics = vec![FetchTopic::default().with_partitions(partitions); 2];
        let forgotten = vec![
            ForgottenTopic::default().with_partitions(vec![1, 2]);
            if version < 7 { 0 } else { 2 }
        ];
        let request = FetchRequest::default()
            .with_topics(topics)
            .with_forgotten_topics_data(forgotten);
        let mut body = BytesMut::new();
        request
            .encode(&mut body, version)
            .expect("the version is known");
        assert_eq!(
            walk(ApiKey::Fetch, version, &body),
            Ok(&[][..]),
            "v{version}"
        );
    }
}

#[test]
fn an_array_cannot_claim_more_elements_than_there_are_bytes() {
    let flexible = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0; 20]].concat();
    assert!(walk(ApiKey::Metadata, 12, &flexible).is_err());
    for claimed in [i32::MAX, 1 << 24, 100, -2, i32::MIN] {
        let body = [&claimed.to_be_bytes()[..], &[0; 20]].concat();
        assert!(walk(ApiKey::Metadata, 1, &body).is_err(), "{claimed}");
    }
}

#[test]
fn a_request_cannot_have_elements_without_bounds() {
    let of = |count: u32| [&count.to_be_bytes()[..], &vec![0; 2 * count as usize]].concat();
    assert!(walk(ApiKey::Metadata, 1, &of(200_000)).is_ok());
    assert!(walk(ApiKey::Metadata, 1, &of(300_000)).is_err());
}
