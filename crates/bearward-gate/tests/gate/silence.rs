//! What may end up in a log says neither the token nor what it says of the caller.

use std::sync::{Arc, Mutex};

use bearward_gate::{DecisionEvent, DecisionSink, Gate, Progress, RequestFacts};
use http::{HeaderMap, Method};
use serde_json::json;

use crate::support::{AUDIENCE, FakeIssuer, Key, TestClock, engine, gate_settings, in_time, route};

/// Writes down what a careless author of a sink would log.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl DecisionSink for Told {
    fn decided(&self, event: &DecisionEvent<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

#[tokio::test]
async fn no_debug_output_of_a_decision_shows_token_claims_or_headers() {
    let (clock, key) = (TestClock::new(), Key::new("k1"));
    let issuer = FakeIssuer::start(&[&key]).await;
    let told = Arc::new(Told::default());
    let settings = gate_settings(vec![issuer.settings()], vec![route("/*", &["orders:read"])]);
    let gate = Gate::new(settings, engine(&clock).with_sink(Arc::<Told>::clone(&told))).unwrap();
    let mut claims = issuer.claims(clock.now());
    claims["sub"] = json!("hunter2");
    let (signed, opaque) = (key.sign(&claims), "opaque-hunter2");
    // Some issuers answer with more than they were asked.
    let answer =
        json!({"active": true, "aud": AUDIENCE, "sub": "hunter2", "scope": "orders:read", "access_token": opaque});
    issuer.answer(opaque, answer.clone());
    issuer.answer("refused-hunter2", json!({"active": true, "aud": AUDIENCE, "cnf": {"jkt": "hunter2"}}));
    for token in [&*signed, opaque, "refused-hunter2"] {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        let mut facts = RequestFacts::new(&Method::GET, b"/a", &headers);
        facts.query = Some(b"hunter2");
        let mut shown = vec![format!("{facts:?} {gate:?} {:?}", gate.status())];
        // The second one is remembered, where it was admitted.
        for _ in 0..2 {
            let progress = gate.begin(&facts);
            shown.push(format!("{progress:?}"));
            let decision = match progress {
                Progress::Decided(decision) => decision,
                Progress::Pending(pending) => in_time("a decision", pending.finish()).await,
            };
            shown.push(format!("{decision:?} {:?}", decision.verdict.admission().map(|admitted| admitted.token())));
        }
        shown.append(&mut told.0.lock().unwrap());
        for shown in shown {
            assert!(!shown.contains("hunter2") && !shown.contains(&signed), "{shown}");
        }
    }
}
