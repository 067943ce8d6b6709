//! Three clusters that hold the same topic, mirrored both ways between any two of them.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::broker::KafkaBroker;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::config_file::ConfigFile;
use crate::support::daemon::Daemon;
use crate::support::decode::Stored;
use crate::support::ledger::Writer;
use crate::support::outcome::Outcome;
use crate::support::wait::eventually;
use crate::support::workload;

const DEADLINE: Duration = Duration::from_secs(120);

const NAMES: [&str; 3] = ["paris", "dublin", "oslo"];

/// Each cluster is written to so many times, and so often.
const ROUNDS: usize = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// Records of one round on one cluster.
const RECORDS: usize = 200;

fn config(brokers: &[KafkaBroker], ways: &[(usize, usize)]) -> anyhow::Result<ConfigFile> {
    let mut yaml = "clusters:\n".to_owned();
    for (name, broker) in NAMES.iter().zip(brokers) {
        let servers = broker.bootstrap();
        yaml += &format!("  {name}: {{ bootstrap_servers: {servers:?} }}\n");
    }
    yaml += "mirrors:\n";
    for (from, to) in ways {
        yaml += &format!(
            "  - {{ source: {}, target: {}, topics: [orders], target_topic: '{{topic}}', provenance: header }}\n",
            NAMES[*from], NAMES[*to]
        );
    }
    yaml += "http: { listen: '127.0.0.1:0' }\nlog: { format: json }\n";
    ConfigFile::of(&yaml)
}

/// Values of the records that a cluster holds, sorted.
fn values(client: &mut Client) -> anyhow::Result<Vec<Vec<u8>>> {
    let end = client.log_end("orders", 0)?;
    let mut values = Vec::new();
    let each = |stored: Stored| values.push(stored.record.value.unwrap_or_default().to_vec());
    client.read("orders", 0, 0..end, each)?;
    values.sort();
    Ok(values)
}

#[test]
fn a_triangle_mirrored_both_ways_for_a_minute_sends_no_record_home_and_none_twice() -> Outcome {
    let starting = NAMES.map(|name| thread::spawn(move || KafkaBroker::start(name)));
    let mut brokers = Vec::new();
    for broker in starting {
        brokers.push(broker.join().expect("a broker starts or says why not")?);
    }
    let pairs = (0..3).flat_map(|from| (0..3).map(move |to| (from, to)));
    let ways: Vec<_> = pairs.filter(|(from, to)| from != to).collect();
    let mut clients: Vec<_> = brokers.iter().map(KafkaBroker::client).collect();
    for client in &mut clients {
        client.create_topic("orders", 1, &[])?;
    }
    let config = config(&brokers, &ways)?;
    let _daemon = Daemon::start("kmirror", &config)?;
    for round in 0..ROUNDS {
        let begun = Instant::now();
        for (number, client) in clients.iter_mut().enumerate() {
            let first = (round * NAMES.len() + number) * RECORDS;
            let records = (first..first + RECORDS).map(|index| workload::typical(0, index));
            Writer::new(client, "orders")?.write_all(0, records, RECORDS, Codec::Lz4)?;
        }
        thread::sleep(PAUSE.saturating_sub(begun.elapsed()));
    }
    let all = ROUNDS * NAMES.len() * RECORDS;
    for client in &mut clients {
        eventually("all records have arrived", DEADLINE, || {
            let held = client.total_end("orders")?;
            ensure!(held >= i64::try_from(all)?, "{held} of {all}");
            anyhow::Ok(())
        });
    }
    // Whatever came last was looked at in every direction, and nothing came of it.
    for (from, to) in ways {
        let group = format!("kmirror.{}-{}.orders", NAMES[from], NAMES[to]);
        let client = &mut clients[from];
        eventually(&format!("{group} has read everything"), DEADLINE, || {
            let lag = client.group_lag(&group, "orders")?;
            ensure!(lag == 0, "lag {lag}");
            anyhow::Ok(())
        });
    }
    for client in &mut clients {
        let mut values = values(client)?;
        let held = values.len();
        values.dedup();
        assert_eq!((held, values.len()), (all, all));
    }
    Ok(())
}
