//! The binary as a command that ends by itself.

use super::SOON;
use std::{
    fs::File,
    io::{Read as _, Seek as _},
    process::{Command, Stdio},
    time::Instant,
};

/// The binary, without arguments and without the settings that the environment of the tests may hold.
pub fn bearward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bearward"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BEARWARD_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a command said, and how it ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Finished {
    /// Both outputs.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs a command to its end. One that goes on is killed, and the test fails.
pub fn finish(command: &mut Command) -> Finished {
    let (mut stdout, mut stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().unwrap())
        .stderr(stderr.try_clone().unwrap())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let deadline = Instant::now() + SOON;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break Some(status),
            None if Instant::now() > deadline => break None,
            None => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    };
    if status.is_none() {
        let _ = child.kill(); // it may have ended at last
        let _ = child.wait();
    }
    let (stdout, stderr) = (content(&mut stdout), content(&mut stderr));
    match status {
        Some(status) => Finished { code: status.code(), stdout, stderr },
        None => panic!("{command:?} has not ended within {SOON:?}; it said:\n{stdout}{stderr}"),
    }
}

fn content(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("the output is not UTF-8: {error}"))
}
