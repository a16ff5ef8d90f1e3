//! `rust-version` in the workspace's `Cargo.toml` is no lie: no crate that is built needs a newer Rust, and the comment beside it
//! names the one that needs the newest. (That our own code needs no more is clippy's `incompatible_msrv`.)
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

use std::process::Command;

use serde_json::Value;

/// Major, minor and patch.
type Version = [u64; 3];

fn version(text: &str) -> Version {
    let mut parts = text.split('.').map(|part| part.parse().unwrap());
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_stated_rust_version_is_enough_for_every_dependency() {
    let rustc = output(Command::new("rustc").arg("-vV"));
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--offline",
        "--all-features",
        "--filter-platform",
        host,
    ]);
    let metadata: Value = serde_json::from_str(&output(&mut cargo)).unwrap();
    let mut dependencies = Vec::new();
    let mut ours = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let Some(stated) = package["rust_version"].as_str() else { continue };
        if package["source"].is_null() {
            ours.push(version(stated));
        } else {
            dependencies.push((version(stated), name, stated));
        }
    }
    let (newest, ..) = *dependencies.iter().max().unwrap();
    assert!(ours.iter().all(|stated| *stated >= newest), "{:?} need more", dependencies.iter().max());

    let manifest = include_str!("../../../Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("rust-version = ")).unwrap();
    let named = dependencies.iter().filter(|(needed, ..)| *needed == newest);
    let said: Vec<String> = named.map(|(_, name, stated)| format!("{stated}, {name}")).collect();
    assert!(said.iter().any(|said| line.contains(said.as_str())), "{line:?} names none of {said:?}");
}
