//! Measures the offset map where it is worst: a marker after every few records of the source, so that each few are a run.

use std::time::Instant;

use anyhow::Result;
use clap::Args;
use kmirror::clusters::TopicPartition;
use kmirror::offset::{SourceOffset, TargetOffset};
use kmirror::offset_map::{Ends, Map, Past, Place, Run, Translation};

use crate::usage;

/// The offset map of one partition with very many runs.
#[derive(Args)]
pub struct Worst {
    /// Records that are mirrored
    #[arg(long, default_value_t = 100_000_000)]
    records: u64,
    /// Records between two markers
    #[arg(long, default_value_t = 10)]
    between_markers: u64,
    /// Runs between two commits, each of which saves the map
    #[arg(long, default_value_t = 1_000)]
    runs_per_commit: u64,
}

impl Worst {
    /// Builds it, and prints what it takes.
    pub fn measure(&self) -> Result<()> {
        let before = usage::resident_mib(std::process::id())?;
        let started = Instant::now();
        let mut map = Map::begin(
            "source-target",
            TopicPartition::new("payments", 0),
            Past::default(),
            Ends::default(),
            SourceOffset::new(0),
            TargetOffset::new(0),
        );
        let runs = self.records / self.between_markers;
        let (mut kept, mut written) = (0, 0);
        for run in 0..runs {
            map.record(self.run(run), None);
            if run % self.runs_per_commit == 0 || run + 1 == runs {
                save(&mut map, &mut kept, &mut written);
            }
        }
        let took = started.elapsed();
        println!("{} records in {runs} runs", self.records);
        println!("on the topic         {:>8.1} MiB", mib(kept));
        println!("written in all       {:>8.1} MiB", mib(written));
        let resident = usage::resident_mib(std::process::id())? - before;
        println!("in memory            {resident:>8.1} MiB");
        println!(
            "building and saving  {:>8.0} ns a run",
            took.as_nanos() as f64 / runs as f64
        );
        self.translate(&map, runs);
        Ok(())
    }

    fn run(&self, number: u64) -> Run {
        Run {
            source: SourceOffset::new(0).plus(number * (self.between_markers + 1)),
            target: TargetOffset::new(0).plus(number * self.between_markers),
            length: self.between_markers,
        }
    }

    /// Of offsets all over the map, as far as it is in memory.
    fn translate(&self, map: &Map, runs: u64) {
        const ASKED: u64 = 1_000_000;
        let started = Instant::now();
        let end = runs * (self.between_markers + 1);
        let asked = (0..ASKED).map(|n| SourceOffset::new(0).plus(end / ASKED * n));
        let exact = asked.filter(|at| matches!(map.translate(*at), Translation::Exact(_)));
        let exact = exact.count();
        let took = started.elapsed().as_nanos() as f64 / ASKED as f64;
        println!("translating          {took:>8.0} ns an offset, {exact} of {ASKED} in memory");
    }
}

/// Saves the map as the mirror does; a sealed chunk stays on the topic, an open one is written again.
fn save(map: &mut Map, kept: &mut usize, written: &mut usize) {
    let Some(unsaved) = map.unsaved() else { return };
    let sizes = unsaved.changes.iter();
    let sizes = sizes.map(|change| {
        let value = change.value.as_ref().map_or(0, Vec::len);
        change.key.write().len() + value
    });
    let sizes: Vec<_> = sizes.collect();
    *written += sizes.iter().sum::<usize>();
    // The last of them is the open one, which the next one replaces.
    *kept += sizes[..sizes.len() - 1].iter().sum::<usize>();
    let place = |offset| Place {
        partition: 0,
        offset,
    };
    let places: Vec<_> = (0..).map(place).take(sizes.len()).collect();
    map.saved(&unsaved, &places);
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
