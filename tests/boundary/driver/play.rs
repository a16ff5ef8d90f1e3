//! Plays the rows of a table.

use super::row::{Outcome, Row, Then};
use super::{Answer, Client, Message, PAUSE, Stage, fresh_id, other_parser, shown};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// How many rows are under way at once.
const THREADS: usize = 4;
/// Rows with more bytes are not cut at each of them.
const LONGEST_CUT: usize = 1_500;
/// Of the malformed rows, every so many is cut.
const SAMPLE: usize = 6;
/// How the bytes of a row are sent.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Whole,
    CutAt(usize),
    ByteByByte,
}

/// Plays every row, and panics with all that went otherwise than they say.
#[allow(clippy::print_stdout, reason = "with --nocapture it shows how much was played")]
pub(crate) fn play(rows: &[Row]) {
    let wanted = std::env::var("BEARWARD_BOUNDARY_ROW").unwrap_or_default();
    let rows: Vec<&Row> = rows.iter().filter(|row| row.name.contains(&wanted)).collect();
    let stage = Stage::start();
    let whole: Vec<_> = (0..rows.len()).map(|at| (at, Sent::Whole)).collect();
    let mut failures = run(&stage, &rows, &whole);
    let cut = cuts(&rows).into_iter().filter(|(at, _)| !failures.contains_key(at)).collect::<Vec<_>>();
    failures.extend(run(&stage, &rows, &cut));
    let deadline = Instant::now() + super::DEADLINE;
    while stage.upstream.unfinished() > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    let unfinished = stage.upstream.unfinished();
    for (id, at) in stage.played.lock().unwrap().iter() {
        let (arrived, most) = (stage.upstream.arrived(id).len(), rows[*at].most_arrivals());
        if arrived > most {
            failures.entry(*at).or_insert(format!("in the end {arrived} arrived, and not {most}"));
        }
    }
    let said: Vec<String> = failures.into_iter().map(|(at, what)| format!("{}: {what}", rows[at].name)).collect();
    let (failed, all) = (said.len(), rows.len());
    assert!(said.is_empty(), "{failed} of {all} rows went otherwise:\n- {}\n", said.join("\n- "));
    assert_eq!(unfinished, 0, "connections to the upstream stay open within a message");
    println!("{all} rows, {} cuts", cut.len());
}

/// How the rows are sent beside in one piece.
fn cuts(rows: &[&Row]) -> Vec<(usize, Sent)> {
    let mut jobs = Vec::new();
    let (mut malformed, mut dripped) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        malformed += usize::from(!row.is_well_formed());
        let is_sampled = row.is_well_formed() || malformed % SAMPLE == 1;
        if row.is_whole_only || !is_sampled || row.raw.len() > LONGEST_CUT {
            continue;
        }
        jobs.extend((1..row.raw.len()).map(|cut| (at, Sent::CutAt(cut))));
        if dripped < 4 {
            dripped += 1;
            jobs.push((at, Sent::ByteByByte));
        }
    }
    jobs
}

/// What went wrong, by row: of each the first.
fn run(stage: &Stage, rows: &[&Row], jobs: &[(usize, Sent)]) -> BTreeMap<usize, String> {
    let (failures, next) = (Mutex::new(BTreeMap::<usize, String>::new()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(&(at, sent)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // One failure of a row is enough, and each further one may take the whole deadline.
                    let is_known = failures.lock().unwrap().contains_key(&at);
                    if !is_known && let Err(what) = one(stage, at, rows[at], sent) {
                        failures.lock().unwrap().entry(at).or_insert(what);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// Plays a row once.
fn one(stage: &Stage, at: usize, row: &Row, sent: Sent) -> Result<(), String> {
    let id = fresh_id();
    stage.played.lock().unwrap().push((id.clone(), at));
    let raw = stage.fill(&row.raw, &id);
    let mut client = Client::open(stage.gateway.address());
    match sent {
        Sent::Whole => drop(client.send(&raw)),
        // A row with a token is longer now; its cuts are nearer to its beginning.
        Sent::CutAt(cut) => {
            let _ = client.send(&raw[..cut]); // it may be refused before it is complete
            thread::sleep(PAUSE);
            let _ = client.send(&raw[cut..]);
        }
        Sent::ByteByByte => {
            for byte in &raw {
                let _ = client.send(&[*byte]);
                thread::sleep(PAUSE / 2);
            }
        }
    }
    if row.ends {
        client.finish_sending();
    }
    let seen = see(&mut client, row, &raw, matches!(sent, Sent::Whole));
    let arrived = stage.upstream.arrived(&id);
    let verdicts = row.outcomes.iter().map(|outcome| judge(outcome, &seen, &arrived, |raw| stage.fill(raw, &id)));
    let mut problems = Vec::new();
    for verdict in verdicts {
        match verdict {
            Ok(()) => return Ok(()),
            Err(problem) => problems.push(problem),
        }
    }
    Err(format!("{} [{sent:?}; {}; {}]", problems.join("; or: "), row.source, shown(&row.raw)))
}

/// What a client sees of a row.
struct Seen {
    answers: Vec<Answer>,
    closed: Result<(), String>,
    next: Next,
}

/// What came of another request on the connection.
enum Next {
    NotTried,
    Served,
    Closed,
    Wrong(String),
}

/// Reads what comes back. Where the connection goes on, another request shows that nothing was left over.
fn see(client: &mut Client, row: &Row, raw: &[u8], with_ping: bool) -> Seen {
    let most = row.outcomes.iter().map(|outcome| outcome.answers.len()).max().unwrap_or_default();
    let mut seen =
        Seen { answers: Vec::new(), closed: Err("the connection stays open".to_owned()), next: Next::NotTried };
    while seen.answers.len() < most {
        let finals = seen.answers.iter().filter(|answer| !answer.is_interim()).count();
        match client.answer(&method(raw, finals)) {
            Ok(Some(answer)) => seen.answers.push(answer),
            Ok(None) => {
                seen.closed = Ok(());
                return seen;
            }
            Err(problem) => {
                seen.closed = Err(problem);
                return seen;
            }
        }
        if seen.answers.last().is_some_and(|answer| answer.status == 101) {
            return seen;
        }
    }
    if row.ends || seen.answers.last().is_some_and(Answer::says_close) {
        seen.closed = client.closes();
    } else if with_ping {
        client.send(b"GET /public/ping HTTP/1.1\r\nHost: a\r\n\r\n");
        seen.next = match client.answer("GET") {
            Ok(Some(answer)) if answer.status == 200 && answer.body == b"ok" => Next::Served,
            Ok(Some(answer)) => Next::Wrong(format!("the next answer is {}", shown(&answer.head))),
            Ok(None) => Next::Closed,
            Err(problem) => Next::Wrong(problem),
        };
    }
    seen
}

/// The method of the request in these bytes that is answered after so many others: all that matters is HEAD.
fn method(raw: &[u8], after: usize) -> String {
    let text = String::from_utf8_lossy(raw);
    let is_line = |line: &&str| line.contains(" /") && line.contains(" HTTP/1.");
    let line = text.split("\r\n").filter(is_line).nth(after).unwrap_or_default();
    if line.starts_with("HEAD ") { "HEAD".to_owned() } else { "GET".to_owned() }
}

fn judge(outcome: &Outcome, seen: &Seen, arrived: &[Message], fill: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), String> {
    let statuses: Vec<u16> = seen.answers.iter().map(|answer| answer.status).collect();
    let is_silent = outcome.may_be_silent && statuses.is_empty() && seen.closed.is_ok();
    let as_wanted = statuses.len() == outcome.answers.len()
        && statuses.iter().zip(&outcome.answers).all(|(status, wanted)| wanted.contains(status));
    let closed = seen.closed.as_ref().err().map_or("closed", |problem| problem);
    if !as_wanted && !is_silent {
        return Err(format!("answers {statuses:?} and not {:?} ({closed})", outcome.answers));
    }
    if let Some(answer) = seen.answers.iter().find(|answer| !answer.whole) {
        return Err(format!("an answer breaks off: {}", shown(&answer.head)));
    }
    if arrived.len() != outcome.arrivals.len() {
        let heads: Vec<String> = arrived.iter().map(|message| shown(&message.raw)).collect();
        return Err(format!("{} arrived, and not {}: {heads:?}", arrived.len(), outcome.arrivals.len()));
    }
    for (arrival, message) in outcome.arrivals.iter().zip(arrived) {
        arrival.check(message, &fill)?;
        other_parser::check(message)?;
    }
    let says_close = seen.answers.last().is_some_and(Answer::says_close);
    match (outcome.then, &seen.next) {
        (Then::Closed, _) if is_silent => {}
        (Then::Closed, _) if !says_close => return Err("the answer does not say that the connection closes".to_owned()),
        (Then::Kept, _) if says_close => return Err("the answer says that the connection closes".to_owned()),
        (Then::Kept, Next::Closed) => return Err("the connection closes, and that was not said".to_owned()),
        (Then::Ended, Next::Served) => return Err("the connection goes on".to_owned()),
        (_, Next::Wrong(problem)) => return Err(problem.clone()),
        _ if says_close && seen.closed.is_err() => return Err(format!("said to close, but {closed}")),
        _ => {}
    }
    Ok(())
}
