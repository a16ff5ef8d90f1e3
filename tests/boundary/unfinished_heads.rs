//! Heads that do not end cost what `max_header_bytes` says and no more, and constant work for each byte.

use super::driver::{Client, MAX_HEAD, Stage, memory, work};
use std::{
    thread,
    time::{Duration, Instant},
};

const START: &str = "GET /public/x HTTP/1.1\r\nHost: a\r\nX-A: ";
const MEGABYTE: usize = 1 << 20;

#[test]
fn heads_of_a_megabyte_are_refused_at_the_limit_and_held_by_nobody() {
    const CLIENTS: usize = 400;
    const THREADS: usize = 8;
    let mut stage = Stage::start();
    let process = stage.gateway.process().id();
    let (before, _) = memory(process);
    let address = stage.gateway.address();
    let statuses: Vec<Option<u16>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    let mut clients: Vec<Client> = (0..CLIENTS / THREADS).map(|_| Client::open(address)).collect();
                    for client in &mut clients {
                        client.send(format!("{START}{}", "b".repeat(MAX_HEAD)).as_bytes());
                    }
                    let mut statuses = Vec::new();
                    for client in &mut clients {
                        let status = client.answer("GET").ok().flatten().map(|answer| answer.status);
                        statuses.push(status);
                        if status.is_none() {
                            break; // the others would be waited for just as long
                        }
                        client.send(&vec![b'b'; MEGABYTE]); // it may be closed by now
                    }
                    (statuses, clients)
                })
            })
            .collect();
        let (mut statuses, mut held) = (Vec::new(), Vec::new());
        for worker in workers {
            let (seen, clients) = worker.join().unwrap();
            statuses.extend(seen);
            held.push(clients);
        }
        let (now, most) = memory(process);
        let (now, most) = (now.saturating_sub(before), most.saturating_sub(before));
        assert!(most < 64 * MEGABYTE, "the memory grew by {most} bytes, and is {now} larger now");
        statuses
    });
    let refused = statuses.iter().filter(|status| **status == Some(431)).count();
    assert_eq!(refused, CLIENTS, "{:?}", statuses.iter().find(|status| **status != Some(431)));
}

#[test]
fn each_byte_of_a_head_costs_the_same_however_many_came_before() {
    let mut stage = Stage::start_with("[server]\nmax_header_bytes = \"64KiB\"\n[log]\nlevel = \"warn\"\n", "");
    let process = stage.gateway.process().id();
    let address = stage.gateway.address().to_owned();
    // The time that so many single bytes cost after a head of this length, and how often the gateway waited for one.
    let after = |length: usize, bytes: usize| {
        let mut client = Client::open(&address);
        client.send(format!("{START}{}", "b".repeat(length)).as_bytes());
        thread::sleep(Duration::from_millis(50));
        let (time_before, waits_before) = work(process);
        for _ in 0..bytes {
            assert!(client.send(b"b"));
            // So that the gateway reads each of them alone, mostly; a sleep would take twice as long.
            let sent = Instant::now();
            while sent.elapsed() < Duration::from_micros(40) {
                thread::yield_now();
            }
        }
        client.send(b"\r\n\r\n");
        assert_eq!(client.answer("GET").unwrap().map(|answer| answer.status), Some(200));
        let (time, waits) = work(process);
        (time - time_before, waits - waits_before)
    };
    // On a loaded machine it reads several at once, so what counts is what one reading costs.
    let each = |(time, waits): (Duration, u64)| time / u32::try_from(waits.max(1)).unwrap();
    let (small, large) = (each(after(0, 8_000)), each(after(40 * 1024, 8_000)));
    assert!(large < 2 * small + Duration::from_micros(30), "{small:?} a byte after nothing, {large:?} after 40 KiB");
    let most = Duration::from_millis(if cfg!(debug_assertions) { 1_500 } else { 500 });
    let (dripped, _) = after(20 * 1024, 16_000);
    assert!(dripped < most, "{dripped:?} for 16,000 bytes");
}
