//! Knows how old the newest of something is that is expected again and again.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::{lock, now_ms};

/// How old the newest one is. It is told when somebody asks, so that it grows when nothing comes, and by a clock that nobody
/// sets: when the wall clock is set back, the age would stand at 0 for as long as that, whatever does not come.
#[derive(Debug, Default)]
pub struct Age {
    /// `None` while none are expected.
    expected: Mutex<Option<Expected>>,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    since: Instant,
    newest: Option<Seen>,
}

/// One that was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    at: Instant,
    /// How old it was then, by the wall clock; nothing for one from the future.
    age: Duration,
}

impl Seen {
    fn age(self, now: Instant) -> Duration {
        self.age + now.saturating_duration_since(self.at)
    }
}

impl Age {
    /// They are expected from now on.
    pub fn begin(&self) {
        self.begin_at(Instant::now());
    }

    /// None are expected any more.
    pub fn end(&self) {
        *lock(&self.expected) = None;
    }

    /// There was one at `time` (ms).
    pub fn see(&self, time: i64) {
        let age = u64::try_from(now_ms().saturating_sub(time)).unwrap_or(0);
        let (at, age) = (Instant::now(), Duration::from_millis(age));
        self.note(Seen { at, age });
    }

    /// Seconds since the newest one; before the first, since they are expected; `None` while none are.
    pub fn seconds(&self) -> Option<f64> {
        self.seconds_at(Instant::now())
    }

    fn begin_at(&self, since: Instant) {
        let newest = None;
        *lock(&self.expected) = Some(Expected { since, newest });
    }

    fn note(&self, seen: Seen) {
        let mut expected = lock(&self.expected);
        let Some(expected) = expected.as_mut() else {
            return;
        };
        let known = expected.newest.map(|newest| newest.age(seen.at));
        if known.is_none_or(|known| seen.age < known) {
            expected.newest = Some(seen);
        }
    }

    fn seconds_at(&self, now: Instant) -> Option<f64> {
        let expected = (*lock(&self.expected))?;
        let since_begin = now.saturating_duration_since(expected.since);
        let age = expected
            .newest
            .map_or(since_begin, |newest| newest.age(now));
        Some(age.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_age_grows_until_a_newer_one_is_seen() {
        let (age, start) = (Age::default(), Instant::now());
        assert_eq!(age.seconds_at(start), None);
        age.begin_at(start);
        assert_eq!(age.seconds_at(start + ms(2_500)), Some(2.5));
        let see = |at, old| {
            let (at, age_then) = (start + ms(at), ms(old));
            age.note(Seen { at, age: age_then });
        };
        // Of before they were expected.
        see(2_500, 3_000);
        assert_eq!(age.seconds_at(start + ms(2_500)), Some(3.0));
        see(2_500, 100);
        see(2_600, 1_500);
        assert_eq!(age.seconds_at(start + ms(2_700)), Some(0.3));
        age.end();
        see(3_000, 0);
        assert_eq!(age.seconds_at(start + ms(8_000)), None);
    }

    #[test]
    fn one_from_the_future_ages_from_when_it_was_seen() {
        let age = Age::default();
        age.begin();
        age.see(now_ms() + 86_400_000);
        assert!(age.seconds() < Some(60.0));
        let later = Instant::now() + ms(90_000);
        assert!(age.seconds_at(later) >= Some(90.0));
        // The wall clock was set back to where it belongs.
        age.see(now_ms() - 5_000);
        assert!(age.seconds() < Some(5.0), "an older one counts for nothing");
        age.note(Seen {
            at: later,
            age: ms(5_000),
        });
        assert_eq!(age.seconds_at(later), Some(5.0));
    }
}
