//! Claims about the layouts: they are those of the decoders, and they expose every length that is a lie.

use bytes::Bytes;
use kafka_protocol::messages::ApiKey;

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
            // The decoder minds nulls and known tags, which the layout does not.
            let Some(decoded) = left_by_decoder(api, version, body) else {
                continue;
            };
            assert_eq!(left, decoded, "{api:?} v{version}");
            compared += 1;
        }
        assert!(
            compared > 50,
            "{api:?} v{version} was compared only {compared} times"
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
