//! Counts how often others were seen to write a copy that should be this mirror's alone, so that it is told once a minute.

use std::time::Duration;

use tokio::time::Instant;

/// How long it is told no more after it was told: whoever writes beside this mirror does so with each batch.
const QUIET: Duration = Duration::from_secs(60);

/// What was seen of others, of one partition.
#[derive(Debug, Default)]
pub struct Others {
    told_at: Option<Instant>,
    /// How often they were seen since then.
    untold: u64,
}

impl Others {
    /// Notes that they were seen at `now`; answers how often they were before and it was not told, if it is to be told now.
    pub fn seen(&mut self, now: Instant) -> Option<u64> {
        if self.told_at.is_some_and(|told| now - told < QUIET) {
            self.untold += 1;
            return None;
        }
        self.told_at = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_again_later_is_told_again() {
        let (mut others, start) = (Others::default(), Instant::now());
        let mut told = |second| others.seen(start + Duration::from_secs(second));
        assert_eq!(told(0), Some(0));
        assert_eq!(told(1), None);
        assert_eq!(told(59), None);
        assert_eq!(told(60), Some(2));
        assert_eq!(told(3_600), Some(0));
    }
}
