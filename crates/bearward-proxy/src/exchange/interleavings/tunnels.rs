//! A request that becomes a WebSocket, and the bytes in it.

use std::time::Duration;

use proptest::prelude::*;

use super::driver::Driver;
use super::scripted::{Random, Script, Scripted, Takes, Then};
use crate::exchange::answer::{Asked, Ended, Exchange, Failure, Limits, Progress};
use crate::exchange::buffer::Buffers;
use crate::exchange::half::Half;
use crate::exchange::tunnel::{self, TunnelEnd};
use crate::http::framing::Framing;
use crate::http::head::Version;

const FORWARDED: &[u8] = b"GET / HTTP/1.1\r\nHost: upstream\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCH: &[u8] = b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
const SWITCHED: &[u8] = b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Request-Id: id\r\n\r\n";

const LIMITS: Limits = Limits {
    client_read: Duration::from_secs(2),
    client_write: Duration::from_secs(3),
    upstream_read: Duration::from_secs(4),
    upstream_write: Duration::from_secs(5),
    whole: None,
};

#[derive(Clone, Debug)]
struct Side {
    length: usize,
    /// How much of it comes, in thousandths, and what comes then.
    ends: (usize, Then),
    takes: (usize, Takes),
    cut: usize,
}

impl Side {
    fn is_faultless(&self) -> bool {
        self.ends == (1_000, Then::Close) && self.takes.1 == Takes::All
    }

    fn script(&self, seed: u64, mut sends: Vec<u8>, gets: usize, gate: Option<(usize, usize)>) -> Script {
        let (part, then) = self.ends;
        sends.truncate(sends.len() * part / 1_000);
        let takes = match self.takes {
            (_, Takes::All) => Takes::All,
            (at, Takes::Refuse(_)) => Takes::Refuse(gets * at / 1_000),
            (at, Takes::Stall(_)) => Takes::Stall(gets * at / 1_000),
        };
        Script { sends, then, gate, takes, cut: self.cut, seed }
    }
}

fn side() -> impl Strategy<Value = Side> {
    let ends = prop_oneof![
        3 => Just((1_000, Then::Close)),
        1 => (0..=1_000_usize, prop_oneof![Just(Then::Silence), Just(Then::Close), Just(Then::Reset)]),
    ];
    let takes =
        (0..=1_000_usize, prop_oneof![4 => Just(Takes::All), 1 => Just(Takes::Refuse(0)), 1 => Just(Takes::Stall(0))]);
    let cut_and_length =
        prop::sample::select(vec![1, 7, 500, 100_000]).prop_flat_map(|cut| (Just(cut), 0..=(cut * 200).min(60_000)));
    (cut_and_length, ends, takes).prop_map(|((cut, length), ends, takes)| Side { length, ends, takes, cut })
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn bytes_go_both_ways_and_stay_what_they_are(
        seed in any::<u64>(), client in side(), upstream in side(), waits in any::<bool>(),
    ) {
        play(seed, &client, &upstream, waits);
    }
}

/// `waits`: whether the upstream answers when it has the request, as it should, or at once.
fn play(seed: u64, client_side: &Side, upstream_side: &Side, waits: bool) {
    let mut random = Random::new(seed);
    let up: Vec<u8> = (b'a'..=b'z').cycle().take(client_side.length).collect();
    let down: Vec<u8> = (b'0'..=b'9').cycle().take(upstream_side.length).collect();
    // Some of it comes before the answer.
    let early = random.below(up.len().min(8_000) + 1);
    let gate = waits.then_some((0, FORWARDED.len()));
    let mut client = Scripted::new(client_side.script(seed, up[early..].to_vec(), SWITCHED.len() + down.len(), None));
    let sends = [SWITCH, &down].concat();
    let mut upstream = Scripted::new(upstream_side.script(!seed, sends, FORWARDED.len() + up.len(), gate));
    let connections = (client.clone(), upstream.clone());
    let mut buffers = Buffers::default();
    buffers.request.room()[..early].copy_from_slice(&up[..early]);
    buffers.request.add(early);
    buffers.request.keep_head(0);
    buffers.to_upstream.extend_from_slice(FORWARDED);

    let driver = Driver::new();
    let asked = Asked {
        is_head: false,
        version: Version::Http11,
        is_websocket: true,
        expects: false,
        persists: true,
        request_id: "id",
        date: "now",
    };
    let mut half = Half::new(Framing::None, false);
    let task = async {
        let mut exchange = Exchange {
            client: &mut client,
            upstream: &mut upstream,
            buffers: &mut buffers,
            watch: &driver.watch,
            asked: &asked,
            limits: LIMITS,
            reused: false,
            up: &mut half,
            progress: Progress::new(driver.watch.now(), driver.watch.now()),
        };
        match exchange.run().await {
            Ok(Ended::Switched) => {}
            Ok(ended) => panic!("{ended:?}"),
            Err(failure) => return Err(failure),
        }
        let idle = Duration::from_secs(3);
        Ok(tunnel::run(&mut client, &mut upstream, &mut buffers, &driver.watch, idle).await)
    };
    let ended = driver.run(task, [&connections.0, &connections.1]);

    let (client, upstream) = connections;
    let (sent, got) = (upstream.written(), client.written());
    let expected_up = [FORWARDED, &up].concat();
    let expected_down = [SWITCHED, &down].concat();
    assert!(expected_up.starts_with(&sent), "the upstream got {:?}", String::from_utf8_lossy(&sent));
    assert!(expected_down.starts_with(&got), "the client got {:?}", String::from_utf8_lossy(&got));
    match ended {
        Ok(TunnelEnd::Closed) => {
            assert!(client.is_shut() && upstream.is_shut());
            let all = |side: &Side, expected: &[u8], got: &[u8]| side.ends.0 < 1_000 || got == expected;
            assert!(all(client_side, &expected_up, &sent) && all(upstream_side, &expected_down, &got));
        }
        Ok(end) => assert!(!(client_side.is_faultless() && upstream_side.is_faultless()), "{end:?}"),
        Err(failure) => {
            let early_switch = !waits && matches!(failure, Failure::UpstreamFailed(_));
            // A client that has closed is gone, while its request is not answered.
            let closed = client_side.ends.1 != Then::Silence && matches!(failure, Failure::ClientGone);
            let faultless = client_side.is_faultless() && upstream_side.is_faultless();
            assert!(early_switch || closed || !faultless, "{failure:?}");
            assert!(got.is_empty(), "a switch that failed");
        }
    }
    for size in [buffers.request.size(), buffers.answer.size(), buffers.to_upstream.capacity()] {
        assert!(size <= 64 * 1024, "{size} bytes");
    }
}
