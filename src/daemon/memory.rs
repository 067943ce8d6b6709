//! Divides the configured memory.

/// How the configured memory is used.
pub(super) struct Memory {
    /// Records read and not yet acknowledged: a quarter, exactly.
    pub(super) in_flight: u64,
    /// What librdkafka may prefetch: an eighth. The rest is for librdkafka's own structs, answers being taken apart,
    /// batches being compressed, the allocator, and the process itself.
    prefetch: u64,
}

impl Memory {
    /// Divides so many bytes.
    pub(super) fn divide(memory: u64) -> Self {
        Self {
            in_flight: memory / 4,
            prefetch: memory / 8,
        }
    }

    /// What each of so many mirrors may prefetch.
    pub(super) fn prefetch_of_each(&self, mirrors: usize) -> u64 {
        self.prefetch / (mirrors as u64).max(1)
    }
}
