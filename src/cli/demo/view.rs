//! Shows the demo at work: a live table with a progress bar on a terminal, plain lines when piped.

use std::time::{Duration, Instant};

use comfy_table::Cell;
use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::terminal::{Terminal, Tone, counted, figures, grouped, seconds, words};
use super::score::{Score, Topic};
use crate::cli::Failure;
use crate::status::{State, Status, TopicStatus};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Draws over the last picture, or writes a line now and then.
pub(super) struct View {
    terminal: Terminal,
    started: Instant,
    duration: Option<Duration>,
    drawing: Option<Drawing>,
    last_line: Instant,
    previous: Rates,
}

/// The parts of the live picture.
struct Drawing {
    all: MultiProgress,
    table: ProgressBar,
    bar: ProgressBar,
}

/// Counters at the last picture, to tell rates from.
struct Rates {
    at: Instant,
    produced: Vec<u64>,
    mirrored: Vec<u64>,
}

impl View {
    /// `duration` is what the load lasts; without one it lasts until it is interrupted.
    pub(super) fn new(terminal: Terminal, duration: Option<Duration>, score: &Score) -> Self {
        let now = Instant::now();
        Self {
            terminal,
            started: now,
            duration,
            drawing: terminal.interactive.then(|| Drawing::new(duration)),
            last_line: now,
            previous: Rates::of(score),
        }
    }

    /// Shows where things stand now.
    pub(super) fn update(
        &mut self,
        score: &Score,
        status: &Status,
        phase: &str,
    ) -> Result<(), Failure> {
        let now = Rates::of(score);
        if let Some(drawing) = &self.drawing {
            drawing.table.set_message(self.table(score, status, &now));
            drawing.bar.set_message(phase.to_owned());
            match self.duration {
                Some(_) => drawing.bar.set_position(self.elapsed_millis()),
                None => drawing.bar.tick(),
            }
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.terminal.say(self.line(score, status, phase))?;
        }
        self.previous = now;
        Ok(())
    }

    /// Leaves the last picture standing.
    pub(super) fn finish(self) {
        if let Some(drawing) = self.drawing {
            drawing.bar.finish_and_clear();
            drawing.table.abandon();
            drop(drawing.all);
        }
    }

    fn elapsed_millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn line(&self, score: &Score, status: &Status, phase: &str) -> String {
        let topics = status.mirrors.iter().flat_map(|mirror| &mirror.topics);
        let records: u64 = topics.clone().filter_map(|topic| topic.lag_records).sum();
        let longest = topics
            .filter_map(|topic| topic.lag_seconds)
            .fold(0.0, f64::max);
        format!(
            "{:>3} s  {phase}: produced {}, mirrored {}, behind {} records / {}",
            self.started.elapsed().as_secs(),
            grouped(score.produced()),
            grouped(score.mirrored()),
            grouped(records),
            seconds(longest)
        )
    }

    fn table(&self, score: &Score, status: &Status, now: &Rates) -> String {
        let mut table = self.terminal.table([
            words("TOPIC"),
            words("STATE"),
            figures("PRODUCED"),
            figures("PER S"),
            figures("MIRRORED"),
            figures("PER S"),
            figures("BEHIND"),
            figures("TIME"),
        ]);
        let told: Vec<_> = status
            .mirrors
            .iter()
            .flat_map(|mirror| &mirror.topics)
            .collect();
        let topics = score.topics();
        let shown = topics.len().min(most_rows());
        for (index, topic) in topics[..shown].iter().enumerate() {
            let told = told.iter().find(|told| told.source_topic == topic.name);
            table.add_row(self.row(index, topic, told.copied(), now));
        }
        let rest = match topics.len() - shown {
            0 => String::new(),
            rest => format!("… and {}\n", counted(rest, "more topic")),
        };
        // The bar below stays apart from the table.
        format!("{}\n{rest}", table.trim_fmt())
    }

    fn row(
        &self,
        index: usize,
        topic: &Topic,
        status: Option<&TopicStatus>,
        now: &Rates,
    ) -> [Cell; 8] {
        let state = status.map_or(State::Starting, |status| status.state);
        let tone = match state {
            State::Running => Tone::Good,
            State::Starting => Tone::Waiting,
            State::Paused | State::Stopped | State::Diverged | State::Rejected => Tone::Bad,
        };
        let (produced, mirrored) = (now.produced[index], now.mirrored[index]);
        let records = status.and_then(|status| status.lag_records);
        let time = status.and_then(|status| status.lag_seconds);
        let unknown = || "?".to_owned();
        [
            Cell::new(&topic.name),
            self.terminal.cell(tone, state),
            Cell::new(grouped(produced)),
            Cell::new(grouped(self.previous.produced_per_second(index, now))),
            Cell::new(grouped(mirrored)),
            Cell::new(grouped(self.previous.mirrored_per_second(index, now))),
            Cell::new(records.map_or_else(unknown, grouped)),
            Cell::new(time.map_or_else(unknown, seconds)),
        ]
    }
}

impl Drawing {
    fn new(duration: Option<Duration>) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout_with_hz(5));
        let table = all.add(ProgressBar::new_spinner().with_style(style("{msg}")));
        let bar = match duration {
            Some(duration) => {
                let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
                ProgressBar::new(millis)
                    .with_style(style("{wide_bar} {elapsed} of {len_time}  {msg}"))
            }
            None => ProgressBar::new_spinner().with_style(style("{spinner} {elapsed}  {msg}")),
        };
        Self {
            bar: all.add(bar),
            table,
            all,
        }
    }
}

/// Topics that fit on the screen together with what stands around them: header, rest, gap, bar.
fn most_rows() -> usize {
    usize::from(Term::stdout().size().0)
        .saturating_sub(5)
        .max(1)
}

/// The templates are constants, so that a wrong one is found by the first run.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("a template of ours is well formed");
    let length = |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
        let seconds = state.len().unwrap_or(0) / 1_000;
        // A picture that cannot be drawn is not worth failing for.
        let _ = write!(out, "{seconds}s");
    };
    style.with_key("len_time", length)
}

impl Rates {
    fn of(score: &Score) -> Self {
        let sum = |topic: &Topic, count: fn(&super::score::Lane) -> u64| {
            topic.lanes.iter().map(count).sum()
        };
        let topics = score.topics().iter();
        Self {
            at: Instant::now(),
            produced: topics
                .clone()
                .map(|topic| sum(topic, super::score::Lane::produced))
                .collect(),
            mirrored: topics
                .map(|topic| sum(topic, super::score::Lane::mirrored))
                .collect(),
        }
    }

    fn produced_per_second(&self, index: usize, now: &Self) -> u64 {
        self.per_second(
            now,
            now.produced[index].saturating_sub(self.produced[index]),
        )
    }

    fn mirrored_per_second(&self, index: usize, now: &Self) -> u64 {
        self.per_second(
            now,
            now.mirrored[index].saturating_sub(self.mirrored[index]),
        )
    }

    fn per_second(&self, now: &Self, records: u64) -> u64 {
        let seconds = (now.at - self.at).as_secs_f64();
        if seconds > 0.0 {
            (records as f64 / seconds).round() as u64
        } else {
            0
        }
    }
}
