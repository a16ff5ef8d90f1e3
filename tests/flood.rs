//! Whoever sends bad tokens pays for them alone.

use crate::support::{Connection, Echo, Gateway, ScriptedIssuer, Signer};
use serde_json::json;
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How many clients send nothing but new tokens that do not verify.
const FLOOD: usize = 16;
const ROUND: Duration = Duration::from_secs(2);

/// Each bad token is verified anew, which costs more than all else; a good one that is remembered gets its turn between them. In
/// shares and not in time, because machines differ: with `FLOOD` others, an equal share is one of `FLOOD + 1`.
#[test]
fn new_bad_tokens_do_not_starve_a_good_one_that_is_remembered() {
    let (issuer, echo) = (ScriptedIssuer::start(), Echo::start());
    let config = format!(
        "[server]\nthreads = 1\n[log]\nlevel = \"warn\"\n{}[[upstreams]]\nname = \"all\"\nservers = [\"{}\"]\n\
         [[routes]]\npath = \"/*\"\nupstream = \"all\"\n",
        issuer.table(""),
        echo.address()
    );
    let gateway = Gateway::start(&config).ready();
    let good = issuer.token();
    let (bad, served, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let stranger = Signer::es256("main");
    // Each is another one, so that none is known from before; signed ahead, so that the clients have nothing to do but send.
    let tokens: Vec<String> =
        (0..4_000).map(|at| stranger.token(&issuer.claims_with(&json!({ "jti": at.to_string() })))).collect();
    thread::scope(|scope| {
        for tokens in tokens.chunks(tokens.len() / FLOOD) {
            let (gateway, bad, stop) = (&gateway, &bad, &stop);
            scope.spawn(move || {
                let mut connection = Connection::open(gateway.address());
                for token in tokens.iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                    connection.send_raw(&gateway.get("/x").bearer(token).bytes()).unwrap();
                    assert_eq!(connection.read_response("GET").unwrap().status, 401);
                    bad.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut connection = Connection::open(gateway.address());
        let begun = Instant::now();
        while begun.elapsed() < ROUND {
            connection.send_raw(&gateway.get("/x").bearer(&good).bytes()).unwrap();
            assert_eq!(connection.read_response("GET").unwrap().status, 200);
            served.fetch_add(1, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let (bad, served) = (bad.into_inner(), served.into_inner());
    assert!(bad > 100, "there was no flood: {bad}");
    // A good request takes two turns, one of them at the upstream, which shares the machine with the clients.
    assert!(served * (FLOOD + 1) * 4 > bad, "{served} good requests beside {bad} bad ones");
}
