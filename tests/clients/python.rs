//! kafka-python: a client without librdkafka or Java, which infers the broker's version from what it offers.

use std::process::Command;

use crate::child::run;
use crate::{cluster, packages};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/kafka_python.py");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_python_administers_produces_transacts_and_consumes_in_a_group() {
    let cluster = cluster().await;
    let mut python = Command::new("python3");
    python
        .arg(PROGRAM)
        .arg(cluster.bootstrap_servers())
        .env("PYTHONPATH", packages::kafka_python());
    assert_eq!(
        run(&mut python, "", "Python 3").trim(),
        "kafka-python is content"
    );
    cluster.shutdown().await;
}
