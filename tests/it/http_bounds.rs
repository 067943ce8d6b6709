//! What strangers at the HTTP listener cannot do: use up the daemon's files, or hold up its records.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::{SOON, Sites, await_ready};
use crate::support::daemon::Daemon;
use crate::support::wait::eventually;

const STRANGERS: usize = 1_000;

/// What the daemon may have open for them, with some room for its own business.
const MOST_FILES: usize = 100;

/// This process holds the other ends.
fn allow_many_files() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let all = Rlimit {
        current: maximum,
        maximum,
    };
    Ok(setrlimit(Resource::Nofile, all)?)
}

/// So many threads come with them: those whom the kernel keeps waiting at the door wait together.
const AT_ONCE: usize = 50;

/// Connections that ask for `/metrics` and never read; or say nothing at all. Not all of them are let in.
fn strangers(daemon: &Daemon) -> Result<Vec<TcpStream>> {
    let address = daemon.http().parse()?;
    let come = move |number: usize| {
        let patience = Duration::from_millis(200);
        let mut stream = TcpStream::connect_timeout(&address, patience).ok()?;
        if number.is_multiple_of(2) {
            let asked = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: kmirror\r\n\r\n");
            asked.ok()?;
        }
        Some(stream)
    };
    let crowds = (0..AT_ONCE).map(|_| {
        let crowd = move || {
            (0..STRANGERS / AT_ONCE)
                .filter_map(come)
                .collect::<Vec<_>>()
        };
        thread::spawn(crowd)
    });
    let crowds: Vec<_> = crowds.collect();
    let crowds = crowds
        .into_iter()
        .map(|crowd| crowd.join().expect("no panic"));
    Ok(crowds.flatten().collect())
}

#[test]
fn a_thousand_strangers_take_few_files_and_hold_up_no_record() -> Result<()> {
    allow_many_files()?;
    let (mut sites, _config, daemon) = Sites::mirrored(2, 100)?;
    let before = daemon.open_files()?;
    let strangers = strangers(&daemon)?;
    ensure!(strangers.len() > 64, "only {} were let in", strangers.len());
    sites.write("orders", 100, 1_000)?;
    sites.await_committed("orders");
    let open = daemon.open_files()?;
    ensure!(open <= before + MOST_FILES, "{open} files, {before} before");
    drop(strangers);
    await_ready(&daemon, 200);
    eventually("their places are free", SOON, || {
        let open = daemon.open_files()?;
        ensure!(open <= before + 8, "{open} files, {before} before");
        Ok(())
    });
    sites.assert_exact("orders")
}

/// Far more than the system buffers between the two.
const MOST_TAKEN: usize = 32 << 20;

/// Writes a header that never ends, as long as the daemon takes it; answers how many bytes it took.
fn endless_request(address: &str) -> Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_write_timeout(Some(SOON))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nX: ")?;
    let (chunk, mut taken) = ([b'x'; 1 << 16], 0);
    while taken <= MOST_TAKEN && stream.write_all(&chunk).is_ok() {
        taken += chunk.len();
    }
    Ok(taken)
}

#[test]
fn requests_without_end_are_cut_off_and_take_no_memory() -> Result<()> {
    let (mut sites, _config, daemon) = Sites::mirrored(2, 100)?;
    let before = daemon.resident_bytes()?;
    for _ in 0..8 {
        let taken = endless_request(daemon.http())?;
        ensure!(taken <= MOST_TAKEN, "{taken} bytes were taken");
    }
    let resident = daemon.resident_bytes()?;
    ensure!(
        resident < before + (16 << 20),
        "{resident} bytes, {before} before"
    );
    sites.write("orders", 100, 100)?;
    sites.await_committed("orders");
    await_ready(&daemon, 200);
    sites.assert_exact("orders")
}
