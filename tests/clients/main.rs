//! The in-tree cluster judged by the clients people use: kcat, kafka-python, kafkajs and Kafka's own console tools.
//!
//! Each test starts a cluster in this process and drives it by child processes. What a client needs is fetched into
//! the build's target directory, in the exact version named here; kcat, Python 3 with pip, Node.js with npm, Java 17
//! and Maven have to be installed. A tool that is missing fails its test and is named.

mod child;
#[path = "../kafka/jars.rs"]
mod jars;
mod java;
mod javascript;
mod kcat;
mod packages;
mod python;

use kmirror_broker::Cluster;

/// Three nodes on free ports: leaders and coordinators are spread, as in any cluster one meets.
async fn cluster() -> Cluster {
    Cluster::builder()
        .nodes(3)
        .start()
        .await
        .expect("the cluster starts")
}
