//! Draws a status for a night operator: first whether the copy is safe, then what is worst.

use comfy_table::{Cell, Table};

use super::super::terminal::{Terminal, Tone, counted, figures, grouped, seconds, words};
use crate::status::{MirrorStatus, State, TopicStatus};

/// Behind by more than this is worth a look even while all runs.
const LATE_SECONDS: f64 = 60.0;

/// One mirror: its verdict in words, then its topics, the worst first, `most_rows` of them.
pub(super) fn mirror(mirror: &MirrorStatus, terminal: Terminal, most_rows: usize) -> String {
    let (tone, verdict) = verdict(mirror);
    let mut text = terminal.paint(tone, &format!("{}: {verdict}", mirror.name));
    for notice in &mirror.notices {
        let note = terminal.paint(Tone::Waiting, "note:");
        text.push_str(&format!("\n{note} {notice}"));
    }
    if !mirror.topics.is_empty() {
        text.push('\n');
        let rows = most_rows.saturating_sub(mirror.notices.len()).max(1);
        text.push_str(&topics(mirror, terminal, rows));
    }
    text
}

/// Whether the copy is safe, in words.
fn verdict(mirror: &MirrorStatus) -> (Tone, String) {
    let of_all = counted(mirror.topics.len(), "topic");
    let standing = count(mirror, |state| state > State::Starting);
    let starting = count(mirror, |state| state == State::Starting);
    match (standing, starting) {
        _ if mirror.topics.is_empty() => (Tone::Waiting, "nothing to mirror".to_owned()),
        (0, 0) => {
            let late = mirror.topics.iter().any(is_late);
            let tone = if late { Tone::Waiting } else { Tone::Good };
            (tone, format!("running, {}, {}", of_all, behind(mirror)))
        }
        (0, _) => {
            let text = format!(
                "starting, {starting} of {of_all} not being copied yet, {}",
                behind(mirror)
            );
            (Tone::Waiting, text)
        }
        _ => {
            let text = format!(
                "NOT SAFE: {standing} of {of_all} not being copied, {}",
                behind(mirror)
            );
            (Tone::Bad, text)
        }
    }
}

fn count(mirror: &MirrorStatus, is_counted: impl Fn(State) -> bool) -> usize {
    let states = mirror.topics.iter().map(|topic| topic.state);
    states.filter(|state| is_counted(*state)).count()
}

fn is_late(topic: &TopicStatus) -> bool {
    topic.lag_records != Some(0) && topic.lag_seconds.is_none_or(|lag| lag > LATE_SECONDS)
}

/// The sum of what is known, and said to be at least that where something is not.
fn behind(mirror: &MirrorStatus) -> String {
    let known = mirror.topics.iter().filter_map(|topic| topic.lag_records);
    let records: u64 = known.sum();
    let shown = counted(usize::try_from(records).unwrap_or(usize::MAX), "record");
    let times = mirror.topics.iter().filter_map(|topic| topic.lag_seconds);
    let longest = seconds(times.fold(0.0, f64::max));
    let unknown = |topic: &TopicStatus| topic.lag_records.is_none() || topic.lag_seconds.is_none();
    if mirror.topics.iter().any(unknown) {
        format!("at least {shown} / {longest} behind")
    } else if records == 0 {
        "nothing behind".to_owned()
    } else {
        format!("{shown} / {longest} behind")
    }
}

fn topics(mirror: &MirrorStatus, terminal: Terminal, most_rows: usize) -> String {
    let mut topics: Vec<_> = mirror.topics.iter().collect();
    topics.sort_by(|a, b| worse_first(a, b));
    let mut table = terminal.table([
        words("TOPIC"),
        words("ON THE TARGET"),
        words("STATE"),
        figures("RECORDS BEHIND"),
        figures("TIME BEHIND"),
    ]);
    let shown = topics.len().min(most_rows);
    for topic in &topics[..shown] {
        add_row(&mut table, topic, terminal);
    }
    let mut text = table.trim_fmt();
    if shown < topics.len() {
        text.push_str(&format!(
            "\n… and {} more",
            grouped((topics.len() - shown) as u64)
        ));
    }
    text.push_str(&reasons(&topics));
    text
}

/// Each reason once, with the topics that it holds back: where a process is missing, that is all of them.
fn reasons(topics: &[&TopicStatus]) -> String {
    const NAMED: usize = 5;
    let mut held_back: Vec<(&str, Vec<&str>)> = Vec::new();
    for topic in topics {
        let Some(reason) = topic.reason.as_deref() else {
            continue;
        };
        match held_back.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(&topic.source_topic),
            None => held_back.push((reason, vec![&topic.source_topic])),
        }
    }
    let lines = held_back.into_iter().map(|(reason, names)| {
        let named = names[..names.len().min(NAMED)].join(", ");
        match names.len().checked_sub(NAMED) {
            None | Some(0) => format!("\n{named}: {reason}"),
            Some(more) => format!("\n{named} and {} more: {reason}", grouped(more as u64)),
        }
    });
    lines.collect()
}

fn add_row(table: &mut Table, topic: &TopicStatus, terminal: Terminal) {
    let tone = match topic.state {
        State::Running => Tone::Good,
        State::Starting => Tone::Waiting,
        State::Paused | State::Stopped | State::Diverged | State::Rejected => Tone::Bad,
    };
    let unknown = || "?".to_owned();
    table.add_row([
        Cell::new(&topic.source_topic),
        Cell::new(&topic.target_topic),
        terminal.cell(tone, topic.state),
        Cell::new(topic.lag_records.map_or_else(unknown, grouped)),
        Cell::new(topic.lag_seconds.map_or_else(unknown, seconds)),
    ]);
}

/// By state, then by what is unknown, then by age, then by name.
fn worse_first(a: &TopicStatus, b: &TopicStatus) -> std::cmp::Ordering {
    let lag = |topic: &TopicStatus| topic.lag_seconds.unwrap_or(f64::INFINITY);
    b.state
        .cmp(&a.state)
        .then_with(|| lag(b).total_cmp(&lag(a)))
        .then_with(|| b.lag_records.cmp(&a.lag_records))
        .then_with(|| a.source_topic.cmp(&b.source_topic))
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
