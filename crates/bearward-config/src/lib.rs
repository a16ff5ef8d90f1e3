//! The configuration: a TOML file, the environment above it, flags on top.
//!
//! ```text
//! text -> source (TOML, with positions) -> layers (merged, presets below) -> reader (typed, one by one) -> resolve (rules) -> Config
//! ```
//!
//! Every mistake is reported at once, with its location and a hint, before anything is bound. An operator
//! should not have to start a gateway five times to learn of five mistakes.

mod layers;
mod location;

mod problem;
mod provider;
mod reader;
mod redact;
mod report;
mod resolve;
mod show;
mod source;
mod suggest;
mod table;
#[cfg(test)]
mod tests;
mod units;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::path::Path;

use bearward_core::Scope;
use bearward_gate::{GateSettings, ReadyWhen};
use bearward_proxy::ProxySettings;

use self::layers::Layers;
use self::problem::{Position, Severity};
pub use self::problem::{Problem, Problems};
use self::provider::Provider;
use self::reader::Reader;
use self::redact::References;
pub use self::report::report;
use self::source::SourceFile;
pub use self::table::table;

/// A configuration without errors.
#[derive(Debug)]
#[non_exhaustive]
pub struct Config {
    /// The settings of the engine.
    pub gate: GateSettings,
    /// The settings of the proxy.
    pub proxy: ProxySettings,
    /// The server of health, readiness and metrics.
    pub admin: AdminSettings,
    /// What is logged, and in which form.
    pub log: LogSettings,
    /// Scopes that imply others, as the file has them; the requirement of each route holds them already.
    pub(crate) scope_implications: Vec<(Scope, Vec<Scope>)>,
    /// The issuers that have a preset, each with its provider.
    pub(crate) providers: Vec<(String, Provider)>,
    /// What is allowed but probably not intended.
    pub warnings: Vec<Problem>,
}

/// The server of health, readiness and metrics.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AdminSettings {
    /// The address that it listens on.
    pub listen: SocketAddr,
    /// Which issuers must be able to prove tokens before `/readyz` answers 200.
    pub ready: ReadyWhen,
}

/// What is logged, and in which form.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// A level, or directives such as `info,bearward_gate=debug`.
    pub level: String,
    /// How many bytes of lines wait for a slow reader before lines are dropped.
    pub max_queued_bytes: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned(), max_queued_bytes: 8 << 20 }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `human`: for people.
    Human,
    /// `json`: one object a line, for machines.
    Json,
}

impl LogFormat {
    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }
}

/// The settings that flags of the command line override.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Overrides {
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--admin-listen`
    pub admin_listen: Option<SocketAddr>,
    /// `--log-level`
    pub log_level: Option<String>,
    /// `--log-format`
    pub log_format: Option<LogFormat>,
}

/// Reads a configuration file; the environment overrides the file, and the flags override both.
///
/// # Errors
///
/// Every mistake in them, or the one reason why the file cannot be read.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Config, Problems> {
    let text = text(path)?;
    parse(&text, path, overrides, std::env::vars_os().filter_map(unicode))
}

/// Reads a configuration like [`load`] and writes all of it as TOML: every setting with its effective value, including
/// defaults and presets. It holds no secrets and no queries of URLs. The output is itself a configuration for the same
/// folder, and it means the same if no URL has a query.
///
/// # Errors
///
/// As [`load`].
pub fn load_and_show(path: &Path, overrides: &Overrides) -> Result<String, Problems> {
    let text = text(path)?;
    read_with(&text, path, overrides, std::env::vars_os().filter_map(unicode), |config, layers| {
        show::show(&config, layers)
    })
}

/// Reads a configuration from a text. Messages show `name`, and relative paths start in its folder.
///
/// # Errors
///
/// Every mistake.
pub fn parse(
    text: &str,
    name: &Path,
    overrides: &Overrides,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, Problems> {
    read_with(text, name, overrides, environment, |config, _| config)
}

/// Reads a configuration and passes it on together with the merged values that it was read from.
fn read_with<T>(
    text: &str,
    name: &Path,
    overrides: &Overrides,
    environment: impl IntoIterator<Item = (String, String)>,
    make: impl FnOnce(Config, &Layers) -> T,
) -> Result<T, Problems> {
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    let folder = name.parent().unwrap_or(Path::new("")).to_owned();
    let references = References { folder: &folder, environment: &environment };
    let source = SourceFile::parse(name, text, references)?;
    let (layers, diagnostics) = layers::merge(&source, &environment, overrides);
    let reader = Reader::new(&layers, references, diagnostics);
    let config = resolve::resolve(&reader);

    let problems = reader.into_diagnostics().into_iter().map(|located| source.locate(located)).collect();
    let problems = Problems::new(problems);
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(make(Config { warnings: problems.into_vec(), ..config }, &layers))
}

/// The largest file that is read. A configuration of a thousand routes has a tenth of it.
const MAX_BYTES: u64 = 4 << 20;

fn text(path: &Path) -> Result<String, Problems> {
    let read = read(path);
    read.map_err(|message| {
        let position = Position::File { name: path.display().to_string() };
        let hint = Some("name the configuration file with --config FILE or BEARWARD_CONFIG".to_owned());
        Problem { severity: Severity::Error, position, message, hint }.into()
    })
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut read = || File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read().map_err(|error| format!("cannot read the configuration file: {}", reason(&error)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("the configuration file is larger than {}", units::format_size(MAX_BYTES)));
    }
    String::from_utf8(bytes).map_err(|_| "the configuration file is not UTF-8 text".to_owned())
}

/// Why a file cannot be read, in plain words.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// A variable as text. One of ours that is not Unicode is kept with replacement characters, so that it is reported.
fn unicode((name, value): (OsString, OsString)) -> Option<(String, String)> {
    let name = name.into_string().ok()?;
    match value.into_string() {
        Ok(value) => Some((name, value)),
        Err(value) if name.starts_with("BEARWARD_") => Some((name, value.to_string_lossy().into_owned())),
        Err(_) => None,
    }
}
