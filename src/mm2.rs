//! Writes and reads texts as the records of MirrorMaker 2 hold them: the length in bytes as big-endian INT16, then UTF-8.

/// Bytes of a text at most.
pub const LONGEST: usize = i16::MAX as usize;

/// Appends `text`. `None`, and nothing is appended, when it is longer than [`LONGEST`].
pub fn write(to: &mut Vec<u8>, text: &str) -> Option<()> {
    let length = i16::try_from(text.len()).ok()?;
    to.extend(length.to_be_bytes());
    to.extend(text.as_bytes());
    Some(())
}

/// A text, and what stands behind it; `None` when there is none.
pub fn read(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
    let (text, rest) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_round_up_to_the_longest() {
        for length in [0, 1, LONGEST] {
            let text = "x".repeat(length);
            let mut bytes = Vec::new();
            write(&mut bytes, &text).expect("it fits");
            bytes.push(7);
            assert_eq!(read(&bytes), Some((&*text, &[7][..])));
        }
        let mut bytes = Vec::new();
        assert_eq!(write(&mut bytes, &"x".repeat(LONGEST + 1)), None);
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_no_text_is_not_read_as_one() {
        for bytes in [&[][..], &[0], &[0, 2, b'x'], &[0xff, 0xff], &[0, 1, 0xff]] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
