//! Tells systemd that the process is ready, alive and stopping (sd_notify(3)); where no supervisor listens, nothing.
//!
//! The protocol is a datagram with a line of text, so it takes no library.

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior};

/// Whoever started the process and wants to be told.
pub(super) struct Supervisor {
    socket: Option<UnixDatagram>,
    /// Half of the time after which a process that says nothing is ended, as sd_watchdog_enabled(3) advises.
    watchdog: Option<Interval>,
}

impl Supervisor {
    /// The one that the environment names, if there is one.
    pub(super) fn from_env() -> Self {
        let socket = env::var("NOTIFY_SOCKET").ok().and_then(|address| {
            let socket = connect(&address);
            let told = socket.inspect_err(
                |error| tracing::warn!(address, %error, "the supervisor cannot be told anything"),
            );
            told.ok()
        });
        let watchdog = socket.as_ref().and_then(|_| watchdog()).map(|longest| {
            let mut interval = tokio::time::interval(longest / 2);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Self { socket, watchdog }
    }

    /// Everything is started.
    pub(super) fn ready(&self) {
        self.say("READY=1");
    }

    /// The process drains.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// Says again and again that the process is alive, from the task that calls this: one that is stuck says nothing.
    /// Never ends. Cancel-safe.
    pub(super) async fn keep_alive(&mut self) {
        let Some(watchdog) = &mut self.watchdog else {
            return std::future::pending().await;
        };
        loop {
            watchdog.tick().await;
            if let Some(socket) = &self.socket {
                send(socket, "WATCHDOG=1");
            }
        }
    }

    /// Does `work`, alive all the while.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            () = self.keep_alive() => unreachable!("it never ends"),
        }
    }

    fn say(&self, what: &str) {
        if let Some(socket) = &self.socket {
            send(socket, what);
        }
    }
}

/// A supervisor that has gone, or whose queue is full, is not worth a stop: it will judge by itself.
fn send(socket: &UnixDatagram, what: &str) {
    if let Err(error) = socket.send(what.as_bytes()) {
        tracing::debug!(what, %error, "the supervisor was not told");
    }
}

fn connect(address: &str) -> std::io::Result<UnixDatagram> {
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address)?;
    // What waits for its supervisor copies no records.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// After how long without a word this process is ended; `None` where that is not asked for, or of another process.
fn watchdog() -> Option<Duration> {
    let of_another = env::var("WATCHDOG_PID").is_ok_and(|id| id != std::process::id().to_string());
    let longest = env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    (!of_another && longest > 1).then(|| Duration::from_micros(longest))
}
