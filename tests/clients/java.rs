//! Kafka's own console tools: the Java clients of 4.1, which refuse a broker that offers less than they count on.

use std::process::Command;

use kmirror_broker::{Api, Cluster};

use crate::child::run;
use crate::{cluster, jars};

const NEEDS: &str = "Java 17";
const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const PRODUCER: &str = "org.apache.kafka.tools.ConsoleProducer";
const CONSUMER: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const CONFIGS: &str = "kafka.admin.ConfigCommand";

const PERFORMANCE: &str = "org.apache.kafka.tools.ProducerPerformance";

fn tool(cluster: &Cluster, main_class: &str, arguments: &[&str], input: &str) -> String {
    let servers = cluster.bootstrap_servers();
    let bootstrap = ["--bootstrap-server", &servers];
    run_class(main_class, &[&bootstrap, arguments].concat(), input)
}

fn run_class(main_class: &str, arguments: &[&str], input: &str) -> String {
    let class_path = jars::class_path().expect("Maven fetches Kafka's jars");
    let mut java = Command::new("java");
    java.args([
        "-XX:TieredStopAtLevel=1",
        "-Xmx256m",
        "-cp",
        &class_path,
        main_class,
    ])
    .args(arguments);
    run(&mut java, input, NEEDS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_topics_and_kafka_configs_administer_a_topic() {
    let cluster = cluster().await;
    let topics = |arguments: &[&str]| tool(&cluster, TOPICS, arguments, "");
    let configs = |arguments: &[&str]| tool(&cluster, CONFIGS, arguments, "");
    let create = [
        "--create",
        "--topic",
        "java-orders",
        "--partitions",
        "3",
        "--config",
        "retention.ms=7200000",
    ];
    topics(&create);
    let described = topics(&["--describe", "--topic", "java-orders"]);
    assert!(
        described.contains("PartitionCount: 3") && described.contains("retention.ms=7200000"),
        "{described}"
    );

    configs(&[
        "--alter",
        "--topic",
        "java-orders",
        "--add-config",
        "retention.ms=3600000,cleanup.policy=[compact,delete]",
    ]);
    let described = configs(&["--describe", "--topic", "java-orders"]);
    assert!(
        described.contains("retention.ms=3600000")
            && described.contains("cleanup.policy=compact,delete"),
        "{described}"
    );
    configs(&[
        "--alter",
        "--topic",
        "java-orders",
        "--delete-config",
        "retention.ms",
    ]);
    assert!(!configs(&["--describe", "--topic", "java-orders"]).contains("retention.ms"));
    assert!(
        configs(&["--describe", "--all", "--broker", "0"]).contains("auto.create.topics.enable")
    );

    topics(&["--alter", "--topic", "java-orders", "--partitions", "5"]);
    assert!(topics(&["--describe", "--topic", "java-orders"]).contains("PartitionCount: 5"));
    topics(&["--delete", "--topic", "java-orders"]);
    assert!(!topics(&["--list"]).contains("java-orders"));
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_consumer_resumes_in_its_group_and_kafka_consumer_groups_shows_it() {
    let cluster = cluster().await;
    let produce = |input: &str| {
        let keyed = [
            "--topic",
            "orders",
            "--compression-codec",
            "zstd",
            "--property",
            "parse.key=true",
        ];
        tool(
            &cluster,
            PRODUCER,
            &[&keyed[..], &["--property", "key.separator=:"]].concat(),
            input,
        )
    };
    let consume = |count: &str| {
        let group = [
            "--topic",
            "orders",
            "--group",
            "java-billing",
            "--from-beginning",
            "--max-messages",
            count,
        ];
        let read = tool(
            &cluster,
            CONSUMER,
            &[&group[..], &["--property", "print.key=true"]].concat(),
            "",
        );
        let mut lines: Vec<String> = read.lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let groups = |arguments: &[&str]| tool(&cluster, GROUPS, arguments, "");
    tool(
        &cluster,
        TOPICS,
        &["--create", "--topic", "orders", "--partitions", "3"],
        "",
    );
    produce("a:1\nb:2\nc:3\n");
    assert_eq!(consume("3"), ["a\t1", "b\t2", "c\t3"]);
    produce("d:4\n");
    assert_eq!(consume("1"), ["d\t4"], "the offsets were committed");

    assert_eq!(groups(&["--list"]).trim(), "java-billing");
    let described = groups(&["--describe", "--group", "java-billing", "--state"]);
    assert!(described.contains("Empty"), "{described}");
    let reset = [
        "--reset-offsets",
        "--group",
        "java-billing",
        "--topic",
        "orders",
        "--to-earliest",
        "--execute",
    ];
    groups(&reset);
    assert_eq!(consume("4"), ["a\t1", "b\t2", "c\t3", "d\t4"]);
    let offsets = groups(&["--describe", "--group", "java-billing", "--offsets"]);
    assert_eq!(
        offsets
            .lines()
            .filter(|line| line.starts_with("java-billing"))
            .count(),
        3,
        "{offsets}"
    );
    groups(&["--delete", "--group", "java-billing"]);
    assert_eq!(groups(&["--list"]).trim(), "");
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_consumer_reads_what_kafka_producer_perf_test_committed() {
    let cluster = cluster().await;
    let transactions = [
        "--topic",
        "transfers",
        "--num-records",
        "200",
        "--record-size",
        "10",
        "--throughput",
        "-1",
        "--transactional-id",
        "java-writer",
        "--transaction-duration-ms",
        "50",
        "--producer-props",
    ];
    let servers = format!("bootstrap.servers={}", cluster.bootstrap_servers());
    let told = run_class(PERFORMANCE, &[&transactions[..], &[&servers]].concat(), "");
    assert!(told.contains("200 records sent"), "{told}");
    let committed = [
        "--topic",
        "transfers",
        "--from-beginning",
        "--isolation-level",
        "read_committed",
        "--max-messages",
        "200",
    ];
    let read = tool(&cluster, CONSUMER, &committed, "");
    assert_eq!(read.lines().count(), 200);
    assert!(cluster.requests(Api::EndTxn) > 0);
    cluster.shutdown().await;
}
