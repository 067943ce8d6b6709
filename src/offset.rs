//! Tells offsets of the source and of the target apart, so that one cannot be taken for the other, and says where
//! reading goes on.

use std::fmt;

macro_rules! offset {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Wraps an offset as Kafka counts it, from 0.
            pub const fn new(offset: i64) -> Self {
                Self(offset)
            }

            /// The number itself.
            pub const fn get(self) -> i64 {
                self.0
            }

            /// The offset after this one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }

            /// The offset `count` further on.
            #[must_use]
            pub const fn plus(self, count: u64) -> Self {
                Self(self.0.saturating_add_unsigned(count))
            }

            /// How many offsets lie from `earlier` up to this one; 0 when it is not earlier.
            pub const fn since(self, earlier: Self) -> u64 {
                if self.0 > earlier.0 { self.0.abs_diff(earlier.0) } else { 0 }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

offset! {
    /// A place in a partition of the source. As a position: the next record to read.
    SourceOffset
}
offset! {
    /// A place in a partition of the target.
    TargetOffset
}

/// Counts the leaders that a partition has had (KIP-101): two logs that agree on an offset and on the epoch of the
/// record before it hold the same records up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaderEpoch(i32);

impl LeaderEpoch {
    /// What librdkafka calls `epoch`: negative when it knows none.
    pub fn known(epoch: i32) -> Option<Self> {
        (epoch >= 0).then_some(Self(epoch))
    }

    /// The number itself.
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// Where reading a partition goes on, and by what it is known whether the log is still the same up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The next record to read.
    pub offset: SourceOffset,
    /// Epoch of the record before it, where the source tells (KIP-320).
    pub epoch: Option<LeaderEpoch>,
}

impl Position {
    /// A position of which only the offset is known.
    pub const fn at(offset: SourceOffset) -> Self {
        Self {
            offset,
            epoch: None,
        }
    }
}
