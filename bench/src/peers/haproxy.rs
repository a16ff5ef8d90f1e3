//! HAProxy: `jwt_verify` and its claims read with `jwt_payload_query`. It remembers no verdicts.

use std::process::Command;

use anyhow::{Result, bail};

use super::{Checks, Place, program};
use crate::keys::Algorithm;

pub(super) fn command(place: &Place<'_>) -> Result<Command> {
    let path = place.site.installed.haproxy.clone()?;
    let (template, algorithm) = match place.setup.checks {
        Checks::Nothing => (include_str!("../../peers/haproxy-forward.cfg"), ""),
        Checks::SelfContained(Algorithm::EdDsa) => bail!("this HAProxy verifies no EdDSA"),
        Checks::SelfContained(algorithm) => (include_str!("../../peers/haproxy-jwt.cfg"), algorithm.name()),
        Checks::Referential => bail!("HAProxy has no introspection"),
    };
    let key = place.site.keys.join(format!("{algorithm}.pem"));
    let config = place.write("haproxy.cfg", template, &[("ALG", algorithm), ("KEY", &key.display().to_string())])?;
    Ok(program(&path, &["-f", &config.display().to_string()]))
}
