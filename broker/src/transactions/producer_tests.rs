//! Claims about one transactional id: who speaks for it, and how its transactions end.

use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;

use super::producer::{Identity, Producer, Stage};
use crate::log::Ending;

const MINUTE: Duration = Duration::from_secs(60);

fn producer() -> Producer {
    Producer::new("orders", 7, MINUTE)
}

fn of(producer_id: i64, epoch: i16) -> Identity {
    Identity { producer_id, epoch }
}

#[test]
fn who_brings_another_id_or_another_epoch_is_not_heard() {
    let producer = producer();
    assert_eq!(producer.check(of(7, 0)), Ok(()));
    assert_eq!(
        producer.check(of(8, 0)),
        Err(ResponseError::InvalidProducerIdMapping)
    );
    for epoch in [-1, 1] {
        let checked = producer.check(of(7, epoch));
        assert_eq!(checked, Err(ResponseError::ProducerFenced), "{epoch}");
    }
}

#[test]
fn a_producer_that_recovers_may_ask_twice_until_somebody_new_comes() {
    let mut producer = producer();
    producer.renew(Some(of(7, 0)), None, MINUTE);
    assert_eq!(producer.identity, of(7, 1));
    assert_eq!(producer.check_claim(Some(of(7, 0))), Ok(()));
    assert!(producer.has_met(Some(of(7, 0))));
    producer.renew(None, None, MINUTE);
    assert_eq!(producer.identity, of(7, 2));
    for claim in [of(7, 0), of(7, 1), of(6, 2)] {
        let checked = producer.check_claim(Some(claim));
        assert_eq!(checked, Err(ResponseError::ProducerFenced), "{claim:?}");
    }
}

#[test]
fn a_producer_id_whose_epochs_are_used_up_is_replaced() {
    let mut producer = producer();
    producer.identity.epoch = i16::MAX - 1;
    assert!(producer.is_exhausted());
    let last = producer.identity;
    producer.renew(Some(last), Some(8), MINUTE);
    assert_eq!(producer.identity, of(8, 0));
    assert!(producer.has_met(Some(last)));
}

#[test]
fn records_are_taken_for_the_partitions_that_were_added_while_it_is_open() {
    let mut producer = producer();
    let closed = Err(ResponseError::InvalidTxnState);
    assert_eq!(producer.check_append(of(7, 0), "orders", 0), closed);
    producer
        .add_partitions(&[("orders", 0)], Instant::now())
        .expect("nothing is ending");
    assert_eq!(producer.check_append(of(7, 0), "orders", 0), Ok(()));
    assert_eq!(producer.check_append(of(7, 0), "orders", 1), closed);
    assert_eq!(
        producer.check_append(of(7, 1), "orders", 0),
        Err(ResponseError::InvalidProducerEpoch)
    );
    producer.end(Ending::Commit).expect("it is open");
    assert_eq!(producer.check_append(of(7, 0), "orders", 0), closed);
}

#[test]
fn an_end_may_be_said_again_but_not_taken_back() {
    let mut producer = producer();
    let wrong = Err(ResponseError::InvalidTxnState);
    assert_eq!(producer.end(Ending::Commit), wrong, "nothing was begun");
    for (ending, other) in [
        (Ending::Commit, Ending::Abort),
        (Ending::Abort, Ending::Commit),
    ] {
        producer
            .add_partitions(&[("orders", 0)], Instant::now())
            .expect("nothing is ending");
        assert_eq!(producer.end(ending), Ok(()));
        assert_eq!(producer.end(ending), Ok(()));
        assert_eq!(producer.end(other), wrong);
        producer.stage = Stage::Ended(ending);
        assert_eq!(producer.end(ending), Ok(()));
        assert_eq!(producer.end(other), wrong);
    }
}

#[test]
fn fencing_silences_the_producer_and_aborts_what_is_open() {
    let mut producer = producer();
    producer.fence();
    assert_eq!(producer.stage, Stage::Idle);
    producer
        .add_partitions(&[("orders", 0)], Instant::now())
        .expect("nothing is ending");
    producer.fence();
    assert_eq!(producer.identity, of(7, 2));
    assert!(matches!(producer.stage, Stage::Ending(Ending::Abort, _)));
}

#[test]
fn a_transaction_is_due_when_its_time_is_up_and_a_restart_begins_it_anew() {
    let mut producer = producer();
    let now = Instant::now();
    assert!(!producer.is_due(now + MINUTE), "nothing is open");
    producer
        .add_partitions(&[("orders", 0)], now)
        .expect("nothing is ending");
    assert!(!producer.is_due(now + MINUTE - Duration::from_millis(1)));
    assert!(producer.is_due(now + MINUTE));
    let mut old = producer.clone();
    if let Stage::Open(transaction) = &mut old.stage {
        transaction.began = now.checked_sub(2 * MINUTE).unwrap_or(now);
    }
    let written = serde_json::to_string(&old).expect("it can be written");
    let loaded: Producer = serde_json::from_str(&written).expect("it can be read");
    assert!(!loaded.is_due(now + MINUTE - Duration::from_millis(1)));
}
