//! Plays rows: a client that sends raw bytes, the gateway, and an upstream that records raw bytes.

mod answer_row;
mod arrival;
mod client;
mod other_parser;
mod play;
mod raw_server;
mod recorder;
mod row;
mod sockets;
mod usage;

pub(super) use answer_row::{AnswerRow, answer, play_answers};
pub(super) use arrival::Arrival;
pub(super) use client::{Answer, Client, Framing};
pub(super) use play::play;
pub(super) use raw_server::{RawServer, wait_for_the_end};
pub(super) use recorder::{Message, Recorder, Script};
pub(super) use row::{Row, row};
pub(super) use sockets::{connect_to_reset, connect_with_small_buffer};
pub(super) use usage::{memory, work};

use crate::support::{Gateway, ScriptedIssuer};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Stands in a row for what tells its messages from all others. As long as what is put there, so that lengths are right.
pub(super) const ROW_ID: &str = "<row-id>";
/// Stands in a row for a good access token.
pub(super) const TOKEN: &str = "<token>";

/// How long to wait for what should come at once. Only a row that fails waits so long.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// How long the first part of what is cut is alone: long enough for the gateway to read it, mostly.
const PAUSE: Duration = Duration::from_micros(250);

/// The largest head that the gateway takes here.
pub(super) const MAX_HEAD: usize = 32 * 1024;

/// A gateway where `/public/*` is open and `/private/*` asks for a token.
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    pub(super) upstream: Recorder,
    pub(super) token: String,
    /// The identifiers that were given out, each with the place of its row.
    played: Mutex<Vec<(String, usize)>>,
    _issuer: ScriptedIssuer,
}

impl Stage {
    /// Starts it with few lines in the log.
    pub(super) fn start() -> Self {
        Self::start_with("[log]\nlevel = \"warn\"\n", "")
    }

    /// Starts it with these tables before the others, and these settings of the upstream.
    pub(super) fn start_with(tables: &str, upstream_settings: &str) -> Self {
        let (issuer, upstream) = (ScriptedIssuer::start(), Recorder::start());
        let gateway = Gateway::start(&configuration(&issuer, upstream.address(), tables, upstream_settings)).ready();
        Self { gateway, upstream, token: issuer.token(), played: Mutex::default(), _issuer: issuer }
    }

    /// Puts a row's identifier and the token where their names stand.
    pub(super) fn fill(&self, raw: &[u8], id: &str) -> Vec<u8> {
        replace(&replace(raw, ROW_ID, id), TOKEN, &self.token)
    }
}

/// A gateway whose route `/public/*` leads to this server, with these tables before the others and these settings of the
/// upstream.
pub(super) fn gateway_to(server: &RawServer, tables: &str, upstream_settings: &str) -> Gateway {
    let issuer = ScriptedIssuer::start();
    Gateway::start(&configuration(&issuer, server.address(), tables, upstream_settings)).ready()
}

/// The access lines so far, of a gateway that logs in JSON.
pub(super) fn access_lines(gateway: &Gateway) -> Vec<serde_json::Value> {
    let lines = gateway.logs();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|line| line["target"] == "bearward::access").collect()
}

/// The configuration of a [`Stage`].
fn configuration(issuer: &ScriptedIssuer, upstream: &str, tables: &str, upstream_settings: &str) -> String {
    format!(
        r#"
{tables}
{}
[[upstreams]]
name = "all"
servers = ["{upstream}"]
{upstream_settings}
[[routes]]
path = "/public/*"
upstream = "all"
open = true
[[routes]]
path = "/private/*"
upstream = "all"
"#,
        issuer.table("")
    )
}

/// An identifier that no other message has.
pub(super) fn fresh_id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("q{:07x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The first identifier in these bytes.
pub(super) fn id_in(bytes: &[u8]) -> Option<String> {
    let is_id = |window: &&[u8]| window[0] == b'q' && window[1..].iter().all(u8::is_ascii_hexdigit);
    bytes.windows(ROW_ID.len()).find(is_id).map(|id| String::from_utf8_lossy(id).into_owned())
}

fn replace(bytes: &[u8], what: &str, with: &str) -> Vec<u8> {
    let (mut replaced, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let Some(at) = find(rest, what.as_bytes()) {
        replaced.extend(&rest[..at]);
        replaced.extend(with.as_bytes());
        rest = &rest[at + what.len()..];
    }
    replaced.extend(rest);
    replaced
}

/// Where `what` begins.
pub(super) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Bytes as a person can read them, cut short.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = bytes.escape_ascii().to_string();
    if text.len() > 300 { format!("{}... ({} bytes)", &text[..300], bytes.len()) } else { text }
}
