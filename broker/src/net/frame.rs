//! Splits the byte stream into requests, and puts a length before each response.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::ApiKey;
use kafka_protocol::protocol::StrBytes;

/// The largest request taken, in bytes: Kafka's default of `socket.request.max.bytes`.
pub(crate) const MAX_FRAME: usize = 100 * 1024 * 1024;

/// Why a connection is closed instead of answered: the peer does not speak the protocol, or not what was advertised.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The length prefix is negative, too short for a header, or above [`MAX_FRAME`].
    #[error("a frame of {0} bytes")]
    Length(i32),
    /// The header ends early or is not what its API's version prescribes.
    #[error("a malformed request header")]
    Header,
    /// The API, or this version of it, was not advertised.
    #[error("api key {key} in version {version}, which was not advertised")]
    Unsupported { key: i16, version: i16 },
    /// The body does not follow the schema of its API.
    #[error("a malformed {api:?} request: {reason}")]
    Body { api: ApiKey, reason: String },
    /// The broker built a response that its own schema does not allow.
    #[error("a {api:?} response that cannot be encoded: {reason}")]
    Response { api: ApiKey, reason: String },
}

/// One request, its header read and its body still encoded.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The API that is asked.
    pub(crate) api: ApiKey,
    /// The version of the API; not yet checked against what is advertised.
    pub(crate) version: i16,
    /// Echoed in the response, whatever it is.
    pub(crate) correlation_id: i32,
    /// What the client calls itself; empty when it sent null.
    pub(crate) client_id: StrBytes,
    /// The body in the encoding of `version`.
    pub(crate) body: Bytes,
}

/// Takes one whole frame off the front of `buffer`, without its length prefix; `None` until it has all arrived.
pub(crate) fn take_frame(buffer: &mut BytesMut) -> Result<Option<Bytes>, Refusal> {
    let Some(prefix) = buffer.first_chunk::<4>() else {
        return Ok(None);
    };
    let announced = i32::from_be_bytes(*prefix);
    let length = usize::try_from(announced).map_err(|_| Refusal::Length(announced))?;
    if !(8..=MAX_FRAME).contains(&length) {
        return Err(Refusal::Length(announced));
    }
    if buffer.len() < 4 + length {
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// Reads the request header: version 1 before the fixed encodings, version 2 (with tags) before the flexible ones.
pub(crate) fn read_header(mut frame: Bytes) -> Result<Request, Refusal> {
    let key = frame.try_get_i16().map_err(|_| Refusal::Header)?;
    let version = frame.try_get_i16().map_err(|_| Refusal::Header)?;
    let api = ApiKey::try_from(key).map_err(|()| Refusal::Unsupported { key, version })?;
    let correlation_id = frame.try_get_i32().map_err(|_| Refusal::Header)?;
    let client_id = take_client_id(&mut frame)?;
    // Of an ApiVersions request in an unknown version nothing more may be read, yet it must be answered (KIP-511).
    let known = api.valid_versions();
    if version <= known.max && api.request_header_version(version) >= 2 {
        skip_tags(&mut frame)?;
    }
    Ok(Request {
        api,
        version,
        correlation_id,
        client_id,
        body: frame,
    })
}

/// The client id stays a string with a two-byte length even in flexible headers.
fn take_client_id(frame: &mut Bytes) -> Result<StrBytes, Refusal> {
    match frame.try_get_i16().map_err(|_| Refusal::Header)? {
        -1 => Ok(StrBytes::new()),
        length => {
            let length = usize::try_from(length).map_err(|_| Refusal::Header)?;
            let text = take(frame, length)?;
            StrBytes::from_utf8(text).map_err(|_| Refusal::Header)
        }
    }
}

fn skip_tags(frame: &mut Bytes) -> Result<(), Refusal> {
    for _ in 0..take_varint(frame)? {
        take_varint(frame)?;
        let size = take_varint(frame)?;
        take(frame, size as usize)?;
    }
    Ok(())
}

fn take(frame: &mut Bytes, length: usize) -> Result<Bytes, Refusal> {
    if frame.len() < length {
        return Err(Refusal::Header);
    }
    Ok(frame.split_to(length))
}

fn take_varint(frame: &mut Bytes) -> Result<u32, Refusal> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let byte = frame.try_get_u8().map_err(|_| Refusal::Header)?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Refusal::Header)
}

/// A response as it leaves: small encoded parts and, between them, the stored batches themselves, shared and not copied.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    parts: Vec<Bytes>,
    tail: BytesMut,
}

impl Frame {
    /// Starts a response with its header; `tagged` is the flexible header, which ends in an empty tag section.
    pub(crate) fn respond(correlation_id: i32, header_version: i16) -> Self {
        let mut frame = Self::default();
        frame.tail.put_i32(correlation_id);
        if header_version >= 1 {
            frame.tail.put_u8(0);
        }
        frame
    }

    /// Where encoded bytes are appended.
    pub(crate) fn encoder(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Appends `bytes` without copying them.
    pub(crate) fn share(&mut self, bytes: Bytes) {
        if !self.tail.is_empty() {
            let encoded = self.tail.split().freeze();
            self.parts.push(encoded);
        }
        self.parts.push(bytes);
    }

    /// The parts to write in order, the length prefix first.
    pub(crate) fn into_parts(mut self) -> Vec<Bytes> {
        if !self.tail.is_empty() {
            self.parts.push(self.tail.freeze());
        }
        let length: usize = self.parts.iter().map(Bytes::len).sum();
        let length =
            i32::try_from(length).expect("a response is bounded by what its request may ask for");
        self.parts
            .insert(0, Bytes::copy_from_slice(&length.to_be_bytes()));
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};

    use super::{Frame, Refusal, read_header, take_frame};

    #[test]
    fn a_frame_is_taken_once_it_has_all_arrived() {
        let sent = [0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0];
        for arrived in 0..12 {
            let mut buffer = BytesMut::from(&sent[..arrived]);
            assert!(
                matches!(take_frame(&mut buffer), Ok(None)),
                "{arrived} bytes"
            );
        }
        let mut buffer = BytesMut::from(&sent[..]);
        assert_eq!(
            take_frame(&mut buffer)
                .expect("a frame")
                .expect("all of it")[..],
            sent[4..12]
        );
        assert_eq!(buffer[..], sent[12..], "the next frame is left");
    }

    #[test]
    fn a_header_has_a_client_id_and_tags_where_it_is_flexible() {
        let fixed = Bytes::from_static(b"\x00\x03\x00\x01\x00\x00\x00\x07\x00\x02me!");
        let request = read_header(fixed).expect("a header");
        assert_eq!(
            (
                request.correlation_id,
                request.client_id.as_str(),
                &request.body[..]
            ),
            (7, "me", &b"!"[..])
        );
        let flexible =
            Bytes::from_static(b"\x00\x03\x00\x0c\x00\x00\x00\x07\xff\xff\x01\x05\x02ab!");
        let request = read_header(flexible).expect("a header");
        assert_eq!(
            (request.client_id.as_str(), &request.body[..]),
            ("", &b"!"[..])
        );
        let negative = Bytes::from_static(b"\x00\x03\x00\x01\x00\x00\x00\x07\xff\xfe");
        assert!(matches!(read_header(negative), Err(Refusal::Header)));
    }

    #[test]
    fn a_response_shares_what_it_is_given_and_counts_it() {
        let mut frame = Frame::respond(7, 1);
        let batch = Bytes::from_static(b"batch");
        frame.share(batch.clone());
        let parts = frame.into_parts();
        assert_eq!(parts.concat(), b"\x00\x00\x00\x0a\x00\x00\x00\x07\x00batch");
        assert_eq!(parts[2].as_ptr(), batch.as_ptr());
    }
}
