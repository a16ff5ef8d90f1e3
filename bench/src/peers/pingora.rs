//! A forwarding proxy of pingora-proxy and nothing else: `bare-pingora`, which is built beside this program.

use std::process::Command;

use anyhow::{Result, ensure};

use super::{Checks, Place, program};

pub(super) fn command(place: &Place<'_>) -> Result<Command> {
    ensure!(place.setup.checks == Checks::Nothing, "bare pingora-proxy checks no tokens");
    let arguments = [place.listen.to_string(), place.site.upstream.to_string(), place.setup.threads.to_string()];
    Ok(program(&place.site.installed.pingora.clone()?, &arguments.each_ref().map(String::as_str)))
}
