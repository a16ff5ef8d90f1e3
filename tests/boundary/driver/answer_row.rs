//! Rows about answers: bytes that the upstream sends, and what the client must see of them.

use super::{Answer, Client, DEADLINE, Framing, PAUSE, Script, Stage, fresh_id, shown};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// An answer of the upstream, and what the client must see of it.
#[derive(Clone, Debug)]
pub(crate) struct AnswerRow {
    name: String,
    source: &'static str,
    request: Vec<u8>,
    raw: Vec<u8>,
    closes: bool,
    spoils: bool,
    wanted: Vec<Wanted>,
    present: Vec<String>,
    absent: Vec<String>,
    is_whole_only: bool,
}

/// What the client must see.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// These interim answers, and one with this status and this whole body.
    Whole { interim: Vec<u16>, status: u16, body: Vec<u8> },
    /// An answer with this status that shows that its body is not whole.
    Broken { status: u16 },
    /// 502 from the gateway itself, after these interim answers.
    BadGateway { interim: Vec<u16> },
}

/// How many rows are under way at once.
const THREADS: usize = 4;
/// Of the malformed rows, every so many is cut.
const SAMPLE: usize = 5;
/// Rows with more bytes are not cut at each of them.
const LONGEST_CUT: usize = 1_000;

/// A row without an outcome: the upstream sends these bytes to a GET request and keeps its connection open.
pub(crate) fn answer(name: impl Into<String>, source: &'static str, raw: impl AsRef<[u8]>) -> AnswerRow {
    AnswerRow {
        name: name.into(),
        source,
        request: b"GET /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        raw: raw.as_ref().to_vec(),
        closes: false,
        spoils: false,
        wanted: Vec::new(),
        present: Vec::new(),
        absent: Vec::new(),
        is_whole_only: false,
    }
}

impl AnswerRow {
    /// In answer to this request.
    pub(crate) fn asked_by(mut self, request: &str) -> Self {
        self.request = request.as_bytes().to_vec();
        self
    }

    /// The same to an HTTP/1.0 client.
    pub(crate) fn asked_by_1_0(self) -> Self {
        self.asked_by("GET /public/<row-id> HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
    }

    /// The same to HEAD.
    pub(crate) fn asked_by_head(self) -> Self {
        self.asked_by("HEAD /public/<row-id> HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    /// The upstream closes its connection after these bytes.
    pub(crate) fn closes(mut self) -> Self {
        self.closes = true;
        self
    }

    /// More comes than was announced, so that the connection must not be used again. In one piece: what comes only when the
    /// connection is idle, nobody can know of.
    pub(crate) fn spoils(mut self) -> Self {
        self.spoils = true;
        self.whole_only()
    }

    /// The client sees it whole.
    pub(crate) fn passes(self, status: u16, body: &str) -> Self {
        self.passes_after(&[], status, body)
    }

    /// The client sees it whole, after these interim answers.
    pub(crate) fn passes_after(mut self, interim: &[u16], status: u16, body: &str) -> Self {
        self.wanted.push(Wanted::Whole { interim: interim.to_vec(), status, body: body.into() });
        self
    }

    /// The client sees that it broke off.
    pub(crate) fn breaks_off(mut self, status: u16) -> Self {
        self.wanted.push(Wanted::Broken { status });
        self.spoils = true;
        self
    }

    /// The client gets 502, and the connection to the upstream is not used again.
    pub(crate) fn bad_gateway(self) -> Self {
        self.bad_gateway_after(&[])
    }

    /// The same, after these interim answers.
    pub(crate) fn bad_gateway_after(mut self, interim: &[u16]) -> Self {
        self.wanted.push(Wanted::BadGateway { interim: interim.to_vec() });
        self.spoils = self.wanted.len() == 1;
        self
    }

    /// With this field exactly once, `name: value`.
    pub(crate) fn with(mut self, field: &str) -> Self {
        self.present.push(field.to_owned());
        self
    }

    /// Without any field of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.absent.push(name.to_ascii_lowercase());
        self
    }

    /// It is not cut, since it is long.
    pub(crate) fn whole_only(mut self) -> Self {
        self.is_whole_only = true;
        self
    }
}

/// Plays every row, and panics with all that went otherwise than they say.
#[allow(clippy::print_stdout, reason = "with --nocapture it shows how much was played")]
pub(crate) fn play_answers(rows: &[AnswerRow]) {
    let wanted = std::env::var("BEARWARD_BOUNDARY_ROW").unwrap_or_default();
    let rows: Vec<&AnswerRow> = rows.iter().filter(|row| row.name.contains(&wanted)).collect();
    let stage = Stage::start_with("[log]\nlevel = \"error\"\n", "read_timeout = \"2s\"");
    let whole: Vec<_> = (0..rows.len()).map(|at| (at, None)).collect();
    let mut failures = run(&stage, &rows, &whole);
    let mut cuts = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let is_sampled = !row.spoils || at % SAMPLE == 0;
        if is_sampled && !row.is_whole_only && row.raw.len() <= LONGEST_CUT && !failures.contains_key(&at) {
            cuts.extend((1..row.raw.len()).map(|cut| (at, Some(cut))));
        }
    }
    failures.extend(run(&stage, &rows, &cuts));
    for id in stage.upstream.used_though_spoilt() {
        let played = stage.played.lock().unwrap();
        let at = played.iter().find(|(played, _)| *played == id).map_or(0, |(_, at)| *at);
        failures.entry(at).or_insert_with(|| "the upstream's connection was used again".to_owned());
    }
    let said: Vec<String> = failures.into_iter().map(|(at, what)| format!("{}: {what}", rows[at].name)).collect();
    let (failed, all) = (said.len(), rows.len());
    assert!(said.is_empty(), "{failed} of {all} rows went otherwise:\n- {}\n", said.join("\n- "));
    println!("{all} rows, {} cuts", cuts.len());
}

/// What went wrong, by row: of each the first.
fn run(stage: &Stage, rows: &[&AnswerRow], jobs: &[(usize, Option<usize>)]) -> BTreeMap<usize, String> {
    let (failures, next) = (Mutex::new(BTreeMap::<usize, String>::new()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(&(at, cut)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let is_known = failures.lock().unwrap().contains_key(&at);
                    if !is_known && let Err(what) = one(stage, at, rows[at], cut) {
                        failures.lock().unwrap().entry(at).or_insert(what);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// Plays a row once.
fn one(stage: &Stage, at: usize, row: &AnswerRow, cut: Option<usize>) -> Result<(), String> {
    let id = fresh_id();
    stage.played.lock().unwrap().push((id.clone(), at));
    let script = Script { bytes: row.raw.clone(), closes: row.closes, cut, spoils: row.spoils };
    stage.upstream.script(&id, script);
    let mut client = Client::open(stage.gateway.address());
    client.send(&stage.fill(&row.request, &id));
    let seen = see(&mut client, row);
    if cut.is_some() {
        thread::sleep(PAUSE);
    }
    let problems: Vec<String> =
        row.wanted.iter().filter_map(|wanted| judge(row, wanted, &seen, &mut client).err()).collect();
    if problems.len() < row.wanted.len() {
        return Ok(());
    }
    Err(format!("{} [cut {cut:?}; {}; {}]", problems.join("; or: "), row.source, shown(&row.raw)))
}

/// The interim answers, and the final one or why there is none.
type Seen = (Vec<Answer>, Result<Option<Answer>, String>);

fn see(client: &mut Client, row: &AnswerRow) -> Seen {
    let method = if row.request.starts_with(b"HEAD") { "HEAD" } else { "GET" };
    let mut interim = Vec::new();
    loop {
        match client.answer_within(method, DEADLINE) {
            Ok(Some(answer)) if answer.is_interim() => interim.push(answer),
            last => return (interim, last),
        }
    }
}

fn judge(row: &AnswerRow, wanted: &Wanted, (interim, last): &Seen, client: &mut Client) -> Result<(), String> {
    let answer = match last {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err("closed without an answer".to_owned()),
        Err(problem) => return Err(problem.clone()),
    };
    let interim: Vec<u16> = interim.iter().map(|answer| answer.status).collect();
    let is_ours = answer.values("content-type").iter().any(|kind| kind.contains("problem+json"));
    let (status, whole, length) = (answer.status, answer.whole, answer.body.len());
    let seen = format!("interim {interim:?}, {status}, {length} bytes, whole: {whole}");
    match wanted {
        Wanted::Broken { status } if answer.status == *status && !answer.whole => return Ok(()),
        Wanted::BadGateway { interim: before } => {
            return if status == 502 && is_ours && whole && interim == *before { Ok(()) } else { Err(seen) };
        }
        Wanted::Whole { interim: before, status, body } => {
            if answer.status != *status || !whole || answer.body != *body || interim != *before || is_ours {
                return Err(format!("{seen}, {:?}", shown(&answer.body)));
            }
        }
        Wanted::Broken { .. } => return Err(seen),
    }
    check_fields(row, answer)?;
    // HTTP/1.0 knows no chunks, and who reads to the end of the connection must not be told that it stays.
    let is_1_0 = row.request.windows(8).any(|window| window == b"HTTP/1.0");
    let keeps = answer.values("connection").iter().any(|value| value.eq_ignore_ascii_case("keep-alive"));
    if is_1_0 && answer.framing == Framing::Chunked || answer.framing == Framing::Close && keeps {
        return Err(format!("{:?} in {}", answer.framing, shown(&answer.head)));
    }
    if answer.framing == Framing::Close || answer.says_close() || is_1_0 && !keeps {
        return client.closes();
    }
    client.send(b"GET /public/ping HTTP/1.1\r\nHost: a\r\n\r\n");
    match client.answer("GET")? {
        Some(next) if next.status == 200 && next.body == b"ok" => Ok(()),
        Some(next) => Err(format!("the next answer is {} {}", shown(&next.head), shown(&next.body))),
        None => Err("the connection closes, and that was not said".to_owned()),
    }
}

fn check_fields(row: &AnswerRow, answer: &Answer) -> Result<(), String> {
    for field in &row.present {
        let (name, value) = field.split_once(": ").unwrap_or((field, ""));
        let wanted = row.present.iter().filter(|other| other.split(": ").next() == Some(name)).count();
        let values = answer.values(&name.to_ascii_lowercase());
        if values.len() != wanted || !values.iter().any(|known| known == value) {
            return Err(format!("{field} is not there once, in {}", shown(&answer.head)));
        }
    }
    match row.absent.iter().find(|name| !answer.values(name).is_empty()) {
        Some(name) => Err(format!("{name} reached the client, in {}", shown(&answer.head))),
        None => Ok(()),
    }
}
