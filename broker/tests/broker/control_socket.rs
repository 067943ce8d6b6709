//! Claims about the control socket, by the lines of the README and by what nobody should send.

use std::collections::BTreeSet;

use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use kmirror_broker::{Api, Cluster};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::clients::PATIENCE;
use crate::controls::groups::Member;
use crate::raw::{Raw, encode};
use crate::transactions::writer::Writer;

struct Socket {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Socket {
    async fn open(cluster: &Cluster) -> Self {
        let address = "127.0.0.1:0".parse().expect("an address");
        let address = cluster.serve_control(address).await.expect("a free port");
        let stream = TcpStream::connect(address).await.expect("it listens");
        let (reader, writer) = stream.into_split();
        let lines = BufReader::new(reader).lines();
        Self { lines, writer }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.expect("it reads");
    }

    /// The answer; `None` when the connection is closed.
    async fn receive(&mut self) -> Option<Value> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.expect("it answers in time").unwrap_or(None)?;
        Some(serde_json::from_str(&line).expect("JSON"))
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.send(format!("{line}\n").as_bytes()).await;
        self.receive().await.expect("an answer")
    }

    /// What is said to be wrong.
    async fn wrong(&mut self, line: &str) -> String {
        let answer = self.ask(line).await;
        assert_eq!(answer["ok"], false, "{line}: {answer}");
        answer["error"].as_str().expect("a reason").to_owned()
    }
}

async fn start(nodes: usize) -> Cluster {
    let cluster = Cluster::builder().seed(7).nodes(nodes).start().await;
    cluster.expect("a cluster starts")
}

/// The requests in the README in their order, each with the answer that is shown below it, if any.
fn readme() -> Vec<(&'static str, Option<Value>)> {
    let lines = include_str!("../../README.md").lines().map(str::trim);
    let mut found: Vec<(&str, Option<Value>)> = Vec::new();
    for line in lines.filter(|line| line.starts_with("{\"")) {
        match found.last_mut() {
            Some((_, answer)) if !line.starts_with("{\"op\"") => {
                *answer = serde_json::from_str(line).ok();
            }
            _ => found.push((line, None)),
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_the_readme_does_what_it_says() {
    let cluster = start(3).await;
    let mut socket = Socket::open(&cluster).await;
    let mut held = None;
    let mut member = None;
    for (line, shown) in readme() {
        // The clients that the README takes for granted.
        if line.contains("\"wait\"") {
            let mut raw = Raw::connect(&cluster).await;
            raw.send_frame(&encode(&MetadataRequest::default(), 12))
                .await;
            held = Some(raw);
        }
        if line.contains("\"expire_transaction\"") {
            let mut writer = Writer::init(&cluster, "writer").await;
            assert_eq!(writer.add(0).await, 0);
        }
        if line.contains("\"force_rebalance\"") {
            member = Some(Member::join_group(&cluster, "billing").await);
        }
        let id = member.as_ref().map(|it| it.id.as_str()).unwrap_or_default();
        let answer = socket.ask(&line.replace("MEMBER", id)).await;
        match shown {
            Some(shown) => assert_eq!(answer, shown, "{line}"),
            None => assert_eq!(answer["ok"], true, "{line}: {answer}"),
        }
    }
    assert!(held.is_some() && member.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readme_has_a_line_for_every_operation_and_every_action() {
    let cluster = start(1).await;
    let mut socket = Socket::open(&cluster).await;
    let shown: BTreeSet<String> = readme()
        .iter()
        .filter_map(|(line, _)| serde_json::from_str::<Value>(line).ok())
        .flat_map(|line| [line["op"].clone(), line["action"].clone()])
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let help = socket.ask(r#"{"op":"help"}"#).await;
    let ops = help["ops"].as_array().expect("a list").iter();
    let ops = ops.filter_map(|usage| usage.as_str()?.split(' ').next());
    let wrong = socket
        .wrong(r#"{"op":"fault","api":"Fetch","action":"?"}"#)
        .await;
    let actions = wrong.split("there are ").nth(1).expect("a list");
    let actions = actions.trim_end_matches(')').split(", ");
    for name in ops.chain(actions) {
        assert!(shown.contains(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_socket_does_is_what_rust_does() {
    let cluster = start(2).await;
    let mut socket = Socket::open(&cluster).await;
    let created = r#"{"op":"create_topic","topic":"orders","partitions":2}"#;
    assert_eq!(socket.ask(created).await, json!({"ok": true}));
    let moved = r#"{"op":"move_leader","topic":"orders","partition":0,"node":1}"#;
    assert_eq!(socket.ask(moved).await, json!({"ok": true}));
    assert_eq!(cluster.leader("orders", 0), Some(1));
    assert_eq!(
        socket
            .ask(r#"{"op":"leader","topic":"orders","partition":0}"#)
            .await,
        json!({"ok": true, "node": 1, "epoch": 1})
    );
    let dropped =
        r#"{"op":"fault","api":"ApiVersions","client":"raw","first":1,"action":"drop_before"}"#;
    assert_eq!(socket.ask(dropped).await, json!({"ok": true, "fault": 1}));
    let mut raw = Raw::connect(&cluster).await;
    raw.send_frame(&encode(&ApiVersionsRequest::default(), 0))
        .await;
    assert!(raw.is_closed().await);
    let waited = socket.ask(r#"{"op":"wait","fault":1}"#).await;
    assert_eq!(waited, json!({"ok": true, "hits": 1}));
    let journal = socket.ask(r#"{"op":"journal","api":"ApiVersions"}"#).await;
    assert_eq!(journal["entries"][0]["fault"], 1);
    assert_eq!(journal["entries"][0].get("answered_ms"), None);
    assert_eq!(cluster.requests(Api::ApiVersions), 1);
    let stopped = r#"{"op":"stop_node","node":0}"#;
    assert_eq!(socket.ask(stopped).await, json!({"ok": true}));
    assert_eq!(cluster.live_nodes(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_is_answered_with_what_to_write_instead() {
    let cluster = start(1).await;
    let mut socket = Socket::open(&cluster).await;
    for (line, expected) in [
        (r#"{"op":"falt"}"#, r#"did you mean "fault"?"#),
        (
            r#"{"op":"move_leader","topik":"orders"}"#,
            r#"did you mean "topic"?"#,
        ),
        (
            r#"{"op":"move_leader","topic":"orders"}"#,
            r#"needs "partition""#,
        ),
        (
            r#"{"op":"shuffle_leaders","topic":"t"}"#,
            "it takes no fields",
        ),
        (r#"{"op":"compact","topic":5}"#, "must be a text, not 5"),
        (
            r#"{"op":"stop_node","node":"0"}"#,
            r#"whole number that fits, not "0""#,
        ),
        (r#"{"op":"stop_node","node":1.5}"#, "not 1.5"),
        (
            r#"{"op":"stop_node","node":99999999999}"#,
            "not 99999999999",
        ),
        (r#"{"op":"stop_node","node":7}"#, "there is no node 7"),
        (
            r#"{"op":"compact","topic":"nothing"}"#,
            "there is no topic nothing",
        ),
        (r#"{"op":"release","fault":9}"#, "there is no fault 9"),
        (r#"{"op":"set_disk_full","full":"yes"}"#, "true or false"),
        (
            r#"{"op":"create_topic","topic":"t","partitions":1,"configs":{"a":1}}"#,
            "an object of texts",
        ),
        (
            r#"{"op":"create_topic","topic":"t","partitions":1,"configs":{"a":"1"}}"#,
            "a",
        ),
        (
            r#"{"op":"fault","api":"Fetch","action":"drop_aftr"}"#,
            r#"did you mean "drop_after"?"#,
        ),
        (
            r#"{"op":"fault","api":"Fetch","action":"fail"}"#,
            r#"needs "error""#,
        ),
        (
            r#"{"op":"fault","api":"Fetch","action":"fail","error":"NOT_LEADER"}"#,
            "no error",
        ),
        (
            r#"{"op":"fault","api":"Fetch","action":"hang","ms":5}"#,
            r#"no use for "ms""#,
        ),
        (
            r#"{"op":"fault","api":"Fetch","action":"hang","probability":2}"#,
            "from 0 to 1",
        ),
        (
            r#"{"op":"fault","api":"WriteTxnMarkers","action":"hang"}"#,
            r#"no API "WriteTxnMarkers""#,
        ),
        (r#"{"topic":"t"}"#, r#"there is no "op""#),
        (r#"{"op":}"#, "not JSON"),
    ] {
        let wrong = socket.wrong(line).await;
        assert!(wrong.contains(expected), "{line}: {wrong}");
    }
    assert!(cluster.faults().list().is_empty(), "nothing was half done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_in_vain_ends_and_says_how_far_it_came() {
    let cluster = start(1).await;
    let mut socket = Socket::open(&cluster).await;
    socket
        .ask(r#"{"op":"fault","api":"Fetch","action":"hang"}"#)
        .await;
    let wrong = socket
        .wrong(r#"{"op":"wait","fault":1,"timeout_ms":10}"#)
        .await;
    assert_eq!(wrong, "0 of 1 hits after 10 ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_protocol_and_an_endless_line_end_the_connection() {
    let cluster = start(1).await;
    let too_long = vec![b' '; 100_000];
    for bytes in [
        &b"POST / HTTP/1.1\r\n"[..],
        b"\xff\xfe\n",
        b"5\n",
        &too_long,
    ] {
        let mut socket = Socket::open(&cluster).await;
        // It may close before it has read all.
        let _ = socket.writer.write_all(bytes).await;
        let answer = socket.receive().await;
        assert!(answer.is_none_or(|answer| answer["ok"] == false));
        assert_eq!(socket.receive().await, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_keeps_nobody_waiting() {
    let cluster = start(1).await;
    let mut silent = Socket::open(&cluster).await;
    let mut half = Socket::open(&cluster).await;
    half.send(b"{\"op\":\"se").await;
    let mut waiting = Socket::open(&cluster).await;
    waiting
        .ask(r#"{"op":"fault","api":"Fetch","action":"hang"}"#)
        .await;
    waiting
        .send(b"{\"op\":\"wait\",\"fault\":1,\"timeout_ms\":600000}\n")
        .await;
    let mut socket = Socket::open(&cluster).await;
    assert_eq!(
        socket.ask(r#"{"op":"seed"}"#).await,
        json!({"ok": true, "seed": 7})
    );
    cluster.shutdown().await;
    for socket in [&mut silent, &mut half, &mut waiting, &mut socket] {
        assert_eq!(socket.receive().await, None, "the cluster is gone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_loopback_is_listened_on() {
    let cluster = start(1).await;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9090"] {
        let served = cluster.serve_control(address.parse().expect("an address"));
        let refused = served.await.expect_err("others could connect").to_string();
        assert!(refused.contains("use 127.0.0.1:"), "{refused}");
    }
}
