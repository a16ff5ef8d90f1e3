//! Access tokens, signed ahead of time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use serde_json::{Value, json};

use crate::keys::{Algorithm, Keys};

/// The issuer, and the audience that stands for the API.
pub(crate) const ISSUER: &str = "https://issuer.example.com/";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// How many different tokens there are of each algorithm.
pub(crate) const DISTINCT: usize = 100_000;

/// How long tokens are valid, and how old they may be to be used again.
const LIFETIME: Duration = Duration::from_secs(30 * 86_400);
const REUSE: Duration = Duration::from_secs(20 * 86_400);

/// Signs tokens, or finds those that were signed before.
#[derive(Clone)]
pub(crate) struct Mint {
    keys: Arc<Keys>,
    folder: PathBuf,
}

impl Mint {
    pub(crate) fn new(keys: Arc<Keys>, folder: &Path) -> Self {
        Self { keys, folder: folder.to_owned() }
    }

    /// [`DISTINCT`] good tokens. Signing them takes a minute of RSA, so they are kept in a file.
    pub(crate) fn good(&self, algorithm: Algorithm) -> Result<Vec<String>> {
        let path = self.folder.join(format!("{}.txt", algorithm.name()));
        let is_young = |path: &Path| fs::metadata(path)?.modified()?.elapsed().map_err(std::io::Error::other);
        if !is_young(&path).is_ok_and(|age| age < REUSE) {
            println!("  signing {DISTINCT} tokens with {}, once", algorithm.name());
            fs::create_dir_all(&self.folder)?;
            let halves = [0..DISTINCT / 2, DISTINCT / 2..DISTINCT];
            let work = halves.map(|numbers| {
                let mint = self.clone();
                thread::spawn(move || numbers.map(|n| mint.sign(algorithm, &claims(n))).collect::<Result<Vec<_>>>())
            });
            let mut tokens = Vec::with_capacity(DISTINCT);
            for work in work {
                tokens.extend(work.join().map_err(|_| anyhow!("signing ended early"))??);
            }
            fs::write(&path, tokens.join("\n"))?;
        }
        Ok(fs::read_to_string(&path)?.lines().map(str::to_owned).collect())
    }

    /// One token with other claims than a good one: those that are given are put in its place.
    pub(crate) fn with(&self, algorithm: Algorithm, other: Value) -> Result<String> {
        let mut claims = claims(0);
        let all = claims.as_object_mut().context("claims are an object")?;
        all.extend(other.as_object().cloned().unwrap_or_default());
        self.sign(algorithm, &claims)
    }

    fn sign(&self, algorithm: Algorithm, claims: &Value) -> Result<String> {
        self.keys.sign(algorithm, claims)
    }
}

/// The same token with another signature, as long as before.
pub(crate) fn forged(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let middle = signature.len() / 2;
    let turned: String = signature
        .char_indices()
        .map(|(at, letter)| if at == middle { if letter == 'A' { 'B' } else { 'A' } } else { letter })
        .collect();
    format!("{rest}.{turned}")
}

/// The time now, in seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The claims of the n-th token: 871 bytes when signed with RS256.
fn claims(n: usize) -> Value {
    let now = now();
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": format!("user-{n:06}"),
        "client_id": "client-1",
        "scope": "read:items write:items profile",
        "iat": now,
        "exp": now + LIFETIME.as_secs(),
        "jti": format!("5f0c27d1-8a3e-4b6f-9d52-{n:012}"),
        "auth_time": now,
        "email": format!("user-{n:06}@example.com"),
        "roles": ["reader", "writer"],
        "tenant": "example",
        "acr": "1",
    })
}
