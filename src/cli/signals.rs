//! Waits for signals: SIGTERM and SIGINT, the first for a clean end, the second for one at once; SIGHUP to read the file
//! again.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Failure;

/// Both signals, caught from its creation on.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Catches the signals; without this they kill.
    pub(super) fn catch() -> Result<Self, Failure> {
        let catch =
            |kind| signal(kind).map_err(|error| Failure::internal(format!("signals: {error}")));
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next of either and names it.
    pub(super) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }

    /// Runs `work`, which ends the process cleanly, unless another signal ends it at once.
    pub(super) async fn unless_again<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            result = work => result,
            again = self.next() => std::process::exit(again.code()),
        }
    }
}

/// SIGHUP, caught from its creation on.
pub(super) struct ReloadSignal(Signal);

impl ReloadSignal {
    /// Catches it; without this it kills.
    pub(super) fn catch() -> Result<Self, Failure> {
        let caught = signal(SignalKind::hangup());
        let caught = caught.map_err(|error| Failure::internal(format!("signals: {error}")))?;
        Ok(Self(caught))
    }

    /// Waits for the next.
    pub(super) async fn next(&mut self) {
        // `None` means that no more can come, which the runtime does not do.
        self.0.recv().await;
    }
}

/// A signal that asks to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StopSignal {
    Terminate,
    Interrupt,
}

impl StopSignal {
    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// What shells report for a process that the signal killed.
    fn code(self) -> i32 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }
}
