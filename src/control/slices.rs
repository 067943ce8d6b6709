//! Goes round many names, so many at a time, so that what is costly per name has a bounded cost per look.

/// Topics that are asked about in one request: a broker answers with all of some 35 configs of each.
pub const SLICE: usize = 500;

/// Where the last slice ended.
#[derive(Debug, Default)]
pub struct Slices {
    last: Option<String>,
}

impl Slices {
    /// The names that come after the last slice, from the beginning again behind the last name; all of them, when they
    /// are no more than a slice. `names` are sorted, each there once; they may be others at each call.
    pub fn next<'a>(&mut self, names: impl Iterator<Item = &'a String> + Clone) -> Vec<String> {
        let last = self.last.take();
        let is_before = |name: &&String| last.as_ref().is_some_and(|last| *name <= last);
        let behind = names.clone().skip_while(is_before);
        let before = names.take_while(is_before);
        let slice: Vec<_> = behind.chain(before).take(SLICE).cloned().collect();
        self.last = slice.last().cloned();
        slice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("{number:05}")).collect()
    }

    #[test]
    fn a_few_names_come_each_time() {
        let (names, mut slices) = (names(SLICE), Slices::default());
        for _ in 0..3 {
            let mut slice = slices.next(names.iter());
            slice.sort();
            assert_eq!(slice, names);
        }
        assert!(slices.next([].iter()).is_empty());
    }

    #[test]
    fn many_names_come_in_turn_each_once_in_a_round() {
        let (names, mut slices) = (names(3 * SLICE), Slices::default());
        for _ in 0..2 {
            let round: Vec<_> = (0..3).flat_map(|_| slices.next(names.iter())).collect();
            assert_eq!(round, names);
        }
    }

    #[test]
    fn names_that_come_and_go_keep_nobody_waiting() {
        let (mut names, mut slices) = (names(2 * SLICE), Slices::default());
        slices.next(names.iter());
        names.drain(..SLICE + 10);
        names.push("zzz".to_owned());
        let next = slices.next(names.iter());
        assert_eq!(next.len(), SLICE - 9);
        assert_eq!(next, names);
    }
}
