//! npm `oidc-provider`, running.

use crate::support::{Echo, Process, Request, address, free_port, minimal_config, node, write_secret};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The audience that the gateway asks for. A client of the provider has the same name, so that its ID tokens have the
/// right audience too.
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// A provider with a state of its own. Dropped, it is killed.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    control: String,
    port: u16,
    process: Process,
    directory: TempDir,
}

impl Provider {
    /// One that has its own clients alone.
    pub(crate) fn start() -> Self {
        Self::start_with(&json!({}))
    }

    /// One with what `settings` add: `clients`, and `tls`, as `op.mjs` says.
    pub(crate) fn start_with(settings: &Value) -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port());
        write_secret(directory.path(), "settings.json", &settings.to_string());
        let (process, issuer, control) = Self::spawn(&directory, port);
        Self { issuer, control, port, process, directory }
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill();
    }

    /// Starts it at the same address, with the keys and tokens that it had.
    pub(crate) fn start_again(&mut self) {
        let (process, issuer, control) = Self::spawn(&self.directory, self.port);
        assert_eq!(self.issuer, issuer);
        (self.process, self.control) = (process, control);
    }

    fn spawn(directory: &TempDir, port: u16) -> (Process, String, String) {
        let mut command = node("oidc-provider", "oidc-provider", "op.mjs");
        command.env("PORT", port.to_string()).env("STATE", directory.path().join("state.json"));
        command.env("SETTINGS", directory.path().join("settings.json"));
        let mut process = Process::spawn("oidc-provider", &mut command);
        let (issuer, control) = (address(&mut process, "listening"), address(&mut process, "control"));
        (process, issuer, control)
    }

    /// An access token for the service itself, to read orders.
    pub(crate) fn token(&self, resource: &str) -> String {
        self.token_for(resource, "orders:read")
    }

    pub(crate) fn token_for(&self, resource: &str, scope: &str) -> String {
        let form = [("grant_type", "client_credentials"), ("scope", scope), ("resource", resource)];
        let answer = Request::post(&format!("{}/token", self.issuer)).basic("svc", "svc-secret").form(&form).send();
        text(&answer.json(), "access_token").to_owned()
    }

    /// The access, ID and refresh token that a client gets when alice signs in.
    pub(crate) fn login(&self, client: &str, resource: &str) -> Value {
        let answer = Request::post(&format!("{}/login?client_id={client}&resource={resource}", self.control)).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// What it says of a token.
    pub(crate) fn introspect(&self, token: &str) -> Value {
        let url = format!("{}/token/introspection", self.issuer);
        Request::post(&url).basic("rs", "rs-secret").form(&[("token", token)]).send().json()
    }

    pub(crate) fn revoke(&self, token: &str) {
        let url = format!("{}/token/revocation", self.issuer);
        let answer = Request::post(&url).basic("svc", "svc-secret").form(&[("token", token)]).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// New keys sign from here on; the old ones stay published.
    pub(crate) fn rotate(&self) {
        assert_eq!(Request::post(&format!("{}/rotate", self.control)).send().status, 200);
    }

    /// The private keys of the API, to which its `urn:api:nested:` tokens are encrypted.
    pub(crate) fn decryption_keys(&self) -> Value {
        Request::get(&format!("{}/decryption-keys", self.control)).send().json()
    }

    /// How many requests the provider has had for this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        let counts = Request::get(&format!("{}/counts", self.control)).send().json();
        counts[path].as_u64().unwrap_or_default() as usize
    }

    /// Writes a file that only its owner may read, beside the provider's own, and returns its path as text.
    pub(crate) fn write(&self, name: &str, content: &str) -> String {
        write_secret(self.directory.path(), name, content).display().to_string()
    }
}

/// The minimal configuration for this provider, with introspection by a client secret.
pub(crate) fn with_introspection(provider: &Provider, echo: &Echo, settings: &str) -> String {
    let secret = provider.write("rs-secret", "rs-secret\n");
    introspecting_as(provider, echo, "rs", &format!("client_secret_file = \"{secret}\"\n{settings}"))
}

/// The minimal configuration for this provider, with introspection as this client; `settings` say how it shows that it is.
pub(crate) fn introspecting_as(provider: &Provider, echo: &Echo, client: &str, settings: &str) -> String {
    let minimal = minimal_config(&provider.issuer, &echo.address());
    format!("{minimal}\n[issuers.introspection]\nclient_id = \"{client}\"\n{settings}\n")
}

/// A member that is a text.
pub(crate) fn text<'a>(json: &'a Value, member: &str) -> &'a str {
    json[member].as_str().unwrap_or_else(|| panic!("no {member} in {json}"))
}

/// The `kid` of a JWT.
pub(crate) fn kid(token: &str) -> String {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    text(&serde_json::from_slice(&header).unwrap(), "kid").to_owned()
}
