//! Halves of frames, noise, answers that trickle or never come: got over within a bounded time, without a leak.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use kmirror_broker::{Api, Cluster, ErrorCode, Fault, Rule};

use super::{RECORDS, orders};
use crate::harness::{SOON, Site, Sites, await_cluster_up, await_ready, copy_of};
use crate::support::codec::Codec;
use crate::support::config_file::Config;
use crate::support::daemon::Daemon;
use crate::support::ledger::Writer;
use crate::support::wait::eventually;
use crate::support::workload;

/// The topic of the offset maps.
const MAPS: &str = "__kmirror_offsets";

/// What the source is asked for while it is mirrored.
const ASKED_OF_SOURCE: [Api; 10] = [
    Api::ApiVersions,
    Api::Metadata,
    Api::FindCoordinator,
    Api::JoinGroup,
    Api::SyncGroup,
    Api::OffsetFetch,
    Api::ListOffsets,
    Api::Fetch,
    Api::OffsetCommit,
    Api::Heartbeat,
];

/// What the target is asked for.
const ASKED_OF_TARGET: [Api; 7] = [
    Api::ApiVersions,
    Api::Metadata,
    Api::DescribeConfigs,
    Api::CreateTopics,
    Api::ListOffsets,
    Api::InitProducerId,
    Api::Produce,
];

/// A mirror that waits for answers less long than it does by default.
fn impatient(sites: &Sites) -> Config {
    sites
        .config(&["orders"])
        .set("commit_interval", "100ms")
        .client("socket.timeout.ms", "3000")
        .client("api.version.request.timeout.ms", "2000")
        .client("heartbeat.interval.ms", "500")
}

/// Installs a fault for each API.
fn on_each(site: &Site, apis: &[Api], fault: fn(Rule) -> Fault) -> Vec<Fault> {
    apis.iter().map(|api| fault(site.on(*api))).collect()
}

/// What a process asks that finds more in the copies than it knows of: with what histories the source goes on, where the
/// copies and the maps end, what is in the maps, and, on both sides, behind what they tell.
fn on_look_back(sites: &Sites, fault: fn(Rule) -> Fault) -> Vec<Fault> {
    let (source, target) = (&sites.source.cluster(), &sites.target.cluster());
    let of = |cluster: &&Cluster, api, client: &str| cluster.faults().on(api).client(client);
    let rules = [
        of(source, Api::OffsetForLeaderEpoch, "kmirror*"),
        of(source, Api::Fetch, "kmirror-lookback"),
        of(target, Api::ListOffsets, "kmirror*").topic(copy_of("orders")),
        of(target, Api::ListOffsets, "kmirror*").topic(MAPS),
        of(target, Api::Fetch, "kmirror-offsets-*"),
        of(target, Api::Fetch, "kmirror-lookback"),
    ];
    rules.into_iter().map(fault).collect()
}

/// Mirrors while each API of both clusters fares as `fault` says, in a first process and in one that begins where the first
/// was killed.
fn exact_through(fault: fn(Rule) -> Fault) -> Result<()> {
    let mut sites = orders(1)?;
    let mut faults = on_each(&sites.source, &ASKED_OF_SOURCE, fault);
    faults.extend(on_each(&sites.target, &ASKED_OF_TARGET, fault));
    let config = impatient(&sites)
        // A group may take this long to let a member join, and its answer is waited for as long.
        .client("session.timeout.ms", "6000")
        .client("max.poll.interval.ms", "6000")
        .write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    await_each_struck(&sites, &faults);
    sites.await_committed("orders");
    let maps = sites.target.cluster().faults();
    let maps = maps.on(Api::Produce).topic(MAPS);
    let unsaved = maps.fail(ErrorCode::KafkaStorageError);
    // Not to all: behind what is found in a copy, the source is asked for no history.
    let more = (RECORDS..RECORDS + 500).map(|index| workload::typical(0, index));
    let mut writer = Writer::new(&mut sites.source.client, "orders")?;
    writer.write_all(0, more, 500, Codec::Lz4)?;
    sites.await_copied("orders");
    daemon.kill()?;
    unsaved.remove();
    let faults = on_look_back(&sites, fault);
    let _next = Daemon::start("next", &config)?;
    await_each_struck(&sites, &faults);
    sites.await_committed("orders");
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

#[track_caller]
fn await_each_struck(sites: &Sites, faults: &[Fault]) {
    for fault in faults {
        sites.source.await_hits(fault, 1);
    }
}

#[test]
fn halves_of_frames_are_got_over() -> Result<()> {
    exact_through(|rule| rule.first(2).half_response())
}

#[test]
fn noise_in_the_place_of_answers_is_got_over() -> Result<()> {
    exact_through(|rule| rule.first(2).garbage())
}

#[test]
fn answers_that_never_come_are_got_over() -> Result<()> {
    exact_through(|rule| rule.first(2).hang())
}

#[test]
fn answers_that_trickle_are_waited_for() -> Result<()> {
    exact_through(|rule| rule.first(2).trickle(50_000))
}

#[test]
fn a_cluster_that_accepts_and_never_answers_is_told_and_harms_no_other_mirror() -> Result<()> {
    harms_no_other_mirror(|_| {})
}

#[test]
fn a_cluster_that_speaks_another_language_is_told_and_harms_no_other_mirror() -> Result<()> {
    harms_no_other_mirror(|stream| {
        // The client may have hung up on it already.
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    })
}

/// Mirrors beside a mirror whose source does to each connection what `peer` does, and then keeps it open.
fn harms_no_other_mirror(peer: fn(&mut TcpStream)) -> Result<()> {
    let mut sites = orders(1)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    // Ends with the process of the test.
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            open.extend(stream.ok().map(|mut stream| {
                peer(&mut stream);
                stream
            }));
        }
    });
    let config = impatient(&sites).beside(&address).write()?;
    let mut daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    await_cluster_up(&daemon, "other", 0.0);
    let told = await_ready(&daemon, 503);
    assert!(told.contains("other"), "{told}");
    // Long enough for several attempts to reach it, which time out after 3 s at most, and before that for clients that are
    // rarely needed to have connected.
    let a_while = Duration::from_secs(12);
    thread::sleep(a_while);
    let (files, resident) = (daemon.open_files()?, daemon.resident_bytes()?);
    thread::sleep(a_while);
    assert_no_leak(&daemon, files, resident)?;
    sites.write("orders", RECORDS, 500)?;
    sites.await_committed("orders");
    let ended = daemon.terminate(SOON)?;
    assert_eq!(ended.code(), Some(0));
    sites.assert_exact("orders")
}

/// Files of the connections that come and go at any time.
const COME_AND_GO: usize = 4;

/// Rounds of writing, in each of which connections are lost.
const ROUNDS: usize = 10;

/// Writes to the source in so many rounds, while connections are lost all the time; answers with the most files that the daemon
/// had open after one of them, and in the end.
fn lose_connections(sites: &mut Sites, daemon: &Daemon, rounds: Range<usize>) -> Result<usize> {
    let (source, target) = (&sites.source, &sites.target);
    let lost = [
        source.on(Api::Fetch).probability(0.3).half_response(),
        source.on(Api::OffsetCommit).probability(0.3).drop_after(),
        target.on(Api::Produce).probability(0.3).drop_after(),
        target.on(Api::Metadata).probability(0.3).drop_before(),
    ];
    let mut files = 0;
    for round in rounds {
        sites.write("orders", RECORDS + round * 100, 100)?;
        sites.await_copied("orders");
        files = files.max(daemon.open_files()?);
    }
    let hits: u64 = lost.iter().map(Fault::hits).sum();
    assert!(hits > 10, "only {hits} connections were lost");
    lost.iter().for_each(Fault::remove);
    sites.await_committed("orders");
    Ok(files.max(daemon.open_files()?))
}

#[test]
fn connections_that_are_lost_all_the_time_leave_nothing_behind() -> Result<()> {
    let mut sites = orders(1)?;
    let config = impatient(&sites).write()?;
    let daemon = Daemon::start("daemon", &config)?;
    sites.await_committed("orders");
    let mut files = vec![lose_connections(&mut sites, &daemon, 0..ROUNDS)?];
    let resident = daemon.resident_bytes()?;
    // Clients that are needed now and then are opened when they first are, sooner or later: what is left behind makes more
    // each time.
    loop {
        let (times, before) = (files.len(), files[files.len() - 1]);
        assert!(times < 6, "more files are open each time: {files:?}");
        let rounds = times * ROUNDS..(times + 1) * ROUNDS;
        files.push(lose_connections(&mut sites, &daemon, rounds)?);
        if files[times] <= before + COME_AND_GO {
            break;
        }
    }
    assert_no_leak(&daemon, files[files.len() - 1], resident)?;
    sites.assert_no_position_moved_back("orders");
    sites.assert_exact("orders")
}

/// # Panics
/// When the daemon has more files open than it had, or much more memory.
fn assert_no_leak(daemon: &Daemon, files: usize, resident: u64) -> Result<()> {
    eventually("no more files are open than before", SOON, || {
        let now = daemon.open_files()?;
        ensure!(
            now <= files + COME_AND_GO,
            "{now} files are open, {files} were"
        );
        Ok(())
    });
    let grown = daemon.resident_bytes()?.saturating_sub(resident);
    assert!(grown < 16 << 20, "{grown} bytes more than {resident}");
    Ok(())
}
