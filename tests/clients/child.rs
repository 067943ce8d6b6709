//! Runs a client as a child process: its input given, its output taken, its time bounded.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Far more than any client here takes; one that hangs must not hang the suite.
const PATIENCE: Duration = Duration::from_secs(180);

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// Runs `command` to its end and returns what it wrote to stdout.
///
/// # Panics
/// When it cannot be started (`needs` says what to install), fails or does not end; with all that it said.
#[track_caller]
pub fn run(command: &mut Command, input: &str, needs: &str) -> String {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child =
        started.unwrap_or_else(|error| panic!("{command:?}: {error}; this suite needs {needs}"));
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    // A client that ends early does not read on: it will be judged by its status.
    let _ = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(input.as_bytes()));
    let ended = wait(&mut child);
    let [stdout, stderr] = [stdout, stderr].map(|output| output.join().expect("readable"));
    let said = format!("{command:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    assert!(ended.expect(&said), "failed: {said}");
    stdout
}

fn collect(output: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        output
            .expect("piped")
            .read_to_end(&mut bytes)
            .expect("readable");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Whether the child succeeded; `None` when it had to be killed.
fn wait(child: &mut Child) -> Option<bool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("our child") {
            return Some(status.success());
        }
        if Instant::now() >= deadline {
            child.kill().expect("our child");
            child.wait().expect("our child");
            return None;
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}
