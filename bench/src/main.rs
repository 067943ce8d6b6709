//! Measures CPU and memory: per record, of kmirror beside a plain consumer-to-producer loop, in turns; and of kmirror with
//! very many idle topics, or very many groups; of a scrape of very many partitions, and of the offset map where it is worst.
//!
//! Each contender runs as a process of its own, so that its figures are the system's accounting of that process alone; the
//! clusters are in this one, or real ones named on the command line.

mod clusters;
mod contender;
mod groups;
mod load;
mod map;
mod plain;
mod scrape;
mod topics;
mod usage;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use clusters::{Clusters, Named};
use contender::{Contender, Run};
use groups::Groups;
use map::Worst;
use scrape::Scrape;
use topics::Topics;

/// CPU and memory per record, kmirror beside a plain rdkafka loop.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Role {
    /// The plain loop, as a process to be measured
    #[command(hide = true)]
    Plain(plain::Plain),
    /// What very many idle topics cost
    Topics(Topics),
    /// What the offset map takes where it is worst
    Map(Worst),
    /// What `/metrics` takes with very many partitions
    Scrape(Scrape),
    /// How long it takes to translate the offsets of very many groups
    Groups(Groups),
}

#[derive(Args)]
struct Bench {
    /// Records to copy in each run
    #[arg(long, default_value_t = 1_000_000)]
    records: usize,
    /// Partitions of the topic
    #[arg(long, default_value_t = 8)]
    partitions: i32,
    /// Pairs of runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    clusters: Named,
}

fn main() -> Result<ExitCode> {
    // `run` is kmirror itself, so that one build measures both.
    if std::env::args().nth(1).as_deref() == Some("run") {
        return Ok(kmirror::cli::main());
    }
    let cli = Cli::parse();
    match cli.role {
        Some(Role::Plain(plain)) => plain.copy()?,
        Some(Role::Topics(topics)) => topics.measure()?,
        Some(Role::Map(worst)) => worst.measure()?,
        Some(Role::Scrape(scrape)) => scrape.measure()?,
        Some(Role::Groups(groups)) => groups.measure()?,
        None => bench(&cli.bench)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn bench(bench: &Bench) -> Result<()> {
    let Clusters { source, target, .. } = &Clusters::open(&bench.clusters)?;
    load::write(source, load::TOPIC, bench.records, bench.partitions)?;
    println!(
        "{} records of {} bytes in {} partitions, lz4\n",
        bench.records,
        load::RECORD_BYTES,
        bench.partitions
    );
    println!(
        "{:>5}  {:>8}  {:>12}  {:>12}  {:>9}",
        "round", "", "CPU µs/rec", "peak MiB", "seconds"
    );
    let mut ratios = Vec::with_capacity(bench.rounds);
    for round in 0..bench.rounds {
        let plain = measure(bench, Contender::Plain, round, source, target)?;
        let kmirror = measure(bench, Contender::Kmirror, round, source, target)?;
        ratios.push(kmirror.cpu_per_record / plain.cpu_per_record);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "\nCPU of kmirror ÷ CPU of the plain loop, median of {} pairs: {:.2}",
        ratios.len(),
        ratios[ratios.len() / 2]
    );
    Ok(())
}

fn measure(
    bench: &Bench,
    contender: Contender,
    round: usize,
    source: &str,
    target: &str,
) -> Result<contender::Figures> {
    let run = Run {
        contender,
        round,
        source,
        target,
        records: bench.records,
        partitions: bench.partitions,
    };
    let figures = run.measure()?;
    println!(
        "{round:>5}  {:>8}  {:>12.2}  {:>12.0}  {:>9.1}",
        contender.name(),
        figures.cpu_per_record,
        figures.peak_mib,
        figures.seconds
    );
    Ok(figures)
}
