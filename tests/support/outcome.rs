//! How a test ends that meets an error: by a panic at its `?`, so that the processes it still holds show their logs.

use std::convert::Infallible;

/// What a test returns that may use `?` on the results of this module.
pub type Outcome = Result<(), Failed>;

/// Never made: turning an error into it panics.
#[derive(Debug)]
pub struct Failed(Infallible);

impl From<anyhow::Error> for Failed {
    #[track_caller]
    fn from(error: anyhow::Error) -> Self {
        panic!("{error:?}")
    }
}
