//! Walks over a request body before it is decoded, so that no array length in it can be a lie.
//!
//! The generated decoders reserve room for as many elements as an array claims to have. One that claims `i32::MAX` of
//! them would end the process, which no error handling can prevent; so the claims are checked against the bytes there are.

use bytes::Buf;
use kafka_protocol::messages::ApiKey;

use super::shapes::shape_of;
use crate::net::frame::Request;

/// How many array elements and tags one request may have, all arrays together. It bounds what a request of a hundred
/// megabytes can make the decoder allocate, and is far more than any client sends.
const MAX_ELEMENTS: usize = 1 << 18;

/// How one field is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// This many bytes, whatever they mean.
    Fixed(usize),
    /// A string, or null.
    Text,
    /// Bytes, or null.
    Blob,
    /// An array of bare values, or null.
    List(&'static Field),
    /// An array of structures, or null.
    Array(&'static [Part]),
}

/// A field and the versions that have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    first: i16,
    last: i16,
    field: Field,
}

/// A field of all versions.
pub(super) const fn all(field: Field) -> Part {
    Part {
        first: 0,
        last: i16::MAX,
        field,
    }
}

/// A field of `first` and later versions.
pub(super) const fn since(first: i16, field: Field) -> Part {
    Part {
        first,
        last: i16::MAX,
        field,
    }
}

/// A field that has no successor after version `last`.
pub(super) const fn until(last: i16, field: Field) -> Part {
    Part {
        first: 0,
        last,
        field,
    }
}

/// A field of the versions from `first` to `last`.
pub(super) const fn between(first: i16, last: i16, field: Field) -> Part {
    Part { first, last, field }
}

/// Checks the body of a request.
///
/// # Errors
/// With the reason, when a length in it cannot be true, or there are more elements than any client would send.
pub(super) fn check(request: &Request) -> Result<(), &'static str> {
    walk(request.api, request.version, &request.body).map(|_| ())
}

/// Walks over a body and gives what is left behind its end, which Kafka does not mind.
pub(super) fn walk(api: ApiKey, version: i16, body: &[u8]) -> Result<&[u8], &'static str> {
    let flexible = api.request_header_version(version) >= 2;
    let mut walk = Walk {
        rest: body,
        version,
        flexible,
        elements: 0,
    };
    walk.structure(shape_of(api))?;
    Ok(walk.rest)
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    elements: usize,
}

const SHORT: &str = "the request ends early";

impl Walk<'_> {
    fn structure(&mut self, parts: &[Part]) -> Result<(), &'static str> {
        for part in parts {
            if (part.first..=part.last).contains(&self.version) {
                self.field(&part.field)?;
            }
        }
        if self.flexible { self.tags() } else { Ok(()) }
    }

    fn field(&mut self, field: &Field) -> Result<(), &'static str> {
        match field {
            Field::Fixed(size) => self.skip(*size),
            Field::Text => {
                let length = self.text_length()?;
                self.skip_nullable(length)
            }
            Field::Blob => {
                let length = self.length()?;
                self.skip_nullable(length)
            }
            Field::List(element) => self.elements(|walk| walk.field(element)),
            Field::Array(parts) => self.elements(|walk| walk.structure(parts)),
        }
    }

    fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        let claimed = match self.length()? {
            -1 => 0,
            claimed => usize::try_from(claimed).map_err(|_| "an array has a negative length")?,
        };
        self.count(claimed)?;
        (0..claimed).try_for_each(|_| element(self))
    }

    /// Every element and every tag takes at least one byte.
    fn count(&mut self, claimed: usize) -> Result<(), &'static str> {
        if claimed > self.rest.len() {
            return Err("an array claims more elements than there are bytes");
        }
        self.elements += claimed;
        if self.elements > MAX_ELEMENTS {
            Err("there are too many elements")
        } else {
            Ok(())
        }
    }

    fn tags(&mut self) -> Result<(), &'static str> {
        let tags = self.varint()? as usize;
        self.count(tags)?;
        for _ in 0..tags {
            self.varint()?;
            let size = self.varint()?;
            self.skip(size as usize)?;
        }
        Ok(())
    }

    fn text_length(&mut self) -> Result<i64, &'static str> {
        if self.flexible {
            self.compact()
        } else {
            self.rest.try_get_i16().map(i64::from).map_err(|_| SHORT)
        }
    }

    fn length(&mut self) -> Result<i64, &'static str> {
        if self.flexible {
            self.compact()
        } else {
            self.rest.try_get_i32().map(i64::from).map_err(|_| SHORT)
        }
    }

    /// Compact lengths are one more than they mean, so that zero can say null.
    fn compact(&mut self) -> Result<i64, &'static str> {
        Ok(i64::from(self.varint()?) - 1)
    }

    fn varint(&mut self) -> Result<u32, &'static str> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.rest.try_get_u8().map_err(|_| SHORT)?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a varint is too long")
    }

    fn skip_nullable(&mut self, length: i64) -> Result<(), &'static str> {
        match length {
            -1 => Ok(()),
            length => self.skip(usize::try_from(length).map_err(|_| "a length is negative")?),
        }
    }

    fn skip(&mut self, size: usize) -> Result<(), &'static str> {
        self.rest = self.rest.get(size..).ok_or(SHORT)?;
        Ok(())
    }
}
