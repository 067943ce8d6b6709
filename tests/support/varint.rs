//! The zigzag varints of which a record inside a batch is made.

use anyhow::{Result, bail};
use bytes::{Buf, BufMut};

/// Appends `value` as a zigzag varint, one to ten bytes.
pub fn put(buffer: &mut impl BufMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        buffer.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    buffer.put_u8(rest as u8);
}

/// Takes one zigzag varint; an error when it is cut off or longer than ten bytes.
pub fn get(buffer: &mut impl Buf) -> Result<i64> {
    let mut zigzag = 0_u64;
    for shift in (0..70).step_by(7) {
        if !buffer.has_remaining() {
            bail!("varint cut off");
        }
        let byte = buffer.get_u8();
        zigzag |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
        }
    }
    bail!("varint longer than ten bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_comes_back() {
        for value in [
            0,
            -1,
            1,
            63,
            -64,
            64,
            300,
            -1_000_000,
            i64::from(i32::MAX),
            i64::MAX,
            i64::MIN,
        ] {
            let mut buffer = Vec::new();
            put(&mut buffer, value);
            assert_eq!(get(&mut buffer.as_slice()).expect("whole"), value);
        }
    }
}
