//! Holds back what librdkafka says again and again: a line is passed on once a minute, with how often it was said meanwhile.

use std::time::{Duration, Instant};

/// How long a line is held back after it was passed on.
const QUIET: Duration = Duration::from_mins(1);

/// Lines known at a time. With more, the one that was passed on first is forgotten.
const MOST_KNOWN: usize = 32;

/// What one client has said of late.
#[derive(Debug, Default)]
pub(super) struct Repeats(Vec<Line>);

#[derive(Debug)]
struct Line {
    /// The facility, and the message without its digits: times, ports and counters differ from one to the next.
    text: String,
    passed_on_at: Instant,
    /// How often it was held back since then.
    held_back: u64,
}

/// Whether a line is to be passed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is, having been held back so often.
    Now { repeated: u64 },
    /// It was said less than a minute before.
    Before,
}

impl Repeats {
    /// Takes up a line that is said at `now`.
    pub(super) fn hear(&mut self, facility: &str, message: &str, now: Instant) -> Said {
        let text = without_digits(facility, message);
        let at = self.0.iter().position(|line| line.text == text);
        let repeated = match at {
            Some(at) if now.duration_since(self.0[at].passed_on_at) < QUIET => {
                self.0[at].held_back += 1;
                return Said::Before;
            }
            Some(at) => self.0.remove(at).held_back,
            None => 0,
        };
        if self.0.len() == MOST_KNOWN {
            self.0.remove(0);
        }
        self.0.push(Line {
            text,
            passed_on_at: now,
            held_back: 0,
        });
        Said::Now { repeated }
    }
}

fn without_digits(facility: &str, message: &str) -> String {
    let message = message
        .chars()
        .filter(|character| !character.is_ascii_digit());
    facility.chars().chain([' ']).chain(message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_line_that_is_said_each_second_is_passed_on_once_a_minute_with_its_count() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        let mut passed_on = Vec::new();
        for second in 0..=120 {
            let message = format!("timed out after {second} ms");
            let said = repeats.hear("SESSTMOUT", &message, start + SECOND * second);
            passed_on.extend(matches!(said, Said::Now { .. }).then_some((second, said)));
        }
        let now = |repeated| Said::Now { repeated };
        assert_eq!(passed_on, [(0, now(0)), (60, now(59)), (120, now(59))]);
    }

    #[test]
    fn other_lines_are_passed_on_meanwhile() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for (facility, message, said) in [
            ("MAXPOLL", "too long", Said::Now { repeated: 0 }),
            ("MAXPOLL", "too long", Said::Before),
            ("MAXPOLL", "much too long", Said::Now { repeated: 0 }),
            ("SESSTMOUT", "too long", Said::Now { repeated: 0 }),
        ] {
            assert_eq!(
                repeats.hear(facility, message, now),
                said,
                "{facility} {message}"
            );
        }
    }

    #[test]
    fn no_more_than_a_few_lines_are_kept() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for letters in 0..1_000 {
            repeats.hear("X", &"x".repeat(letters), now);
        }
        assert_eq!(repeats.0.len(), MOST_KNOWN);
    }
}
