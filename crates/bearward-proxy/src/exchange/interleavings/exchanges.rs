//! One request for one answer.

use std::time::Duration;

use proptest::prelude::*;

use super::driver::Driver;
use super::scripted::{Random, Script, Scripted, Takes, Then};
use super::wire::{self, Body};
use crate::exchange::answer::{Asked, Ended, Exchange, Failure, Limits, Progress};
use crate::exchange::buffer::Buffers;
use crate::exchange::half::Half;
use crate::http::framing::Framing;
use crate::http::head::Version;

/// The head that the client sent, and the one that the upstream gets.
const HEAD: &[u8] = b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n";
const FORWARDED: &[u8] = b"POST /a HTTP/1.1\r\nHost: upstream\r\n\r\n";
/// What may come behind a request, and behind an answer.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\n\r\n";
const EXTRA: &[u8] = b"HTTP/1.1 200 EXTRA\r\n\r\n";
const INTERIM: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";

/// No buffer of these tests needs more; an answer's head is the largest thing that is kept whole.
const MOST_MEMORY: usize = 128 * 1024;

#[derive(Clone, Debug)]
struct Scenario {
    seed: u64,
    cut: [usize; 2],
    version: Version,
    is_head: bool,
    reused: bool,
    request: (Framing, usize),
    answer: (Framing, usize),
    interim: usize,
    status: u16,
    /// How much of the request, in thousandths, is needed before the answer comes.
    gate: Option<usize>,
    client: Fault,
    upstream: Fault,
}

/// What goes wrong on one side; the places are in thousandths of what that side sends or gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Nothing,
    /// More follows than was asked for.
    Extra,
    Ends(usize, Then),
    Refuses(usize),
    Stalls(usize),
    Broken,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => Just(Fault::Nothing),
        2 => Just(Fault::Extra),
        2 => (0..=1_000_usize, prop_oneof![Just(Then::Silence), Just(Then::Close), Just(Then::Reset)])
            .prop_map(|(at, then)| Fault::Ends(at, then)),
        1 => (0..=1_000_usize).prop_map(Fault::Refuses),
        1 => (0..=1_000_usize).prop_map(Fault::Stalls),
        1 => Just(Fault::Broken),
    ]
}

fn body(cut: usize, framings: &'static [Framing]) -> impl Strategy<Value = (Framing, usize)> {
    (prop::sample::select(framings), 0..=(cut * 200).min(60_000))
}

fn scenario() -> impl Strategy<Value = Scenario> {
    const REQUESTS: &[Framing] = &[Framing::None, Framing::Length(1), Framing::Chunked];
    const ANSWERS: &[Framing] = &[Framing::Length(1), Framing::Chunked, Framing::UntilClose];
    let cut = || prop::sample::select(vec![1, 7, 500, 100_000]);
    (cut(), cut()).prop_flat_map(move |(up, down)| {
        (
            (any::<u64>(), prop::sample::select(vec![Version::Http11, Version::Http11, Version::Http10])),
            (any::<bool>(), any::<bool>()),
            (body(up.min(down), REQUESTS), body(up.min(down), ANSWERS)),
            (
                // So many that they are more than the largest head, where they are not read one by one.
                prop_oneof![4 => 0..3_usize, 1 => Just(30)],
                prop::sample::select(vec![200, 200, 204, 304, 413]),
            ),
            prop::option::of(0..=1_000_usize),
            (fault(), fault()),
        )
            .prop_map(
                move |((seed, version), (is_head, reused), (request, answer), (interim, status), gate, faults)| {
                    let (client, upstream) = faults;
                    let cut = [up, down];
                    let request = if request.0 == Framing::None { (request.0, 0) } else { request };
                    Scenario {
                        seed,
                        cut,
                        version,
                        is_head,
                        reused,
                        request,
                        answer,
                        interim,
                        status,
                        gate,
                        client,
                        upstream,
                    }
                },
            )
    })
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn what_goes_in_comes_out_or_is_plainly_broken(scenario in scenario()) {
        let mut run = Run::of(&scenario);
        run.check();
        run.check_next();
    }
}

/// A scenario that was played.
struct Run<'a> {
    scenario: &'a Scenario,
    request: Body,
    answer: Body,
    client: Scripted,
    upstream: Scripted,
    buffers: Buffers,
    ended: Result<Ended, Failure>,
    status: Option<u16>,
}

impl<'a> Run<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let mut random = Random::new(scenario.seed);
        let mut request = Body::new(scenario.request.0, scenario.request.1, b'a'..=b'z', &mut random);
        let mut answer = Body::new(scenario.answer.0, scenario.answer.1, b'0'..=b'9', &mut random);
        if scenario.client == Fault::Broken {
            request = request.broken(&mut random);
        }
        if scenario.upstream == Fault::Broken {
            answer = answer.broken(&mut random);
        }
        let has_content = !scenario.is_head && !matches!(scenario.status, 204 | 304);
        let mut sent_down = INTERIM.repeat(scenario.interim);
        let head = format!("HTTP/1.1 {} Phrase\r\nDate: then\r\n{}\r\n", scenario.status, answer.fields());
        sent_down.extend_from_slice(head.as_bytes());
        if has_content {
            sent_down.extend_from_slice(&answer.wire);
        }

        // A part of the body came with the head.
        let early = random.below(request.wire.len().min(8_000) + 1);
        let mut buffers = Buffers::default();
        let came = [HEAD, &request.wire[..early]].concat();
        buffers.request.room()[..came.len()].copy_from_slice(&came);
        buffers.request.add(came.len());
        buffers.request.keep_head(HEAD.len());
        buffers.to_upstream.extend_from_slice(FORWARDED);

        let ends = matches!(answer.framing, Framing::UntilClose) && has_content;
        let expected_up = FORWARDED.len() + request.wire.len();
        let gate = scenario.gate.map(|part| (0, FORWARDED.len() + request.content.len() * part / 1_000));
        let client = script(scenario, 0, request.wire[early..].to_vec(), NEXT, sent_down.len() + 100, None, false);
        let upstream = script(scenario, 1, sent_down, EXTRA, expected_up, gate, ends);
        let (mut client, mut upstream) = (Scripted::new(client), Scripted::new(upstream));

        let connections = (&mut client, &mut upstream);
        let (ended, status) = exchange(scenario, connections, &mut buffers, request.framing);
        Self { scenario, request, answer, client, upstream, buffers, ended, status }
    }

    fn check(&self) {
        let request_is_whole = self.check_request();
        self.check_answer();
        self.check_memory();
        match &self.ended {
            Ok(Ended::Answered { upstream_persists, client_persists }) => {
                assert!(!upstream_persists || request_is_whole);
                assert!(!upstream_persists || self.answer.framing != Framing::UntilClose || !self.has_content());
                if *client_persists {
                    assert!(request_is_whole);
                    assert!(contains(&self.client.written(), b"Connection: keep-alive\r\n"));
                    // What was sent behind the request is all there, and nothing else is.
                    let behind = [self.buffers.request.filled(), &self.client.unread()].concat();
                    let next = if self.scenario.client == Fault::Extra { NEXT } else { b"" };
                    assert_eq!(behind, next);
                }
            }
            Ok(Ended::Switched) => panic!("nobody asked for that"),
            Err(failure) => {
                let faults = [self.scenario.client, self.scenario.upstream];
                let harmless = |fault: &Fault| matches!(fault, Fault::Nothing | Fault::Extra);
                assert!(!faults.iter().all(harmless), "{failure:?} without a fault");
                assert!(!matches!(failure, Failure::TooLong));
                assert!(self.scenario.reused || !matches!(failure, Failure::Stale));
            }
        }
    }

    /// What the upstream got is the request, or the start of it.
    fn check_request(&self) -> bool {
        let written = self.upstream.written();
        let (head, body) = written.split_at(written.len().min(FORWARDED.len()));
        assert!(FORWARDED.starts_with(head));
        let read = wire::read(self.request.framing, body);
        assert!(self.request.content.starts_with(&read.content), "what the client did not send");
        assert!(read.rest.is_none_or(<[u8]>::is_empty), "more than one request");
        let is_whole = head == FORWARDED && read.rest.is_some();
        assert!(!is_whole || read.content == self.request.content);
        is_whole
    }

    /// What the client got is the answer, or the start of it that cannot be taken for the whole.
    fn check_answer(&self) {
        let written = self.client.written();
        let mut rest = &written[..];
        while let Some(behind) = rest.strip_prefix(INTERIM) {
            assert_eq!(self.scenario.version, Version::Http11);
            rest = behind;
        }
        let Some(head) = rest.windows(4).position(|window| window == b"\r\n\r\n") else {
            assert!(self.ended.is_err());
            return;
        };
        assert_eq!(self.status, Some(self.scenario.status), "a head that nobody knows of");
        let (head, body) = rest.split_at(head + 4);
        assert!(head.starts_with(format!("HTTP/1.1 {} Phrase\r\nDate: then\r\n", self.scenario.status).as_bytes()));
        let framing = match self.answer.framing {
            _ if !self.has_content() => Framing::None,
            Framing::Chunked | Framing::UntilClose if self.scenario.version == Version::Http10 => Framing::UntilClose,
            Framing::UntilClose => Framing::Chunked,
            framing => framing,
        };
        assert_eq!(contains(head, b"Transfer-Encoding: chunked\r\n"), framing == Framing::Chunked);
        let read = wire::read(framing, body);
        assert!(self.answer.content.starts_with(&read.content), "what the upstream did not send");
        assert!(read.rest.is_none_or(<[u8]>::is_empty), "more than one answer");
        // Nobody can tell that a close came too early where a close is the end.
        let may_be_short =
            self.answer.framing == Framing::UntilClose && matches!(self.scenario.upstream, Fault::Ends(_, Then::Close));
        match &self.ended {
            Ok(_) => {
                assert!(read.rest.is_some() || framing == Framing::UntilClose);
                assert!(!self.has_content() || may_be_short || read.content == self.answer.content);
            }
            // The last bytes may be on their way when the client is given up.
            Err(Failure::ClientGone) => {}
            Err(_) if framing == Framing::UntilClose => assert!(self.client.is_reset(), "a part as the whole"),
            Err(failure) => assert!(read.rest.is_none() || framing == Framing::None, "whole, and {failure:?}"),
        }
    }

    /// The next request on the client's connection gets the answer of its own upstream, whatever came behind this one.
    fn check_next(&mut self) {
        if !matches!(self.ended, Ok(Ended::Answered { client_persists: true, .. })) {
            return;
        }
        let before = self.client.written();
        self.buffers.request.drop_head();
        self.buffers.to_client.clear();
        self.buffers.to_upstream.clear();
        self.buffers.to_upstream.extend_from_slice(NEXT);
        let sends = b"HTTP/1.1 200 Next\r\nDate: then\r\nContent-Length: 4\r\n\r\nnext".to_vec();
        let (seed, gate) = (self.scenario.seed, Some((0, NEXT.len())));
        let mut upstream =
            Scripted::new(Script { sends, then: Then::Silence, gate, takes: Takes::All, cut: 100, seed });
        let _ = exchange(self.scenario, (&mut self.client, &mut upstream), &mut self.buffers, Framing::None);
        let written = self.client.written();
        let got = String::from_utf8_lossy(&written[before.len()..]);
        let head = "HTTP/1.1 200 Next\r\nDate: then\r\nContent-Length: 4\r\nX-Request-Id: id\r\n";
        if got.is_empty() {
            assert!(matches!(self.scenario.client, Fault::Ends(..) | Fault::Stalls(_) | Fault::Refuses(_)));
        } else {
            assert!(got.starts_with(&head[..head.len().min(got.len())]), "{got:?}");
        }
    }

    fn check_memory(&self) {
        let Buffers { request, answer, to_upstream, to_client } = &self.buffers;
        for size in [request.size(), answer.size(), to_upstream.capacity(), to_client.capacity()] {
            assert!(size <= MOST_MEMORY, "{size} bytes");
        }
    }

    fn has_content(&self) -> bool {
        !self.scenario.is_head && !matches!(self.scenario.status, 204 | 304)
    }
}

/// Runs one exchange; the head for the upstream stands in the outgoing vector.
fn exchange(
    scenario: &Scenario,
    (client, upstream): (&mut Scripted, &mut Scripted),
    buffers: &mut Buffers,
    framing: Framing,
) -> (Result<Ended, Failure>, Option<u16>) {
    let driver = Driver::new();
    let asked = Asked {
        is_head: scenario.is_head,
        version: scenario.version,
        is_websocket: false,
        expects: false,
        persists: true,
        request_id: "id",
        date: "now",
    };
    let second = Duration::from_secs(1);
    let limits = Limits {
        client_read: second * 2,
        client_write: second * 3,
        upstream_read: second * 4,
        upstream_write: second * 5,
        whole: None,
    };
    let mut up = Half::new(framing, framing == Framing::Chunked);
    let connections = (client.clone(), upstream.clone());
    let mut exchange = Exchange {
        client,
        upstream,
        buffers,
        watch: &driver.watch,
        asked: &asked,
        limits,
        reused: scenario.reused,
        up: &mut up,
        progress: Progress::new(driver.watch.now(), driver.watch.now()),
    };
    let ended = driver.run(exchange.run(), [&connections.0, &connections.1]);
    let status = exchange.progress.status;
    (ended, status)
}

/// The script of the client (0) or the upstream (1), which sends this and gets about so much.
fn script(
    scenario: &Scenario,
    side: usize,
    mut sends: Vec<u8>,
    extra: &[u8],
    gets: usize,
    gate: Option<(usize, usize)>,
    ends: bool,
) -> Script {
    let fault = [scenario.client, scenario.upstream][side];
    let mut then = if ends { Then::Close } else { Then::Silence };
    let mut takes = Takes::All;
    match fault {
        Fault::Nothing | Fault::Broken => {}
        Fault::Extra if !ends => sends.extend_from_slice(extra),
        Fault::Extra => {}
        Fault::Ends(at, how) => {
            sends.truncate(sends.len() * at / 1_000);
            then = how;
        }
        Fault::Refuses(at) => takes = Takes::Refuse(gets * at / 1_000),
        Fault::Stalls(at) => takes = Takes::Stall(gets * at / 1_000),
    }
    let seed = scenario.seed.rotate_left(17 + 16 * u32::try_from(side).unwrap());
    Script { sends, then, gate, takes, cut: scenario.cut[side], seed }
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
