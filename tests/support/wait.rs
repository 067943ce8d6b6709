//! Waits for a stated condition, and says what it last saw when the condition never came.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Calls `observe` until it answers `Ok`, and returns that; an `Err` says what was seen instead.
///
/// # Panics
/// When `deadline` has passed, with `what` was awaited and the last observation.
#[track_caller]
pub fn eventually<T, E: Display>(
    what: &str,
    deadline: Duration,
    mut observe: impl FnMut() -> Result<T, E>,
) -> T {
    let started = Instant::now();
    loop {
        match observe() {
            Ok(seen) => return seen,
            Err(seen) if started.elapsed() >= deadline => {
                panic!("not within {deadline:?}: {what}; last seen: {seen:#}")
            }
            Err(_) => thread::sleep(BETWEEN_LOOKS),
        }
    }
}
