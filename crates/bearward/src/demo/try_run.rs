//! `bearward demo --try`: sends the demo's requests over real sockets, and tells whether each answer is the expected one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, header};
use serde_json::Value;

use super::cases::{self, Case, Expected};
use super::tokens::Tokens;
use crate::http;

/// What `--try` found.
#[derive(Debug)]
pub(super) struct Report {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    case: &'static str,
    seen: Seen,
    time: Duration,
    /// What had been expected, where something else came.
    missed: Option<String>,
}

/// What came back, in the terms of [`Expected`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Admitted { status: u16, source: String, subject: Option<String> },
    Refused { status: u16, reason: String, exact: String },
}

/// Runs every case against the gateway.
///
/// # Errors
///
/// When the gateway or its metrics cannot be reached, or the metrics do not tell what became of a request.
pub(super) async fn run(gateway: SocketAddr, admin: SocketAddr, tokens: &Tokens) -> anyhow::Result<Report> {
    let mut rows = Vec::new();
    let mut before = decisions(admin).await?;
    for case in cases::all() {
        let answer = http::send(request(&case, gateway, tokens)?).await?;
        let after = decisions(admin).await?;
        let decision = changed(&before, &after).with_context(|| format!("metrics after \"{}\"", case.name))?;
        let seen = Seen::of(&answer.response, &decision);
        let missed = (!seen.is(&case.expected)).then(|| expected(&case.expected));
        rows.push(Row { case: case.name, seen, time: answer.time, missed });
        before = after;
    }
    Ok(Report { rows })
}

impl Report {
    /// Whether every answer was the expected one.
    pub(super) fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.missed.is_none())
    }

    /// The table, what was expected where something else came, and the count.
    pub(super) fn text(&self) -> String {
        let heading = ["case", "status", "reason", "time"].map(str::to_owned);
        let rows = self.rows.iter().map(Row::cells);
        let mut text = bearward_config::table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
        text.push('\n');
        for row in &self.rows {
            if let Some(expected) = &row.missed {
                text.push_str(&format!("FAILED  {}: {}, expected {expected}\n", row.case, row.seen));
            }
        }
        let failed = self.rows.iter().filter(|row| row.missed.is_some()).count();
        text.push_str(&format!("{} passed, {failed} failed\n", self.rows.len() - failed));
        text
    }
}

impl Row {
    fn cells(&self) -> [String; 4] {
        let (status, reason) = match &self.seen {
            Seen::Admitted { status, source, .. } => (status, format!("admitted ({source})")),
            Seen::Refused { status, reason, exact } => (status, format!("{reason} ({exact})")),
        };
        [self.case.to_owned(), status.to_string(), reason, format!("{:.1} ms", self.time.as_secs_f64() * 1_000.0)]
    }
}

impl Seen {
    fn of(response: &Response<Bytes>, decision: &BTreeMap<String, String>) -> Self {
        let status = response.status().as_u16();
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let label = |name: &str| decision.get(name).cloned().unwrap_or_default();
        if label("verdict") == "admit" {
            // The echo's answer: what the API was told of the caller.
            let subject = body.pointer("/headers/x-auth-subject").map(text);
            let source = Some(label("source")).filter(|source| !source.is_empty() && source != "none");
            Self::Admitted { status, source: source.unwrap_or_else(|| "open".to_owned()), subject }
        } else {
            Self::Refused { status, reason: body.get("reason").map(text).unwrap_or_default(), exact: label("reason") }
        }
    }

    fn is(&self, expected: &Expected) -> bool {
        match (self, expected) {
            (Self::Admitted { status, source, subject }, Expected::Admitted { source: by, subject: of }) => {
                *status == 200 && source == by && subject.as_deref() == *of
            }
            (
                Self::Refused { status, reason, exact },
                Expected::Refused { status: code, reason: public, exact: name },
            ) => status == code && reason == public && exact == name,
            _ => false,
        }
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Admitted { status, source, subject } => {
                write!(f, "{status} admitted ({source}) for {}", subject.as_deref().unwrap_or("nobody"))
            }
            Self::Refused { status, reason, exact } => write!(f, "{status} {reason} ({exact})"),
        }
    }
}

fn expected(expected: &Expected) -> String {
    match *expected {
        Expected::Admitted { source, subject } => {
            Seen::Admitted { status: 200, source: source.to_owned(), subject: subject.map(str::to_owned) }
        }
        Expected::Refused { status, reason, exact } => {
            Seen::Refused { status, reason: reason.to_owned(), exact: exact.to_owned() }
        }
    }
    .to_string()
}

/// A JSON value without the quotes of a string.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn request(case: &Case, gateway: SocketAddr, tokens: &Tokens) -> anyhow::Result<Request<Full<Bytes>>> {
    let mut request = Request::builder().method(&case.method).uri(format!("http://{gateway}{}", case.path));
    if let Some(token) = case.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", tokens.get(token)));
    }
    Ok(request.body(Full::default())?)
}

/// The samples of the metric that counts decisions, by their labels.
type Decisions = BTreeMap<String, f64>;

async fn decisions(admin: SocketAddr) -> anyhow::Result<Decisions> {
    let request = Request::get(format!("http://{admin}/metrics")).body(Full::default())?;
    let answer = http::send(request).await?.response;
    ensure!(answer.status().is_success(), "/metrics answered {}", answer.status());
    Ok(samples(&String::from_utf8_lossy(answer.body()), "bearward_decisions_total"))
}

fn samples(metrics: &str, name: &str) -> Decisions {
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once("} "));
    lines.filter_map(|(labels, value)| Some((labels.to_owned(), value.parse().ok()?))).collect()
}

/// The labels of the one decision that was made between two looks at the metrics.
fn changed(before: &Decisions, after: &Decisions) -> anyhow::Result<BTreeMap<String, String>> {
    let grown = |(labels, value): &(&String, &f64)| **value > before.get(*labels).copied().unwrap_or(0.0);
    let mut grown = after.iter().filter(grown);
    let labels = match (grown.next(), grown.next()) {
        (Some((labels, _)), None) => labels,
        (None, _) => anyhow::bail!("no decision was counted"),
        (Some(_), Some(_)) => anyhow::bail!("more than one decision was counted: is somebody else asking?"),
    };
    // Nothing in these labels holds a comma or a quote, except perhaps a route's name, which is not looked at.
    let pairs = labels.split("\",").filter_map(|pair| pair.split_once("=\""));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned())).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]

    use super::*;

    const BEFORE: &str = "\
# TYPE bearward_decisions_total counter
bearward_decisions_total{reason=\"\",source=\"cache\",verdict=\"admit\"} 1
bearward_http_requests_total{code=\"200\"} 4
";

    #[test]
    fn a_decision_is_read_from_the_metric_that_grew() {
        let before = samples(BEFORE, "bearward_decisions_total");
        let line = "bearward_decisions_total{reason=\"token_expired\",source=\"none\",verdict=\"refuse\"} 1\n";
        let after = samples(&format!("{BEFORE}{line}"), "bearward_decisions_total");
        assert_eq!(changed(&before, &after).unwrap()["reason"], "token_expired");
        assert_eq!(changed(&after, &after).unwrap_err().to_string(), "no decision was counted");
    }

    #[test]
    fn an_unexpected_answer_is_told_with_what_was_expected() {
        let seen = Seen::Refused { status: 503, reason: "unavailable".into(), exact: "keys_unavailable".into() };
        let expected_here = Expected::Admitted { source: "signature", subject: Some("alice") };
        assert!(!seen.is(&expected_here));
        let good = Seen::Admitted { status: 200, source: "cache".into(), subject: Some("alice".into()) };
        let report = Report {
            rows: vec![
                Row { case: "first", seen, time: Duration::from_micros(1_250), missed: Some(expected(&expected_here)) },
                Row { case: "the second", seen: good, time: Duration::from_micros(410), missed: None },
            ],
        };
        assert!(!report.passed());
        insta::assert_snapshot!(report.text(), @r"
        case        status  reason                          time
        first       503     unavailable (keys_unavailable)  1.2 ms
        the second  200     admitted (cache)                0.4 ms

        FAILED  first: 503 unavailable (keys_unavailable), expected 200 admitted (signature) for alice
        1 passed, 1 failed
        ");
    }
}
