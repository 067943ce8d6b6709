//! `kmirror demo`: two built-in clusters, a load, the mirror and a verdict, in one process.

mod load;
mod record;
mod score;
mod sequence;
mod stage;
mod verifier;
mod view;

use std::num::{NonZeroU16, NonZeroU64};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use super::logging;
use super::signals::StopSignals;
use super::terminal::{Terminal, Tone, grouped};
use super::{Exit, Failure};
use crate::config::{Log, LogFormat};
use load::{Load, Shape};
use score::Score;
use sequence::Verdict;
use stage::{Stage, target_topic};
use verifier::Verifier;
use view::View;

/// Bytes that each cluster keeps, over all partitions.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// Time between two looks at the score.
const TICK: Duration = Duration::from_millis(200);
/// The mirror has this long to create its topics, and then to make any progress, before it is judged.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// How long the load lasts
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// Go on until interrupted
    #[arg(long, conflicts_with = "duration")]
    forever: bool,
    /// Records per second, over all topics
    #[arg(long, value_name = "N", default_value = "20000")]
    rate: NonZeroU64,
    /// How many topics
    #[arg(long, value_name = "N", default_value = "4")]
    topics: NonZeroU16,
    /// Partitions of each topic
    #[arg(long, value_name = "N", default_value = "4")]
    partitions: NonZeroU16,
}

impl DemoArgs {
    fn lasts(&self) -> Option<Duration> {
        (!self.forever).then_some(self.duration)
    }
}

pub(super) async fn demo(args: DemoArgs) -> Result<Exit, Failure> {
    logging::start(&Log {
        format: LogFormat::Text,
        level: tracing::Level::ERROR,
    });
    let mut signals = StopSignals::catch()?;
    let terminal = Terminal::stdout();
    let score = Arc::new(Score::new(
        args.topics.get().into(),
        args.partitions.get().into(),
    ));
    let lanes = score.lanes().count() as u64;
    let kept_bytes = (KEPT_BYTES / lanes).max(1024 * 1024);
    let stage = Stage::set(&score, kept_bytes).await?;
    introduce(&stage, &args, terminal)?;
    let shape = Shape {
        rate: args.rate.get(),
        most_ahead: kept_bytes / 2 / record::RECORD_BYTES,
    };
    let play = Play {
        score,
        stage,
        terminal,
        lasts: args.lasts(),
    };
    let verdict = play.run(shape, &mut signals).await?;
    terminal.say(format_args!("{}", describe(&verdict, terminal)))?;
    Ok(if verdict.is_good() {
        Exit::Clean
    } else {
        Exit::BadVerdict
    })
}

fn introduce(stage: &Stage, args: &DemoArgs, terminal: Terminal) -> Result<(), Failure> {
    let source = stage.source.bootstrap_servers();
    let target = stage.target.bootstrap_servers();
    let title = |text| terminal.paint(Tone::Title, text);
    terminal.say(format_args!("{} paris   {source}", title("source")))?;
    terminal.say(format_args!("{} dublin  {target}", title("target")))?;
    terminal.say(format_args!(
        "{}   http://{}/metrics /status /readyz",
        title("http"),
        stage.daemon.http_address()
    ))?;
    terminal.say(format_args!(
        "Any client can read along: kcat -b {target} -t {} -C",
        target_topic("orders")
    ))?;
    let until = args.lasts().map_or_else(
        || "until Ctrl-C".to_owned(),
        |lasts| format!("for {}", humantime::format_duration(lasts)),
    );
    terminal.say(format_args!(
        "{} records/s over {} topics of {} partitions, {until}\n",
        grouped(args.rate.get()),
        args.topics,
        args.partitions
    ))
}

/// The demo from the first record to the verdict.
struct Play {
    score: Arc<Score>,
    stage: Stage,
    terminal: Terminal,
    lasts: Option<Duration>,
}

impl Play {
    async fn run(mut self, shape: Shape, signals: &mut StopSignals) -> Result<Verdict, Failure> {
        self.wait_for_copies().await?;
        let target = self.stage.target.bootstrap_servers();
        let verifier =
            Verifier::start(&target, &self.score, target_topic).map_err(Failure::internal)?;
        let source = self.stage.source.bootstrap_servers();
        let load =
            Load::start(&source, Arc::clone(&self.score), shape).map_err(Failure::internal)?;
        let mut view = View::new(self.terminal, self.lasts, &self.score);
        self.load_until_over(&mut view, signals).await?;
        signals
            .unless_again(self.finish(load, verifier, view))
            .await
    }

    async fn wait_for_copies(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        while !self.stage.has_copies(&self.score) {
            if Instant::now() > deadline {
                let message =
                    "the mirror did not create its topics; run with RUST_LOG=info to see why";
                return Err(Failure::internal(message));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(())
    }

    /// Until the time is over, or someone interrupts.
    async fn load_until_over(
        &mut self,
        view: &mut View,
        signals: &mut StopSignals,
    ) -> Result<(), Failure> {
        let over = self.lasts.map(|lasts| Instant::now() + lasts);
        while over.is_none_or(|over| Instant::now() < over) {
            tokio::select! {
                () = tokio::time::sleep(TICK) => view.update(&self.score, &self.stage.daemon.status(), "mirroring")?,
                _ = signals.next() => return Ok(()),
                panic = self.stage.daemon.tend() => return Err(Failure::internal(panic)),
            }
        }
        Ok(())
    }

    async fn finish(
        self,
        load: Load,
        verifier: Verifier,
        mut view: View,
    ) -> Result<Verdict, Failure> {
        let refused = blocking(move || load.stop())
            .await?
            .map_err(Failure::internal)?;
        if refused > 0 {
            let message = format!("the source refused {refused} records of the load");
            return Err(Failure::internal(message));
        }
        self.catch_up(&mut view).await?;
        view.update(&self.score, &self.stage.daemon.status(), "caught up")?;
        view.finish();
        let Stage {
            source,
            target,
            daemon,
        } = self.stage;
        daemon.drain().await;
        let ends = stage::log_ends(&target, &self.score);
        let verdict = blocking(move || verifier.finish(ends)).await?;
        source.shutdown().await;
        target.shutdown().await;
        Ok(verdict)
    }

    /// Until the copy is complete, or nothing has moved for a while.
    async fn catch_up(&self, view: &mut View) -> Result<(), Failure> {
        let mut moved = (Instant::now(), self.score.mirrored());
        while !self.score.is_caught_up() && moved.0.elapsed() < PATIENCE {
            tokio::time::sleep(TICK).await;
            view.update(&self.score, &self.stage.daemon.status(), "catching up")?;
            let mirrored = self.score.mirrored();
            if mirrored != moved.1 {
                moved = (Instant::now(), mirrored);
            }
        }
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Failure::internal)
}

fn describe(verdict: &Verdict, terminal: Terminal) -> String {
    let mut text = format!(
        "produced {}, mirrored {}, lost {}, duplicated {}, reordered {}",
        grouped(verdict.produced),
        grouped(verdict.mirrored),
        grouped(verdict.lost),
        grouped(verdict.duplicated),
        grouped(verdict.reordered)
    );
    if verdict.altered > 0 {
        text.push_str(&format!(", altered {}", grouped(verdict.altered)));
    }
    let (tone, word) = if verdict.is_good() {
        (Tone::Good, "good")
    } else {
        (Tone::Bad, "BAD")
    };
    format!("{}: {text}", terminal.paint(tone, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_one_line_that_says_what_went_wrong() {
        let plain = Terminal {
            interactive: false,
            colours: false,
        };
        let good = Verdict {
            produced: 600_000,
            mirrored: 600_000,
            ..Verdict::default()
        };
        assert_eq!(
            describe(&good, plain),
            "good: produced 600,000, mirrored 600,000, lost 0, duplicated 0, reordered 0"
        );
        let bad = Verdict {
            mirrored: 599_999,
            lost: 1,
            altered: 1,
            ..good
        };
        assert_eq!(
            describe(&bad, plain),
            "BAD: produced 600,000, mirrored 599,999, lost 1, duplicated 0, reordered 0, altered 1"
        );
    }
}
