//! The harness judged by itself: brokers that stop, die, freeze and come back, and a ledger that tells the truth about them.

use std::time::Duration;

use anyhow::Result;

use crate::broker::KafkaBroker;
use crate::support::client::Client;
use crate::support::codec::Codec;
use crate::support::compare::{self, Kind, Timestamps};
use crate::support::ledger::{Ledger, Writer};
use crate::support::outcome::Outcome;
use crate::support::record::{Record, TimestampType};
use crate::support::wait::eventually;
use crate::support::workload;

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_broker_keeps_its_data_and_address_through_stop_and_kill() -> Outcome {
    let mut broker = KafkaBroker::start("broker")?;
    let address = broker.bootstrap();
    broker.client().create_topic("kept", 1, &[])?;
    for round in 0..3 {
        broker
            .client()
            .produce("kept", 0, &[Record::at(round).value("v")], Codec::None)?;
        match round {
            0 => broker.stop()?,
            _ => broker.kill()?,
        }
        assert!(
            broker.client().topics().is_err(),
            "a broker that is down answers nobody"
        );
        broker.restart()?;
        assert_eq!(broker.bootstrap(), address);
        let held = eventually("the partition is led again", SOON, || {
            broker.client().log_end("kept", 0)
        });
        assert_eq!(held, round + 1);
    }
    Ok(())
}

#[test]
fn a_frozen_broker_answers_once_it_thaws() -> Outcome {
    let mut broker = KafkaBroker::start("broker")?;
    broker.pause()?;
    let asked = std::thread::spawn({
        let mut client = broker.client();
        move || client.topics()
    });
    // Frozen for a while that is much longer than an answer takes.
    std::thread::sleep(Duration::from_secs(2));
    assert!(!asked.is_finished(), "a frozen broker answers nobody");
    broker.resume()?;
    asked.join().expect("no panic")?;
    Ok(())
}

#[test]
fn what_is_written_is_what_is_read_under_every_codec_and_timestamp_type() -> Outcome {
    let broker = KafkaBroker::start("broker")?;
    let mut client = broker.client();
    for timestamp_type in ["CreateTime", "LogAppendTime"] {
        let topic = format!("written-{timestamp_type}");
        client.create_topic(
            &topic,
            5,
            &[
                ("message.timestamp.type", timestamp_type),
                ("max.message.bytes", "9000000"),
            ],
        )?;
        let mut writer = Writer::new(&mut client, &topic)?;
        for (partition, codec) in (0..).zip(Codec::ALL) {
            writer.write_all(partition, workload::peculiar(1_700_000_000_000), 7, codec)?;
            writer.write_all(partition, workload::mixed(partition, 2_000), 500, codec)?;
            writer.write_all(partition, workload::large(), 1, codec)?;
        }
        let written = writer.written;
        let read = Ledger::read(&mut client, &topic)?;
        assert_eq!(written.differs_from(&read), None, "{topic}");
        let appended = read
            .partitions
            .iter()
            .flatten()
            .all(|entry| entry.timestamp_type == TimestampType::LogAppendTime);
        assert_eq!(appended, timestamp_type == "LogAppendTime");
    }
    Ok(())
}

#[test]
fn a_copy_with_one_loss_and_one_replay_is_told_as_such() -> Outcome {
    let broker = KafkaBroker::start("broker")?;
    let mut client = broker.client();
    client.create_topic("original", 2, &[])?;
    client.create_topic("copy", 2, &[])?;
    let mut writer = Writer::new(&mut client, "original")?;
    for partition in 0..2 {
        writer.write_all(
            partition,
            workload::mixed(partition, 1_000),
            100,
            Codec::Lz4,
        )?;
    }
    copy(&mut client, 0, 0..1_000)?;
    copy(&mut client, 1, 0..400)?;
    copy(&mut client, 1, 401..700)?; // offset 400 is lost
    copy(&mut client, 1, 650..1_000)?; // offsets 650 to 699 twice
    let [mut source, mut target] = [broker.client(), broker.client()];
    let found = compare::topics(
        (&mut source, "original"),
        (&mut target, "copy"),
        Timestamps::Exact,
    )?;
    assert_eq!(
        (found.lost, found.duplicated, found.rewinds),
        (1, 50, 1),
        "{found}"
    );
    assert_eq!(
        (found.reordered, found.altered, found.foreign),
        (0, 0, 0),
        "{found}"
    );
    let first = |kind| {
        found
            .first
            .iter()
            .find(|difference| difference.kind == kind)
            .map(|known| known.source_offset)
    };
    assert_eq!(first(Kind::Lost), Some(Some(400)), "{found}");
    assert_eq!(first(Kind::Duplicated), Some(Some(650)), "{found}");
    assert!(
        found.to_string().contains("source: CreateTime timestamp"),
        "the records are described: {found}"
    );
    Ok(())
}

fn copy(client: &mut Client, partition: i32, offsets: std::ops::Range<i64>) -> Result<()> {
    let mut records = Vec::new();
    client.read("original", partition, offsets, |stored| {
        records.push(stored.record)
    })?;
    client.produce("copy", partition, &records, Codec::None)?;
    Ok(())
}
