//! The same request gets the same verdict at every mount, and the same answer to the byte.
#![allow(unreachable_pub, reason = "what the two modules below share")]

mod mounts;
mod table;

use std::sync::Arc;

use bearward_core::{Finding, Reason};
use bearward_gate::Explanation;
use bearward_tower::testing::TestIssuer;

use mounts::{Proxy, at_the_gate, at_the_layer, explained};
use table::Expected;

#[tokio::test(flavor = "multi_thread")]
async fn one_table_of_requests_at_every_mount() {
    let issuer = TestIssuer::new();
    let gate = Arc::new(table::gate(&issuer));
    let proxy = Proxy::start(Arc::clone(&gate));
    for case in table::cases(&issuer) {
        let name = case.name;
        let told = at_the_gate(&gate, &case).await;
        match case.expected {
            Expected::Admit(caller) => {
                assert_eq!(told.status, 200, "{name}");
                let subject = told.body.lines().find_map(|line| line.strip_prefix("x-auth-subject: "));
                assert_eq!(subject, caller, "{name}");
            }
            Expected::Refuse(reason) => assert_eq!(told.reason, Some(reason), "{name}"),
        }
        agrees(&explained(&gate, &case).await, told.reason, name);
        assert_eq!(at_the_layer(&gate, &case).await, told.on_the_wire(), "the layer: {name}");
        let asked = proxy.clone();
        let at_the_proxy = tokio::task::spawn_blocking(move || asked.ask(&case)).await.unwrap();
        assert_eq!(at_the_proxy, told.on_the_wire(), "the proxy: {name}");
    }
}

/// The explanation comes to the same verdict, and its first finding that failed gives the reason.
fn agrees(explanation: &Explanation, reason: Option<Reason>, name: &str) {
    let findings = explanation.trace.findings();
    let shown = || findings.iter().map(|finding| format!("{finding}\n")).collect::<String>();
    assert_eq!(explanation.decision.verdict.reason(), reason, "{name}:\n{}", shown());
    assert_eq!(explanation.trace.first_failure().and_then(Finding::reason), reason, "{name}:\n{}", shown());
    assert!(findings.is_sorted_by_key(|finding| finding.check), "{name}:\n{}", shown());
    assert!(!findings.is_empty(), "{name}");
}
