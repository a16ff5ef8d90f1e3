//! An issuer whose every answer a test can replace, so that it can be slow, wrong or away, and come back.

use crate::claims::{self, AUDIENCE, now};
use crate::{Received, Reply, Server, Signer};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt::{self, Debug, Formatter},
    sync::{Arc, Mutex, PoisonError},
};

/// An issuer at work on loopback: metadata, a key set with one key, and introspection. Left alone, it answers as an issuer should; what
/// begins with `good` is an active opaque token of alice's, any other is inactive.
pub struct ScriptedIssuer {
    server: Server,
    key: Arc<Signer>,
    scripts: Scripts,
}

type Scripts = Arc<Mutex<HashMap<String, Arc<dyn Fn(&Received) -> Reply + Send + Sync>>>>;

impl ScriptedIssuer {
    /// The path of the metadata (OpenID Connect Discovery 1.0, 4).
    pub const METADATA: &str = "/.well-known/openid-configuration";
    /// The path of the key set.
    pub const KEYS: &str = "/jwks";
    /// The path of the introspection endpoint.
    pub const INTROSPECTION: &str = "/introspect";
    /// The secret of the client `gateway`, which [`Self::introspection`] reads from the environment variable of
    /// [`Self::SECRET_VARIABLE`].
    pub const SECRET: &str = "canary-client-secret";
    /// The environment variable for [`Self::SECRET`].
    pub const SECRET_VARIABLE: &str = "SCRIPTED_ISSUER_SECRET";

    /// Starts one on a free port.
    pub fn start() -> Self {
        let (key, scripts) = (Arc::new(Signer::es256("main")), Scripts::default());
        let server = Server::start({
            let (key, scripts) = (Arc::clone(&key), Arc::clone(&scripts));
            move |request| {
                let script = scripts.lock().unwrap_or_else(PoisonError::into_inner).get(request.path()).cloned();
                match script {
                    Some(script) => script(request),
                    None => answer(request, &key),
                }
            }
        });
        Self { server, key, scripts }
    }

    /// From now on this path is answered by `script`.
    pub fn script(&self, path: &str, script: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), Arc::new(script));
    }

    /// From now on every path is answered as it should be.
    pub fn mend(&self) {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The issuer's identifier.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// How many requests this path has had.
    pub fn hits(&self, path: &str) -> usize {
        self.server.hits(path)
    }

    /// The requests that this path has had.
    pub fn requests(&self, path: &str) -> Vec<Received> {
        self.server.requests().into_iter().filter(|request| request.path() == path).collect()
    }

    /// The key that its tokens are signed with.
    pub fn key(&self) -> &Signer {
        &self.key
    }

    /// A good self-contained token.
    pub fn token(&self) -> String {
        self.token_with(&json!({}))
    }

    /// A token whose claims are those of a good one, with these put over them; `null` takes a claim away.
    pub fn token_with(&self, changes: &Value) -> String {
        self.key.token(&self.claims_with(changes))
    }

    /// The claims of [`Self::token_with`].
    pub fn claims_with(&self, changes: &Value) -> Value {
        let mut claims = claims::of(&self.url(), now());
        for (name, value) in changes.as_object().expect("changes are an object") {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        claims
    }

    /// Its table of the configuration, with `settings` in it.
    pub fn table(&self, settings: &str) -> String {
        let url = self.url();
        format!("[[issuers]]\nissuer = \"{url}\"\naudiences = [\"{AUDIENCE}\"]\n{settings}\n")
    }

    /// The table of its introspection, to follow [`Self::table`] with nothing but `[issuers.refresh]` in between.
    pub fn introspection(settings: &str) -> String {
        let variable = Self::SECRET_VARIABLE;
        format!("[issuers.introspection]\nclient_id = \"gateway\"\nclient_secret_env = \"{variable}\"\n{settings}\n")
    }

    /// What introspection says of a good opaque token.
    pub fn active(request: &Received) -> Value {
        json!({
            "active": true, "iss": request.base(), "aud": AUDIENCE, "sub": "alice",
            "client_id": "web", "scope": "orders:read", "token_type": "Bearer", "exp": now() + 300,
        })
    }
}

impl Debug for ScriptedIssuer {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ScriptedIssuer").field("server", &self.server).finish_non_exhaustive()
    }
}

/// The answers of an issuer that works.
fn answer(request: &Received, key: &Signer) -> Reply {
    let base = request.base();
    match request.path() {
        ScriptedIssuer::METADATA => Reply::json(
            200,
            &json!({
                "issuer": base,
                "jwks_uri": format!("{base}{}", ScriptedIssuer::KEYS),
                "introspection_endpoint": format!("{base}{}", ScriptedIssuer::INTROSPECTION),
            }),
        ),
        ScriptedIssuer::KEYS => Reply::json(200, &json!({ "keys": [key.jwk()] })),
        ScriptedIssuer::INTROSPECTION => {
            let token = request.form().remove("token").unwrap_or_default();
            let active = token.starts_with("good");
            Reply::json(200, &if active { ScriptedIssuer::active(request) } else { json!({ "active": false }) })
        }
        _ => Reply::status(404),
    }
}
