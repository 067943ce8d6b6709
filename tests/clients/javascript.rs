//! kafkajs: it speaks the old versions of the protocol only.

use std::process::Command;

use crate::child::run;
use crate::{cluster, packages};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/kafkajs.js");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafkajs_administers_produces_transacts_and_consumes_in_a_group() {
    let cluster = cluster().await;
    let mut node = Command::new("node");
    node.arg(PROGRAM)
        .arg(cluster.bootstrap_servers())
        .env("NODE_PATH", packages::kafkajs());
    node.env("KAFKAJS_NO_PARTITIONER_WARNING", "1");
    assert_eq!(run(&mut node, "", "Node.js").trim(), "kafkajs is content");
    cluster.shutdown().await;
}
