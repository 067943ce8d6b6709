//! Decides when a partition is too busy for the consumer that holds many idle ones, and when it is quiet again.
//!
//! librdkafka has one fetch under way per broker, with all partitions that have room, and knows no fetch sessions (KIP-227):
//! a partition that had none when the fetch was sent is read again only when it is answered, which for idle partitions takes
//! `fetch.wait.max.ms`; and each answer costs a request for all of them.

use std::time::Duration;

use tokio::time::Instant;

/// How long an empty queue may stay behind the log end: far longer than a broker takes to answer with records.
const STALLED_AFTER: Duration = Duration::from_millis(100);

/// So many takes within [`BRISK_WITHIN`] are a flow, and so is half of what the consumer prefetches of a partition: it may soon
/// have no room when a fetch is sent.
const BRISK_TAKES: u32 = 8;

/// See [`BRISK_TAKES`].
const BRISK_WITHIN: Duration = Duration::from_secs(1);

/// How long nothing comes when a flow has ended.
pub const QUIET_AFTER: Duration = Duration::from_secs(5);

/// Time between two attempts when there was no room.
const RETRY: Duration = Duration::from_secs(1);

/// How much a partition needs to be read apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It stands, or makes others cost.
    Pressing,
    /// It has just begun and may be left out of the fetch under way.
    Welcome,
}

/// How one partition is read from a consumer of many.
#[derive(Debug)]
pub struct Pace {
    /// Whether brokers may hold the consumer's fetch for long.
    is_patient: bool,
    /// Bytes that the consumer prefetches of a partition.
    prefetch: u64,
    /// Whether nothing has been decided yet.
    is_fresh: bool,
    taken_at: Instant,
    counted_from: Instant,
    takes: u32,
    bytes: u64,
    due: Option<Instant>,
}

impl Pace {
    /// Of a partition that begins now, at a consumer that prefetches `prefetch` bytes of it, and whose fetches brokers may
    /// hold for `fetch_wait`.
    pub fn new(fetch_wait: Duration, prefetch: u64, now: Instant) -> Self {
        let is_patient = fetch_wait > Duration::from_secs(1);
        Self {
            is_patient,
            prefetch,
            is_fresh: is_patient,
            taken_at: now,
            counted_from: now,
            takes: 0,
            bytes: 0,
            due: is_patient.then_some(now),
        }
    }

    /// Records of so many bytes were taken.
    pub fn took(&mut self, now: Instant, bytes: u64) {
        if now - self.counted_from > BRISK_WITHIN {
            self.counted_from = now;
            (self.takes, self.bytes) = (0, 0);
        }
        self.takes += 1;
        self.bytes += bytes;
        self.taken_at = now;
        let wait = match self.is_brisk(now) {
            true => Duration::ZERO,
            false => STALLED_AFTER,
        };
        self.due = Some(now + wait);
    }

    fn is_brisk(&self, now: Instant) -> bool {
        let is_now = now - self.counted_from <= BRISK_WITHIN;
        let is_much = self.takes >= BRISK_TAKES || self.bytes >= self.prefetch / 2;
        self.is_patient && is_now && is_much
    }

    /// When to [`look`](Self::look).
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// When it is quiet, unless records are taken.
    pub fn quiet_at(&self) -> Instant {
        self.taken_at + QUIET_AFTER
    }

    /// What the partition needs, knowing whether its queue is empty and `is_behind` the log end.
    pub fn look(&mut self, now: Instant, is_behind: bool) -> Option<Need> {
        self.due = None;
        let is_fresh = std::mem::take(&mut self.is_fresh);
        match is_behind || self.is_brisk(now) {
            true => Some(Need::Pressing),
            false => is_fresh.then_some(Need::Welcome),
        }
    }

    /// There was no room to be read apart.
    pub fn refused(&mut self, need: Need, now: Instant) {
        self.due = (need == Need::Pressing).then_some(now + RETRY);
    }

    /// It could not be left alone; it is not quiet for another while.
    pub fn postpone(&mut self, now: Instant) {
        self.taken_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: Duration = Duration::from_secs(5);
    const BRIEF: Duration = Duration::from_secs(1);
    const PREFETCH: u64 = 64 << 10;

    fn begin(fetch_wait: Duration, begun: Instant) -> Pace {
        Pace::new(fetch_wait, PREFETCH, begun)
    }

    fn after(begun: Instant, millis: u64) -> Instant {
        begun + Duration::from_millis(millis)
    }

    #[test]
    fn a_partition_that_begins_at_a_patient_consumer_may_be_left_out_of_its_fetch() {
        let begun = Instant::now();
        let mut pace = begin(PATIENT, begun);
        assert_eq!(pace.due(), Some(begun));
        assert_eq!(pace.look(begun, false), Some(Need::Welcome));
        pace.refused(Need::Welcome, begun);
        assert_eq!(pace.due(), None);
        assert_eq!(begin(BRIEF, begun).due(), None);
    }

    #[test]
    fn one_that_is_behind_with_nothing_to_take_stands() {
        let begun = Instant::now();
        let mut pace = begin(BRIEF, begun);
        pace.took(begun, 100);
        let due = pace.due().expect("it is looked at after a take");
        assert_eq!(due, begun + STALLED_AFTER);
        assert_eq!(pace.look(due, true), Some(Need::Pressing));
        pace.refused(Need::Pressing, due);
        let due = pace.due().expect("it is tried again");
        assert_eq!(pace.look(due, false), None, "what it was behind has come");
        assert_eq!(pace.due(), None, "until records are taken");
    }

    #[test]
    fn a_flow_costs_a_patient_consumer_a_fetch_of_all_each_time() {
        let begun = Instant::now();
        for (fetch_wait, expected) in [(PATIENT, Some(Need::Pressing)), (BRIEF, None)] {
            let mut pace = begin(fetch_wait, begun);
            pace.look(begun, false);
            (0..8).for_each(|n| pace.took(after(begun, n * 100), 100));
            assert_eq!(pace.look(after(begun, 700), false), expected);
        }
    }

    #[test]
    fn half_of_what_is_prefetched_is_a_flow() {
        let begun = Instant::now();
        for (fetch_wait, expected) in [(PATIENT, Some(Need::Pressing)), (BRIEF, None)] {
            let mut pace = begin(fetch_wait, begun);
            pace.look(begun, false);
            pace.took(begun, PREFETCH / 4);
            pace.took(begun, PREFETCH / 4);
            assert_eq!(pace.look(begun, false), expected);
        }
    }

    #[test]
    fn a_trickle_is_no_flow() {
        let begun = Instant::now();
        let mut pace = begin(PATIENT, begun);
        pace.look(begun, false);
        for second in 0..100 {
            let now = after(begun, second * 1000);
            pace.took(now, 100);
            assert_eq!(pace.look(now, false), None, "second {second}");
        }
    }

    #[test]
    fn it_is_quiet_when_nothing_was_taken_for_a_while() {
        let begun = Instant::now();
        let mut pace = begin(PATIENT, begun);
        pace.took(after(begun, 300), 100);
        assert_eq!(pace.quiet_at(), after(begun, 300) + QUIET_AFTER);
        pace.postpone(after(begun, 6000));
        assert_eq!(pace.quiet_at(), after(begun, 6000) + QUIET_AFTER);
    }
}
