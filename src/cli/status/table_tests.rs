//! Pictures as an operator sees them.

use super::*;
use crate::status::PartitionStatus;

const PLAIN: Terminal = Terminal {
    interactive: false,
    colours: false,
};

fn topic(name: &str, state: State, lag: Option<(u64, f64)>) -> TopicStatus {
    let partition = PartitionStatus {
        reason: (state != State::Running).then(|| "because".to_owned()),
        lag_records: lag.map(|(records, _)| records),
        lag_seconds: lag.map(|(_, seconds)| seconds),
        ..PartitionStatus::new(0, state)
    };
    TopicStatus::new(name, format!("paris.{name}"), "group", vec![partition])
}

fn picture(topics: Vec<TopicStatus>, most_rows: usize) -> String {
    let status = MirrorStatus::new("paris-dublin", "paris", "dublin", topics);
    mirror(&status, PLAIN, most_rows)
}

fn first_line(topics: Vec<TopicStatus>) -> String {
    let picture = picture(topics, 100);
    picture.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn the_first_line_says_whether_the_copy_is_safe() {
    let running = topic("a", State::Running, Some((12, 0.4)));
    let idle = topic("b", State::Running, Some((0, 0.0)));
    let starting = topic("c", State::Starting, Some((5, 1.0)));
    let stopped = topic("d", State::Stopped, None);
    let cases = [
        (vec![], "nothing to mirror"),
        (vec![idle.clone()], "running, 1 topic, nothing behind"),
        (
            vec![running.clone(), idle.clone()],
            "running, 2 topics, 12 records / 0.4 s behind",
        ),
        (
            vec![topic("e", State::Running, Some((1, 0.4)))],
            "running, 1 topic, 1 record / 0.4 s behind",
        ),
        (
            vec![running.clone(), starting],
            "starting, 1 of 2 topics not being copied yet, 17 records / 1.0 s behind",
        ),
        (
            vec![running, stopped, idle],
            "NOT SAFE: 1 of 3 topics not being copied, at least 12 records / 0.4 s behind",
        ),
    ];
    for (topics, verdict) in cases {
        assert_eq!(first_line(topics), format!("paris-dublin: {verdict}"));
    }
}

#[test]
fn the_worst_topic_comes_first_and_says_why() {
    let topics = vec![
        topic("fresh", State::Running, Some((0, 0.0))),
        topic("late", State::Running, Some((2_000, 90.0))),
        topic("refused", State::Rejected, Some((1, 5.0))),
    ];
    let expected = "\
paris-dublin: NOT SAFE: 1 of 3 topics not being copied, 2,001 records / 1 m 30 s behind
TOPIC    ON THE TARGET  STATE     RECORDS BEHIND  TIME BEHIND
refused  paris.refused  rejected               1        5.0 s
late     paris.late     running            2,000     1 m 30 s
fresh    paris.fresh    running                0          0 s
refused: because";
    let picture = picture(topics, 100);
    let lines: Vec<_> = picture.lines().map(str::trim_end).collect();
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn what_does_not_fit_is_counted() {
    let topics = (0..30).map(|n| topic(&format!("t{n:02}"), State::Running, Some((0, 0.0))));
    let picture = picture(topics.collect(), 3);
    assert!(picture.ends_with("\n… and 27 more"), "{picture}");
}

#[test]
fn a_reason_is_said_once_with_the_topics_it_holds_back() {
    let topics = (0..7).map(|n| topic(&format!("t{n}"), State::Stopped, Some((0, 0.0))));
    let picture = picture(topics.collect(), 100);
    assert!(
        picture.ends_with("\nt0, t1, t2, t3, t4 and 2 more: because"),
        "{picture}"
    );
}
