//! Takes lines off a connection, none longer than a bound.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// More than any operation takes, in bytes.
pub(super) const LONGEST: usize = 64 * 1024;

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its end.
    Whole(String),
    /// More bytes than a line may have, or bytes that are no text.
    Unreadable,
    /// The peer has no more to say; half a line counts as none.
    End,
}

/// Waits for the next line.
pub(super) async fn next(reader: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Line> {
    let mut line = Vec::new();
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(Line::End);
        }
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(chunk.len());
        line.extend_from_slice(&chunk[..taken]);
        reader.consume(end.map_or(taken, |end| end + 1));
        if line.len() > LONGEST {
            return Ok(Line::Unreadable);
        }
        if end.is_some() {
            return Ok(String::from_utf8(line).map_or(Line::Unreadable, Line::Whole));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Line, next};

    #[tokio::test]
    async fn lines_end_where_they_end_and_are_bounded() {
        let mut reader = &b"one\n\ntwo\r\nhalf"[..];
        for expected in ["one", "", "two\r"] {
            let line = next(&mut reader).await.expect("bytes can be read");
            assert_eq!(line, Line::Whole(expected.to_owned()));
        }
        assert_eq!(next(&mut reader).await.expect("read"), Line::End);
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(next(&mut &long[..]).await.expect("read"), Line::Unreadable);
        assert_eq!(
            next(&mut &b"\xff\n"[..]).await.expect("read"),
            Line::Unreadable
        );
    }
}
