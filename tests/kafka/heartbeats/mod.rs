//! Java's own `MirrorClient` reads kmirror's heartbeats, and tells from them what is upstream and how far away.

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::broker::KafkaBroker;
use crate::jars;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;

const DEADLINE: Duration = Duration::from_secs(120);
const TOPOLOGY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/kafka/heartbeats/Topology.java"
);

/// What the program says of the cluster at `bootstrap`, seen from there.
fn topology(bootstrap: &str) -> anyhow::Result<String> {
    let output = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"])
        .args([&jars::class_path()?, TOPOLOGY, bootstrap, "a", "b", "c"])
        .output()
        .context("run java: the real-Kafka suite needs a JDK of version 17")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn javas_mirror_client_sees_the_topology_of_a_chain() -> Outcome {
    let names = ["a", "b", "c"];
    let starting = names.map(|name| thread::spawn(move || KafkaBroker::start(name)));
    let mut brokers = Vec::new();
    for broker in starting {
        brokers.push(broker.join().expect("a broker starts or says why not")?);
    }
    let mut yaml = "clusters:\n".to_owned();
    for (name, broker) in names.iter().zip(&brokers) {
        yaml += &format!(
            "  {name}: {{ bootstrap_servers: {:?} }}\n",
            broker.bootstrap()
        );
    }
    // The first leaves its source alone; the second writes there, too, and keeps the names of topics.
    yaml += "mirrors:
  - { source: a, target: b, topics: [orders] }
  - { source: b, target: c, topics: [orders], target_topic: '{topic}', heartbeats: both }
http: { listen: '127.0.0.1:0' }
log: { format: json }
";
    let config = ConfigFile::of(&yaml)?;
    let _daemon = Daemon::start("kmirror", &config)?;
    let mut last = brokers[2].client();
    eventually("heartbeats have come all the way", DEADLINE, || {
        for topic in ["heartbeats", "b.heartbeats", "b.a.heartbeats"] {
            ensure!(last.total_end(topic)? > 0, "{topic} is empty");
        }
        anyhow::Ok(())
    });
    let seen = topology(&brokers[2].bootstrap())?;
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "heartbeat topics [b.a.heartbeats, b.heartbeats, heartbeats]",
            "upstream clusters [a, b]",
            "hops from a 2 2",
            "hops from b 1 1",
            "hops from c -1 -1",
            "newest of b.a.heartbeats a to b, new",
        ]
    );
    // Both mirrors write to b, so that either may be the newest of its heartbeats.
    assert!(
        lines[6].starts_with("newest of b.heartbeats ") && lines[6].ends_with(", new"),
        "{seen}"
    );
    assert_eq!(lines[7], "newest of heartbeats b to c, new");
    Ok(())
}
