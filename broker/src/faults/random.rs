//! Draws numbers from a seed, always the same ones (splitmix64): a run can be repeated by its seed.

use uuid::Uuid;

/// One stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream of the same seed, so that what draws from one does not change what another yields.
    pub(crate) fn stream(seed: u64, number: u64) -> Self {
        let mut numbered = Self(number);
        Self(seed ^ numbered.next())
    }

    /// A seed that nobody chose.
    pub(crate) fn seed() -> u64 {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        high ^ low
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// True in `probability` of all cases; 0 is never and 1 is always.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        // 53 bits are what the fraction of a double holds, so that 1.0 is never drawn.
        let drawn = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < probability
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// As many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.next() as u8)
            .take(count)
            .collect()
    }
}
