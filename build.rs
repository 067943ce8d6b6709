//! Names the commit in the binary, for `kmirror_build_info`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/refs/heads");
    println!("cargo:rerun-if-env-changed=KMIRROR_COMMIT");
    let asked = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    // Where the repository is not at hand (an image, an archive), whoever builds may say which commit it is.
    let told = std::env::var("KMIRROR_COMMIT").ok();
    let commit = asked.ok().filter(|output| output.status.success());
    let commit = commit.and_then(|output| String::from_utf8(output.stdout).ok());
    let commit = told.or(commit).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=KMIRROR_COMMIT={}", commit.trim());
}
