//! Reads and writes durations and sizes: `250ms 5s 10m 1h`, `64KiB 256MiB`.

use std::time::Duration;

use super::scalar::{Fault, Scalar};

/// Units of time, in milliseconds.
const TIME: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// Units of size, in bytes.
const SIZE: [(&str, u64); 4] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// No interval and no deadline is shorter: the clock of the daemon's timers is not finer.
const SHORTEST: Duration = Duration::from_millis(1);

/// No interval and no deadline is longer: what takes a day is a mistake in the unit.
const LONGEST: Duration = Duration::from_hours(24);

/// `5s`; the largest unit that divides it. Whole milliseconds only.
pub(super) fn format_duration(duration: Duration) -> String {
    format(
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        &TIME,
    )
}

/// `256MiB`; the largest unit that divides it.
pub(super) fn format_size(bytes: u64) -> String {
    format(bytes, &SIZE)
}

fn format(amount: u64, units: &[(&str, u64)]) -> String {
    let divides = |(_, size): &&(&str, u64)| amount != 0 && amount.is_multiple_of(*size);
    let (unit, size) = units.iter().rev().find(divides).unwrap_or(&units[0]);
    format!("{}{unit}", amount / size)
}

/// Every duration of the file: an interval or a deadline, from 1 ms to a day.
impl Scalar for Duration {
    const WHAT: &'static str = "a duration from 1ms to 24h";
    const FORM: &'static str = "a number and its unit, such as `250ms`, `5s`, `10m` or `1h`";
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        let duration = parse_duration(text)?;
        match duration {
            _ if duration < SHORTEST => Err(out_of_range(
                "short",
                "at least",
                &format_duration(SHORTEST),
            )),
            _ if duration > LONGEST => {
                Err(out_of_range("long", "at most", &format_duration(LONGEST)))
            }
            _ => Ok(duration),
        }
    }
}

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

impl Scalar for Size {
    const WHAT: &'static str = "a size";
    const FORM: &'static str = "a number and its unit, such as `64KiB`, `256MiB` or `1GiB`";
    const UNQUOTED: bool = true;

    fn parse(text: &str) -> Result<Self, Fault> {
        let (number, unit) = split(text);
        match number_in(number, unit, &SIZE) {
            Some(bytes) => bytes.map(Self),
            None => Err(size_fault(number, unit)),
        }
    }
}

/// The fault of a value outside its bounds.
pub(super) fn out_of_range(is_too: &str, bound: &str, limit: &str) -> Fault {
    Fault::new(
        format!("is too {is_too}"),
        format!("write {bound} `{limit}`"),
    )
}

fn parse_duration(text: &str) -> Result<Duration, Fault> {
    let (number, unit) = split(text);
    match number_in(number, unit, &TIME) {
        Some(milliseconds) => milliseconds.map(Duration::from_millis),
        None => Err(duration_fault(number, unit)),
    }
}

/// The number in the smallest unit; `None` when the text is not a whole number and a unit of `units`.
fn number_in(number: &str, unit: &str, units: &[(&str, u64)]) -> Option<Result<u64, Fault>> {
    let (_, size) = units.iter().find(|(name, _)| *name == unit)?;
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let amount = number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(*size));
    Some(amount.ok_or_else(|| Fault::new("is too large", "write a smaller number")))
}

/// Parts `1.5s` into `1.5` and `s`.
fn split(text: &str) -> (&str, &str) {
    let unit = text.find(|character: char| !character.is_ascii_digit() && character != '.');
    text.split_at(unit.unwrap_or(text.len()))
}

fn duration_fault(number: &str, unit: &str) -> Fault {
    if let ("s", Some(milliseconds)) = (unit, milliseconds_of(number)) {
        return Fault::new("is not a whole number", format!("write `{milliseconds}ms`"));
    }
    match time_unit_meant_by(unit) {
        _ if !is_whole(number) => {
            Fault::new("is not a duration", format!("write {}", Duration::FORM))
        }
        Some(meant) => Fault::new(
            format!("has the unknown unit `{unit}`"),
            format!("write `{number}{meant}`"),
        ),
        None if unit.is_empty() => {
            Fault::new("has no unit", format!("write `{number}s` or `{number}ms`"))
        }
        None => Fault::new("is not a duration", format!("write {}", Duration::FORM)),
    }
}

/// The unit of ours for what people write elsewhere.
fn time_unit_meant_by(unit: &str) -> Option<&'static str> {
    match unit.trim().to_lowercase().as_str() {
        "ms" | "msec" | "millis" | "milliseconds" => Some("ms"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "h" | "hr" | "hour" | "hours" => Some("h"),
        _ => None,
    }
}

/// `1.5` seconds are 1500.
fn milliseconds_of(seconds: &str) -> Option<u64> {
    let (whole, part) = seconds.split_once('.')?;
    if part.is_empty() || part.len() > 3 || !is_whole(part) {
        return None;
    }
    let milliseconds: u64 = format!("{part:0<3}").parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000)?
        .checked_add(milliseconds)
}

fn size_fault(number: &str, unit: &str) -> Fault {
    match size_unit_meant_by(unit) {
        _ if !is_whole(number) => Fault::new("is not a size", format!("write {}", Size::FORM)),
        Some(meant) => Fault::new(
            format!("has the unknown unit `{unit}`"),
            format!("write `{number}{meant}`"),
        ),
        None if unit.is_empty() => {
            Fault::new("has no unit", format!("write `{number}B` or `{number}MiB`"))
        }
        None => Fault::new("is not a size", format!("write {}", Size::FORM)),
    }
}

/// The unit of ours for what people write elsewhere. `MB` is taken for `MiB`, as most programs do.
fn size_unit_meant_by(unit: &str) -> Option<&'static str> {
    match unit.trim().to_lowercase().as_str() {
        "b" | "byte" | "bytes" => Some("B"),
        "k" | "kb" | "ki" | "kib" => Some("KiB"),
        "m" | "mb" | "mi" | "mib" => Some("MiB"),
        "g" | "gb" | "gi" | "gib" => Some("GiB"),
        _ => None,
    }
}

fn is_whole(number: &str) -> bool {
    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_are_read() {
        for (text, milliseconds) in [
            ("250ms", 250),
            ("5s", 5_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("24h", 86_400_000),
        ] {
            assert_eq!(
                Duration::parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for (text, bytes) in [
            ("0B", 0),
            ("7B", 7),
            ("64KiB", 65_536),
            ("256MiB", 268_435_456),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(Size::parse(text), Ok(Size(bytes)), "{text}");
        }
    }

    #[test]
    fn a_wrong_duration_says_what_to_write() {
        let form = format!("write {}", Duration::FORM);
        for (text, why, remedy) in [
            ("5", "has no unit", "write `5s` or `5ms`"),
            ("1.5s", "is not a whole number", "write `1500ms`"),
            ("0.25s", "is not a whole number", "write `250ms`"),
            ("5 s", "has the unknown unit ` s`", "write `5s`"),
            ("5min", "has the unknown unit `min`", "write `5m`"),
            ("5S", "has the unknown unit `S`", "write `5s`"),
            ("0s", "is too short", "write at least `1ms`"),
            ("25h", "is too long", "write at most `24h`"),
            (
                "18446744073709551616ms",
                "is too large",
                "write a smaller number",
            ),
            (
                "18446744073709551615h",
                "is too large",
                "write a smaller number",
            ),
            ("s", "is not a duration", &form),
            ("-5s", "is not a duration", &form),
            ("1h30m", "is not a duration", &form),
            ("1.5", "is not a duration", &form),
            ("2d", "is not a duration", &form),
            ("soon", "is not a duration", &form),
        ] {
            assert_eq!(
                Duration::parse(text),
                Err(Fault::new(why, remedy)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_wrong_size_says_what_to_write() {
        let form = format!("write {}", Size::FORM);
        for (text, why, remedy) in [
            ("256MB", "has the unknown unit `MB`", "write `256MiB`"),
            ("256M", "has the unknown unit `M`", "write `256MiB`"),
            ("256Mi", "has the unknown unit `Mi`", "write `256MiB`"),
            ("256mib", "has the unknown unit `mib`", "write `256MiB`"),
            ("256 MiB", "has the unknown unit ` MiB`", "write `256MiB`"),
            (
                "268435456",
                "has no unit",
                "write `268435456B` or `268435456MiB`",
            ),
            (
                "99999999999999GiB",
                "is too large",
                "write a smaller number",
            ),
            ("1.5GiB", "is not a size", &form),
            ("-1MiB", "is not a size", &form),
            ("1TiB", "is not a size", &form),
            ("lots", "is not a size", &form),
        ] {
            assert_eq!(Size::parse(text), Err(Fault::new(why, remedy)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_go_round(milliseconds in 1_u64..=86_400_000) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(Duration::parse(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn sizes_go_round(bytes: u64) {
            prop_assert_eq!(Size::parse(&format_size(bytes)), Ok(Size(bytes)));
        }

        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC*|[0-9.]{0,30}[a-zA-Z]{0,3}") {
            let _ = (Duration::parse(&text), Size::parse(&text));
        }
    }
}
