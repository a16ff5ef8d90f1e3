//! Scripts for Node.js.

use super::{Process, workspace};
use std::process::Command;

/// The script `script` in `tests/FOLDER`, ready to run; panics where Node.js or the npm package of that folder is missing.
pub fn node(folder: &str, package: &str, script: &str) -> Command {
    let home = workspace().join("tests").join(folder);
    let node = Command::new("node").arg("--version").output();
    assert!(node.is_ok_and(|node| node.status.success()), "these tests need Node.js 20.19 or later (`node` in PATH)");
    assert!(
        home.join("node_modules").join(package).is_dir(),
        "these tests need {package}: run `npm ci --ignore-scripts` in {}",
        home.display()
    );
    let mut command = Command::new("node");
    command.arg(script).current_dir(home);
    command
}

/// The address that a server says in the line that begins with `what`.
pub fn address(process: &mut Process, what: &str) -> String {
    let line = process.wait_for_line(what, |line| line.starts_with(what));
    line[what.len()..].trim().to_owned()
}
