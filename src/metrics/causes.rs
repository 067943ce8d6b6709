//! Names the causes that metrics are labelled with.

/// Where an error came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading from the source.
    Consume,
    /// Writing to the target.
    Produce,
    /// Committing positions on the source.
    Commit,
    /// The offset map and translated offsets.
    Offsets,
    /// Discovery and topic creation.
    Control,
}

impl Stage {
    /// As in the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consume => "consume",
            Self::Produce => "produce",
            Self::Commit => "commit",
            Self::Offsets => "offsets",
            Self::Control => "control",
        }
    }
}

/// Why source offsets have no copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped {
    /// The source deleted them before they were read.
    Retention,
    /// The source log was cut back and went on differently.
    Truncation,
    /// The target refused the record for good (`on_rejected: skip`).
    Rejected,
}

impl Skipped {
    /// Every cause.
    pub const ALL: [Self; 3] = [Self::Retention, Self::Truncation, Self::Rejected];

    /// As in the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Truncation => "truncation",
            Self::Rejected => "rejected",
        }
    }
}

/// Why an offset of a group was not written to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// The group has members there.
    Active,
    /// The group is further on there.
    Backwards,
    /// The offset is beyond what is mirrored.
    NotMirrored,
    /// Nobody knows what became of the offset.
    Unknown,
    /// The target has deleted what stood there: where its log begins is written instead.
    Deleted,
    /// The copy is written by others, too, so that there is no one offset for the group.
    Shared,
    /// The cluster does not allow it.
    Denied,
    /// The cluster answered with another error.
    Failed,
}

impl Refused {
    /// As in the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Backwards => "backwards",
            Self::NotMirrored => "not_mirrored",
            Self::Unknown => "unknown",
            Self::Deleted => "deleted",
            Self::Shared => "shared",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}
