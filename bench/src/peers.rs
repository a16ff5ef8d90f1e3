//! The proxies that are compared, each set up for the same work.

mod apache;
mod bearward;
mod envoy;
mod haproxy;
pub(crate) mod install;
mod nginx;
mod pingora;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::introspection::Introspection;
use crate::keys::Algorithm;
use crate::machine::PROXY_CORE;
use crate::process::{Running, free_address};
use crate::tokens::{AUDIENCE, ISSUER};
use install::Installed;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Proxy {
    Bearward,
    Pingora,
    Nginx,
    Haproxy,
    Envoy,
    Apache,
}

/// What a proxy has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) checks: Checks,
    /// Whether verified tokens are remembered, by those that can.
    pub(crate) remembers: Remembers,
    pub(crate) threads: usize,
    pub(crate) access_log: bool,
    /// Whether nginx has its default buffers, where it does better on large bodies with larger ones.
    pub(crate) default_buffers: bool,
    pub(crate) cores: &'static [usize],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// None: requests are forwarded.
    Nothing,
    /// Signature, issuer, audience, expiry and a scope; three identity headers are set and `Authorization` is removed.
    SelfContained(Algorithm),
    /// The same of an opaque token, about which the issuer is asked.
    Referential,
}

/// Whether verified tokens are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remembers {
    Never,
    /// For so short a time that each of [`crate::tokens::DISTINCT`] tokens in rotation is new when it comes again.
    Briefly,
    Long,
}

impl Setup {
    pub(crate) fn new(checks: Checks) -> Self {
        Self {
            checks,
            remembers: Remembers::Long,
            threads: 1,
            access_log: false,
            default_buffers: false,
            cores: &[PROXY_CORE],
        }
    }
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Site {
    /// For configurations, logs and temporary files.
    pub(crate) folder: PathBuf,
    /// With the issuer's public keys.
    pub(crate) keys: PathBuf,
    pub(crate) upstream: SocketAddr,
    pub(crate) introspection: Introspection,
    pub(crate) installed: Installed,
}

impl Proxy {
    pub(crate) const ALL: [Self; 6] =
        [Self::Bearward, Self::Pingora, Self::Nginx, Self::Haproxy, Self::Envoy, Self::Apache];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bearward => "Bearward",
            Self::Pingora => "bare pingora-proxy",
            Self::Nginx => "nginx",
            Self::Haproxy => "HAProxy",
            Self::Envoy => "Envoy",
            Self::Apache => "Apache",
        }
    }

    /// Starts it, bound to its cores, and waits until it answers.
    pub(crate) fn start(self, site: &Site, setup: Setup) -> Result<Running> {
        let mut running = self.spawn(site, setup)?;
        running.wait()?;
        Ok(running)
    }

    /// Starts it and does not wait.
    pub(crate) fn spawn(self, site: &Site, setup: Setup) -> Result<Running> {
        let place = Place { site, setup, listen: free_address()?, run: site.run_folder(self)? };
        let command = match self {
            Self::Bearward => bearward::command(&place)?,
            Self::Pingora => pingora::command(&place)?,
            Self::Nginx => nginx::command(&place)?,
            Self::Haproxy => haproxy::command(&place)?,
            Self::Envoy => envoy::command(&place)?,
            Self::Apache => apache::command(&place)?,
        };
        Running::start(command, place.listen, place.run.join("output.log"), setup.cores)
    }
}

impl Site {
    /// A new folder for one process.
    fn run_folder(&self, proxy: Proxy) -> Result<PathBuf> {
        let name = proxy.name().replace(' ', "-").to_lowercase();
        for n in 0.. {
            let folder = self.folder.join(format!("{name}-{n}"));
            if fs::create_dir(&folder).is_ok() {
                return Ok(folder);
            }
            if !folder.exists() {
                break;
            }
        }
        anyhow::bail!("cannot create folders in {}", self.folder.display())
    }
}

/// What one process needs to know.
struct Place<'a> {
    site: &'a Site,
    setup: Setup,
    listen: SocketAddr,
    run: PathBuf,
}

impl Place<'_> {
    /// Fills a template's `@NAMES@` in and writes it to a file of that name.
    fn write(&self, name: &str, template: &str, values: &[(&str, &str)]) -> Result<PathBuf> {
        let mut text = template.to_owned();
        let common = [
            ("LISTEN", self.listen.to_string()),
            ("UPSTREAM", self.site.upstream.to_string()),
            ("THREADS", self.setup.threads.to_string()),
            ("RUN", self.run.display().to_string()),
            ("KEYS", self.site.keys.display().to_string()),
            ("ISSUER", ISSUER.to_owned()),
            ("AUDIENCE", AUDIENCE.to_owned()),
        ];
        for (name, value) in values {
            text = text.replace(&format!("@{name}@"), value);
        }
        for (name, value) in common {
            text = text.replace(&format!("@{name}@"), &value);
        }
        let path = self.run.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }
}

fn program(path: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.args(arguments);
    command
}
