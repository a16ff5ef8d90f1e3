//! A hundred thousand tokens that nobody has seen take no more memory than a few hundred. (A million are offered to the cache
//! itself, in its own tests: each of them here is a whole request.)
//!
//! A binary of its own, with one test: whatever runs beside it would be counted too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "gate"]
mod gate_tests {
    pub(crate) mod support;
}

use std::alloc::System;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bearward_gate::CacheSettings;
use gate_tests::support::{AUDIENCE, FakeIssuer, Key, TestClock, gate_with_cache, numbers_of, outcome, route};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ENTRIES: u64 = 200;

/// How many bytes are held now that were not before.
fn held(region: &Region<'_, System>) -> i64 {
    let change = region.change();
    change.bytes_allocated as i64 - change.bytes_deallocated as i64
}

#[tokio::test]
async fn a_hundred_thousand_junk_tokens_take_no_room() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let mut cache = CacheSettings::default();
    (cache.max_entries, cache.negative_entries) = (ENTRIES, ENTRIES);
    let (gate, registry) = gate_with_cache(&clock, vec![issuer.settings()], vec![route("/*", &[])], cache);
    let good = key.sign(&issuer.claims(clock.now()));
    assert_eq!(outcome(&gate, "/", &good).await, "admit signature");
    issuer.answer("opaque", json!({"active": true, "aud": AUDIENCE}));

    // The caches are full before anything is measured.
    let fill = |from: u64, to: u64| {
        let (gate, key, issuer, clock) = (&gate, &key, &issuer, &clock);
        async move {
            for at in from..to {
                assert_eq!(outcome(gate, "/", &format!("junk-{at}")).await, "token_inactive");
                let mut claims = issuer.claims(clock.now());
                claims["jti"] = json!(at.to_string());
                assert!(outcome(gate, "/", &key.sign(&claims)).await.starts_with("admit"));
            }
        }
    };
    fill(0, 2 * ENTRIES).await;
    let region = Region::new(ALLOCATOR);

    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "typ": "at+jwt", "kid": "invented"}).to_string());
    for at in 0..100_000 {
        let (token, reason) = match at % 4 {
            0 => (format!("eyJ9.e30.{at}"), "token_malformed"),
            _ => (format!("{header}.e30.{at:085}A"), "key_unknown"),
        };
        assert_eq!(outcome(&gate, "/", &token).await, reason, "{token}");
    }
    fill(10 * ENTRIES, 13 * ENTRIES).await;

    for entries in numbers_of(&registry, "bearward_cache_entries") {
        assert!(entries <= 2.0 * ENTRIES as f64, "{entries} entries");
    }
    let held = held(&region);
    assert!(held < 8 * 1024 * 1024, "{held} bytes more than before");
    assert!(outcome(&gate, "/", &good).await.starts_with("admit"));
}
