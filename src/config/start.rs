//! Where a partition without a committed position begins, and how that is written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::scalar::{Fault, Scalar};
use super::suggest;

/// Where a partition without a committed position begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The log start.
    Earliest,
    /// The log end at the moment of assignment.
    Latest,
    /// The first record at or after this time, which is not before 1970.
    At(SystemTime),
}

impl Scalar for Start {
    const WHAT: &'static str = "a place to start";
    const FORM: &'static str = "`earliest`, `latest` or a time such as `2026-01-31T12:00:00Z`";
    const VALUE: &'static str = Self::FORM;

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => parse_time(text).map(Self::At).ok_or_else(|| fault(text)),
        }
    }
}

fn fault(text: &str) -> Fault {
    let remedy = match suggest::nearest(text, ["earliest", "latest"]) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("write {}", Start::FORM),
    };
    let begins_as_time = text.starts_with(|first: char| first.is_ascii_digit());
    match begins_as_time {
        true => Fault::new("is not an RFC 3339 time since 1970", remedy),
        false => Fault::new("is neither `earliest`, `latest` nor a time", remedy),
    }
}

/// RFC 3339 with any offset. `humantime` reads UTC only, so the offset is taken off first and subtracted.
fn parse_time(text: &str) -> Option<SystemTime> {
    if text.ends_with('Z') {
        return humantime::parse_rfc3339(text).ok();
    }
    let at = text.len().checked_sub("+00:00".len())?;
    let (local, offset) = text.split_at_checked(at)?;
    let utc = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    let (east, offset) = parse_offset(offset)?;
    let time = match east {
        true => utc.checked_sub(offset)?,
        false => utc.checked_add(offset)?,
    };
    (time >= UNIX_EPOCH).then_some(time)
}

/// `+02:00`: whether it lies east of UTC, and by how much.
fn parse_offset(offset: &str) -> Option<(bool, Duration)> {
    let east = match offset.as_bytes().first()? {
        b'+' => true,
        b'-' => false,
        _ => return None,
    };
    let (hours, minutes) = offset[1..].split_once(':')?;
    let (hours, minutes) = (two_digits(hours, 23)?, two_digits(minutes, 59)?);
    Some((east, Duration::from_mins(hours * 60 + minutes)))
}

fn two_digits(text: &str, most: u64) -> Option<u64> {
    let digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_offset() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-31T12:00:00Z", 1_769_860_800),
            ("2026-01-31T14:30:00+02:30", 1_769_860_800),
            ("2026-01-31T04:00:00-08:00", 1_769_860_800),
            ("2026-01-31T12:00:00+00:00", 1_769_860_800),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Start::parse(text), Ok(Start::At(time)), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused_with_a_remedy() {
        for (text, why, remedy) in [
            (
                "earlies",
                "is neither `earliest`, `latest` nor a time",
                "did you mean `earliest`?",
            ),
            (
                "beginning",
                "is neither `earliest`, `latest` nor a time",
                "",
            ),
            ("2026-01-31", "is not an RFC 3339 time since 1970", ""),
            (
                "2026-01-31T12:00:00",
                "is not an RFC 3339 time since 1970",
                "",
            ),
            (
                "2026-13-31T12:00:00Z",
                "is not an RFC 3339 time since 1970",
                "",
            ),
            (
                "2026-01-31T12:00:00+2:00",
                "is not an RFC 3339 time since 1970",
                "",
            ),
            (
                "2026-01-31T12:00:00+24:00",
                "is not an RFC 3339 time since 1970",
                "",
            ),
            (
                "1970-01-01T00:00:00+01:00",
                "is not an RFC 3339 time since 1970",
                "",
            ),
            (
                "2026-01-31T12:00:0é+é:00",
                "is not an RFC 3339 time since 1970",
                "",
            ),
        ] {
            let fault = Start::parse(text).unwrap_err();
            let form = format!("write {}", Start::FORM);
            let remedy = if remedy.is_empty() { &form } else { remedy };
            assert_eq!(
                (fault.why.as_str(), fault.remedy.as_str()),
                (why, remedy),
                "{text}"
            );
        }
    }
}
