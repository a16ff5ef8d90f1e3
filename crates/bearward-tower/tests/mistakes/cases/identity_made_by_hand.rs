//! A caller whom no token of this request proves.

use std::sync::Arc;

use bearward_tower::{Identity, Verified};

fn forge(token: Arc<Verified>, other: Identity) -> Identity {
    Identity { token, ..other }
}

fn main() {
    let _ = forge;
}
