//! Writes the seeds of every corpus: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! It deletes nothing: what the fuzzer found and a person kept stays beside them.

mod answer_kinds;
mod answers;
mod configurations;
mod http;
mod keys;
mod requests;
mod tokens;

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let corpora = [
        ("claims", tokens::claims()),
        ("configuration", configurations::configuration()),
        ("credential", requests::credential()),
        ("decryption_keys", keys::decryption_keys()),
        ("http_answer", http::answer()),
        ("http_chunks", http::chunks()),
        ("http_forwarding", http::forwarding()),
        ("http_request", http::request()),
        ("http_response", http::response()),
        ("introspection", answers::introspection()),
        ("jwe", tokens::jwe()),
        ("jwk_set", keys::jwk_set()),
        ("jws", tokens::jws()),
        ("path", requests::path()),
        ("signed_introspection", answers::signed_introspection()),
        ("token_review", answer_kinds::token_review()),
        ("tokeninfo", answer_kinds::tokeninfo()),
    ];
    for (target, seeds) in corpora {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        for Seed(name, bytes) in seeds {
            let file = folder.join(name.replace(' ', "-"));
            fs::write(file, bytes)?;
        }
    }
    Ok(())
}

/// What the input is, and the input.
pub(crate) struct Seed(pub(crate) &'static str, pub(crate) Vec<u8>);

/// Seeds of a table of texts.
pub(crate) fn seeds<const N: usize>(table: [(&'static str, impl AsRef<[u8]>); N]) -> Vec<Seed> {
    table.into_iter().map(|(name, bytes)| Seed(name, bytes.as_ref().to_vec())).collect()
}
