//! The same request gets the same verdict at every mount, and the same answer to the byte.
#![allow(unreachable_pub, reason = "what the two modules below share")]

mod mounts;
mod table;

use std::sync::Arc;

use bearward_tower::testing::TestIssuer;

use mounts::{Proxy, at_the_gate, at_the_layer};
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
        assert_eq!(at_the_layer(&gate, &case).await, told.on_the_wire(), "the layer: {name}");
        let asked = proxy.clone();
        let at_the_proxy = tokio::task::spawn_blocking(move || asked.ask(&case)).await.unwrap();
        assert_eq!(at_the_proxy, told.on_the_wire(), "the proxy: {name}");
    }
}
