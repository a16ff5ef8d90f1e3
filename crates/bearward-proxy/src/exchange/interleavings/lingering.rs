//! What is read behind an answer of our own: the rest of a body, or whatever comes before the connection ends.

use std::time::Duration;

use proptest::prelude::*;

use super::driver::Driver;
use super::scripted::{Random, Script, Scripted, Takes, Then};
use super::wire::Body;
use crate::exchange::buffer::{Buffer, Buffers};
use crate::exchange::linger;
use crate::http::body::Decoder;
use crate::http::framing::Framing;

const NEXT: &[u8] = b"GET /next HTTP/1.1\r\n\r\n";
/// The most of a body that is read in these tests.
const MOST: usize = 10_000;

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn the_next_request_begins_where_the_body_ends_or_nowhere(
        seed in any::<u64>(),
        is_chunked in any::<bool>(),
        is_broken in any::<bool>(),
        length in 0..=12_000_usize,
        cut in prop::sample::select(vec![1, 7, 500, 100_000]),
        part in prop_oneof![3 => Just(1_000), 1 => 0..=1_000_usize],
        then in prop_oneof![Just(Then::Silence), Just(Then::Close), Just(Then::Reset)],
    ) {
        let mut random = Random::new(seed);
        let framing = if is_chunked { Framing::Chunked } else { Framing::Length(1) };
        let mut body = Body::new(framing, length, b'a'..=b'z', &mut random);
        if is_broken {
            body = body.broken(&mut random);
        }
        let is_broken = is_broken && is_chunked;
        let mut sends = [&body.wire[..], NEXT].concat();
        sends.truncate(sends.len() * part / 1_000);
        let early = random.below(sends.len().min(8_000) + 1);
        let mut buffer = buffer(&sends[..early]);
        let script = Script { sends: sends[early..].to_vec(), then, gate: None, takes: Takes::All, cut, seed };
        let mut client = Scripted::new(script);
        let connection = client.clone();
        let driver = Driver::new();
        let wait = Duration::from_secs(1);
        let dropping =
            linger::drop_body(&mut client, &mut buffer, &driver.watch, Decoder::new(body.framing), MOST, wait);
        let came = driver.run(dropping, [&connection, &connection]);
        if came {
            prop_assert!(!is_broken);
            let behind = [buffer.filled(), &connection.unread()].concat();
            prop_assert_eq!([&body.wire, &behind[..]].concat(), sends);
        } else {
            let fits = body.wire.len() <= MOST;
            prop_assert!(is_broken || part < 1_000 || !fits, "it was all there");
        }
        prop_assert!(buffer.size() <= 64 * 1024);
    }

    #[test]
    fn a_connection_ends_whatever_comes_on_it(
        seed in any::<u64>(),
        length in prop_oneof![0..1_000_usize, Just(3_000_000)],
        then in prop_oneof![Just(Then::Silence), Just(Then::Close), Just(Then::Reset)],
        takes in prop_oneof![2 => Just(Takes::All), 1 => Just(Takes::Refuse(0)), 1 => Just(Takes::Stall(0))],
    ) {
        let sends = vec![b'x'; length];
        let script = Script { sends, then, gate: None, takes, cut: 50_000, seed };
        let mut client = Scripted::new(script);
        let connection = client.clone();
        let driver = Driver::new();
        let mut buffers = Buffers::default();
        driver.run(linger::close(&mut client, &mut buffers.request, &driver.watch), [&connection, &connection]);
        if takes == Takes::All {
            prop_assert!(connection.is_shut());
            prop_assert!(connection.unread().is_empty(), "who still sends can read its answer");
        }
    }
}

fn buffer(bytes: &[u8]) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.room()[..bytes.len()].copy_from_slice(bytes);
    buffer.add(bytes.len());
    buffer
}
