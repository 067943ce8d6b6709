//! `kmirror demo` mirrors before one's eyes, and judges what it did.

use std::process::Command;

use anyhow::Result;
use rustix::process::Signal;

use crate::harness::SOON;
use crate::support::cli::kmirror;
use crate::support::process::Process;
use crate::support::wait::eventually;

#[test]
fn the_demo_ends_with_a_good_verdict_on_every_record() -> Result<()> {
    let arguments = [
        "demo",
        "--duration",
        "2s",
        "--rate",
        "2000",
        "--topics",
        "2",
        "--partitions",
        "3",
    ];
    let ended = kmirror(&arguments)?;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let verdict = ended.stdout.lines().last().unwrap_or_default();
    assert!(verdict.starts_with("good: produced "), "{verdict}");
    assert!(!verdict.starts_with("good: produced 0,"), "{verdict}");
    assert!(
        verdict.ends_with("lost 0, duplicated 0, reordered 0"),
        "{verdict}"
    );
    Ok(())
}

#[test]
fn an_interrupted_demo_still_gives_its_verdict() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmirror"));
    command.args(["demo", "--forever", "--rate", "500"]);
    let mut demo = Process::spawn("demo", &mut command, &directory.path().join("demo.log"))?;
    eventually("the demo mirrors", SOON, || {
        demo.output()
            .contains("mirroring: produced")
            .then_some(())
            .ok_or("no line yet")
    });
    demo.signal(Signal::INT)?;
    assert_eq!(demo.wait_exit(SOON).code(), Some(0), "{}", demo.tail());
    assert!(demo.output().contains("good: produced "), "{}", demo.tail());
    Ok(())
}
