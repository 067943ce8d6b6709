//! kcat: librdkafka as distributions package it, years older than the one kmirror is built with.

use std::process::Command;

use kmirror_broker::Cluster;

use crate::child::run;
use crate::cluster;

const NEEDS: &str = "kcat (apt-get install kcat)";

fn kcat(cluster: &Cluster, arguments: &[&str], input: &str) -> String {
    run(
        Command::new("kcat")
            .args(["-b", &cluster.bootstrap_servers()])
            .args(arguments),
        input,
        NEEDS,
    )
}

/// The lines of an output, sorted.
fn sorted(output: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = output.lines().collect();
    lines.sort_unstable();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kcat_produces_with_every_codec_and_reads_it_back() {
    let cluster = cluster().await;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        // The first batch creates the topic.
        let produce = ["-P", "-t", codec, "-z", codec, "-K", ":", "-H", "codec=it"];
        kcat(&cluster, &produce, "a:1\nb:2\nc:3\n");
        let read = kcat(
            &cluster,
            &[
                "-C",
                "-t",
                codec,
                "-o",
                "beginning",
                "-e",
                "-q",
                "-f",
                "%k=%s %h\n",
            ],
            "",
        );
        assert_eq!(
            sorted(&read),
            ["a=1 codec=it", "b=2 codec=it", "c=3 codec=it"],
            "{codec}"
        );
    }
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kcat_consumes_in_a_group_and_resumes_where_it_stopped() {
    let cluster = cluster().await;
    let group = [
        "-G",
        "kcat-billing",
        "orders",
        "-q",
        "-X",
        "auto.offset.reset=earliest",
        "-f",
        "%s\n",
        "-c",
    ];
    kcat(&cluster, &["-P", "-t", "orders"], "1\n2\n3\n");
    assert_eq!(
        sorted(&kcat(&cluster, &[&group[..], &["3"]].concat(), "")),
        ["1", "2", "3"]
    );
    kcat(&cluster, &["-P", "-t", "orders"], "4\n5\n");
    assert_eq!(
        sorted(&kcat(&cluster, &[&group[..], &["2"]].concat(), "")),
        ["4", "5"]
    );
    cluster.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kcat_lists_topics_and_finds_offsets_by_time() {
    let cluster = cluster().await;
    kcat(&cluster, &["-P", "-t", "orders", "-p", "0"], "1\n2\n");
    let listed = kcat(&cluster, &["-L"], "");
    assert!(listed.contains("3 brokers:"), "{listed}");
    assert!(
        listed.contains("topic \"orders\" with 1 partitions:"),
        "{listed}"
    );
    assert_eq!(
        kcat(&cluster, &["-Q", "-t", "orders:0:1"], "").trim(),
        "orders [0] offset 0"
    );
    cluster.shutdown().await;
}
