//! Fetches client libraries into the target directory, once for each version.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::child::run;

/// The build's `target/tmp`.
const TARGET_TMP: &str = env!("CARGO_TARGET_TMPDIR");

/// A directory under `target/clients` that holds kafka-python, for `PYTHONPATH`.
pub fn kafka_python() -> PathBuf {
    fetch("kafka-python-3.0.12", |directory| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "kafka-python==3.0.12",
            "--target",
        ])
        .arg(directory);
        run(&mut pip, "", "Python 3 with pip");
    })
}

/// A directory under `target/clients` that holds kafkajs, for `NODE_PATH`.
pub fn kafkajs() -> PathBuf {
    let directory = fetch("kafkajs-2.2.4", |directory| {
        let mut npm = Command::new("npm");
        npm.args([
            "install",
            "--no-audit",
            "--no-fund",
            "--silent",
            "kafkajs@2.2.4",
            "--prefix",
        ])
        .arg(directory);
        run(&mut npm, "", "Node.js with npm");
    });
    directory.join("node_modules")
}

/// Whoever comes first fetches; the others, in any process, wait for it. A fetch that was cut off is done again.
fn fetch(name: &str, install: impl Fn(&Path)) -> PathBuf {
    let clients = Path::new(TARGET_TMP)
        .parent()
        .expect("a target directory")
        .join("clients");
    fs::create_dir_all(&clients).expect("creatable");
    let lock = File::create(clients.join("lock")).expect("creatable");
    lock.lock().expect("lockable");
    let directory = clients.join(name);
    if !directory.exists() {
        let partial = clients.join(format!("{name}.partial"));
        let _ = fs::remove_dir_all(&partial);
        fs::create_dir(&partial).expect("creatable");
        install(&partial);
        fs::rename(&partial, &directory).expect("on one file system");
    }
    directory
}
