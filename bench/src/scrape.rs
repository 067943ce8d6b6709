//! Measures what `/metrics` takes with very many partitions, each with a lag and a state.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use kmirror::board::{self, MirrorBoard};
use kmirror::budget::Budget;
use kmirror::http;
use kmirror::metrics::Metrics;
use kmirror::offset::{Position, SourceOffset};
use kmirror::status::{State, Status};

use crate::usage;

/// Time to answer a scrape.
#[derive(Args)]
pub struct Scrape {
    /// Topics on the board
    #[arg(long, default_value_t = 1_000)]
    topics: usize,
    /// Partitions of each
    #[arg(long, default_value_t = 10)]
    partitions: i32,
    /// Scrapes, of which the median is judged
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Most that it may be, in milliseconds; exits with an error beyond
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// With `metrics: { per_partition: false }`
    #[arg(long)]
    without_partitions: bool,
}

/// A board as the daemon has it, without clusters.
struct Scene {
    metrics: Metrics,
    board: Arc<MirrorBoard>,
}

impl http::Source for Scene {
    fn metrics(&self) -> String {
        self.board.refresh();
        self.metrics.render()
    }

    fn status(&self) -> Status {
        board::status(&[Arc::clone(&self.board)])
    }

    fn readiness(&self) -> Result<(), Vec<String>> {
        Ok(())
    }
}

impl Scrape {
    /// Scrapes over HTTP, and prints the figures.
    pub fn measure(&self) -> Result<()> {
        let scene = Arc::new(self.scene());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(http::bind(([127, 0, 0, 1], 0).into()))?;
        let address = listener.address()?;
        runtime.spawn(http::serve(listener, scene, std::future::pending()));
        let mut times = Vec::with_capacity(self.rounds);
        let mut bytes = 0;
        let before = usage::cpu(std::process::id())?;
        for _ in 0..self.rounds {
            let asked = Instant::now();
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
            let mut answer = String::new();
            bytes = stream.read_to_string(&mut answer)?;
            ensure!(answer.starts_with("HTTP/1.0 200"), "{answer}");
            times.push(asked.elapsed());
        }
        let cpu = (usage::cpu(std::process::id())? - before) / times.len().max(1) as u32;
        times.sort();
        let slowest = *times.last().context("no rounds")?;
        let median = times[times.len() / 2];
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "/metrics of {} partitions: {:.1} MiB, median {:.0} ms, slowest of {} {:.0} ms; {:.0} ms of CPU each, reading it included",
            self.topics as i64 * i64::from(self.partitions),
            bytes as f64 / f64::from(1 << 20),
            ms(median),
            self.rounds,
            ms(slowest),
            ms(cpu)
        );
        let limit = Duration::from_millis(self.limit);
        ensure!(median <= limit, "the median is above {limit:?}");
        Ok(())
    }

    fn scene(&self) -> Scene {
        let metrics = match self.without_partitions {
            true => Metrics::without_partitions(),
            false => Metrics::new(),
        };
        let budget = Budget::new(1 << 30);
        let board = MirrorBoard::new("source-target", "source", "target", metrics.clone());
        for number in 0..self.topics {
            let name = format!("bench-{number:05}");
            let group = format!("kmirror.source-target.{name}");
            let topic = board.topic(&name, &format!("source.{name}"), &group);
            for partition in 0..self.partitions {
                let seat = topic.seat(partition, &budget);
                seat.set_standing(State::Running, None);
                seat.set_source_range(SourceOffset::new(0), SourceOffset::new(5_000_000));
                seat.set_position(Position::at(SourceOffset::new(4_711_000)));
                seat.metrics.committed_position.set(4_711_000);
                seat.metrics.mirrored_records.inc_by(4_711_000);
            }
        }
        Scene {
            metrics,
            board: Arc::new(board),
        }
    }
}
