//! `[server]`, `[admin]`, `[log]` and `[cache]`.

use std::net::SocketAddr;
use std::time::Duration;

use bearward_gate::{CacheSettings, GateSettings, ReadyWhen, bounds};
use bearward_proxy::ProxySettings;

use super::set;
use crate::location::{Diagnostic, Located, Location, quote};
use crate::reader::Section;
use crate::units::format_size;
use crate::{AdminSettings, LogFormat, LogSettings, suggest};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// The shortest time limit for a client. They are kept to within a tenth of a second.
const MIN_WAIT: Duration = Duration::from_millis(100);

/// `[server]`
#[derive(Debug)]
pub(super) struct Server {
    pub(super) listen: Vec<Located<SocketAddr>>,
    /// Without upstreams.
    pub(super) proxy: ProxySettings,
    pub(super) max_token_bytes: usize,
    pub(super) realm: String,
}

/// `[admin]`, and the location of its address, if it is set.
#[derive(Debug)]
pub(super) struct Admin {
    pub(super) settings: AdminSettings,
    pub(super) location: Option<Location>,
}

pub(super) fn server(mut section: Section<'_>) -> Server {
    let location = section.location_of("listen");
    let defaults = GateSettings::new(Vec::new(), Vec::new());
    section.refuse_empty("listen", "name at least one address, such as \"127.0.0.1:8080\"");
    let listen = section.one_or_more("listen", address).map(|listen| listen.value);
    let listen = listen.unwrap_or_else(|| vec![Located { value: SocketAddr::from(([127, 0, 0, 1], 8080)), location }]);
    let mut proxy = ProxySettings::new(listen.iter().map(|address| address.value), []);
    let threads = section.integer("threads", 1..=1_024);
    let max_connections = section.integer("max_connections", 1..=1_000_000);
    let max_connections_per_address = section.integer("max_connections_per_address", 1..=1_000_000);
    let max_header_bytes = section.size("max_header_bytes", 1 << 10..=1 << 20);
    let max_token_bytes = section.size("max_token_bytes", 1 << 8..=1 << 20);
    let most = max_header_bytes.as_ref().map_or(proxy.max_header_bytes as u64, |size| size.value);
    if let Some(token) = max_token_bytes.as_ref().filter(|size| size.value > most) {
        let diagnostic = Diagnostic::new("must not be larger than max_header_bytes: the token is in a header");
        section.reader.error(&token.location, diagnostic);
    } else if let Some(header) =
        max_header_bytes.as_ref().filter(|_| max_token_bytes.is_none() && most < defaults.max_token_bytes as u64)
    {
        let shown = format_size(defaults.max_token_bytes as u64);
        let diagnostic = Diagnostic::new(format!("leaves no room for max_token_bytes, which is {shown} unless set"));
        section.reader.error(&header.location, diagnostic.hint("set max_token_bytes to less than this"));
    }
    let realm = section.parsed("realm", "a string", realm).map_or(defaults.realm, |realm| realm.value);
    let drain = section.duration("drain", Duration::ZERO..=HOUR);
    let keepalive_pool = section.integer("keepalive_pool", 0..=65_536);
    let mut wait = |key| section.duration(key, MIN_WAIT..=DAY).map(|wait| wait.value);
    set(&mut proxy.idle_timeout, wait("idle_timeout"));
    set(&mut proxy.header_timeout, wait("header_timeout"));
    set(&mut proxy.body_timeout, wait("body_timeout"));
    set(&mut proxy.write_timeout, wait("write_timeout"));
    proxy.request_timeout = wait("request_timeout");
    section.finish();
    set(&mut proxy.threads, threads.map(as_usize));
    set(&mut proxy.max_connections, max_connections.map(as_usize));
    proxy.max_connections_per_address = max_connections_per_address.map(as_usize);
    set(&mut proxy.max_header_bytes, max_header_bytes.map(as_usize));
    set(&mut proxy.drain, drain.map(|drain| drain.value));
    set(&mut proxy.keepalive_pool, keepalive_pool.map(as_usize));
    let max_token_bytes = max_token_bytes.map_or(defaults.max_token_bytes, as_usize);
    Server { listen, proxy, max_token_bytes, realm }
}

pub(super) fn admin(mut section: Section<'_>) -> Admin {
    let location = section.has("listen").then(|| section.location_of("listen"));
    let listen = section.parsed("listen", "an address such as \"127.0.0.1:9700\"", address);
    let ready = section.choice("ready", &[ReadyWhen::Any, ReadyWhen::All].map(|when| (when.name(), when)));
    section.finish();
    let listen = listen.map_or(SocketAddr::from(([127, 0, 0, 1], 9700)), |listen| listen.value);
    let ready = ready.map_or_else(ReadyWhen::default, |ready| ready.value);
    Admin { settings: AdminSettings { listen, ready }, location }
}

pub(super) fn log(mut section: Section<'_>) -> LogSettings {
    let format = section.choice("format", &[LogFormat::Human, LogFormat::Json].map(|format| (format.name(), format)));
    let level = section.parsed("level", "a string", level);
    // Less could not hold a few hundred lines, and leave room for warnings.
    let max_queued_bytes = section.size("max_queued_bytes", 64 << 10..=1 << 30);
    section.finish();
    let mut log = LogSettings::default();
    set(&mut log.format, format.map(|format| format.value));
    set(&mut log.level, level.map(|level| level.value));
    set(&mut log.max_queued_bytes, max_queued_bytes.map(as_usize));
    log
}

pub(super) fn cache(mut section: Section<'_>) -> CacheSettings {
    const MOST: u64 = 100_000_000;
    let max_entries = section.integer("max_entries", 0..=MOST);
    let max_age = section.duration("max_age", bounds::MAX_AGE);
    let negative_entries = section.integer("negative_entries", 0..=MOST);
    section.finish();
    let mut cache = CacheSettings::default();
    cache.max_entries = max_entries.map_or(cache.max_entries, |entries| entries.value);
    cache.max_age = max_age.map_or(cache.max_age, |age| age.value);
    cache.negative_entries = negative_entries.map_or(cache.negative_entries, |entries| entries.value);
    cache
}

/// An address to listen on.
fn address(text: &str) -> Result<SocketAddr, Diagnostic> {
    let address: SocketAddr = text.parse().map_err(|_| no_address(text))?;
    if address.port() == 0 {
        // The system would choose another port at each start, and no client would know it.
        let diagnostic = Diagnostic::new(format!("{} has port 0, where no client can connect", quote(text)));
        return Err(diagnostic.hint("name the port that clients are to use"));
    }
    Ok(address)
}

/// Suggests the form for an address that is written as in other programs.
fn no_address(text: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(format!("{} is not an address to listen on", quote(text)));
    let port = text.rsplit_once(':').map_or(text, |(_, port)| port);
    let host = text.strip_suffix(port).unwrap_or_default().trim_end_matches(':');
    match (host, port.parse::<u16>()) {
        ("" | "*", Ok(port @ 1..)) => diagnostic.did_you_mean(Some(format!("0.0.0.0:{port}"))),
        ("localhost", Ok(port @ 1..)) => diagnostic.did_you_mean(Some(format!("127.0.0.1:{port}"))),
        _ => diagnostic.hint("write an IP address and a port: \"127.0.0.1:8080\", \"0.0.0.0:8080\", \"[::]:8080\""),
    }
}

/// A realm is a quoted string in each challenge (RFC 9110, 11.5).
fn realm(text: &str) -> Result<String, Diagnostic> {
    let fits = |c: char| (c.is_ascii_graphic() || c == ' ') && c != '"' && c != '\\';
    if text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err(Diagnostic::new("must be plain ASCII, without `\"` and `\\`"))
}

/// A level, or directives. A word that is not a level would be taken for a target, and nothing would be logged.
fn level(text: &str) -> Result<String, Diagnostic> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in text.split(',').map(str::trim) {
        if directive.contains('=') || LEVELS.contains(&directive) {
            continue;
        }
        let diagnostic = Diagnostic::new(format!("{} is not a level", quote(directive)));
        return Err(match suggest::nearest(directive, LEVELS) {
            Some(level) => diagnostic.did_you_mean(Some(level)),
            None => diagnostic.hint("the levels are off, error, warn, info, debug and trace"),
        });
    }
    match tracing_subscriber::EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Diagnostic::new(format!("{} cannot be read as log directives", quote(text)))
            .hint("for example: \"info\", or \"info,bearward_gate=debug\"")),
    }
}

/// The bounds of every setting are far below the smallest `usize` that Bearward runs on.
fn as_usize(number: Located<u64>) -> usize {
    usize::try_from(number.value).unwrap_or(usize::MAX)
}
