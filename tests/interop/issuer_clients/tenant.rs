//! `bearward issuer` with applications of every kind, and the scripts that use them.

use crate::support::{Process, Signer, bearward, free_port};
use serde_json::json;
use std::{process::Command, time::Duration};
use tempfile::TempDir;

/// How long a script may take. A browser on a loaded machine takes its time.
const SCRIPT: Duration = Duration::from_secs(120);

/// The running issuer. Dropped, it is killed.
pub(crate) struct Tenant {
    pub(crate) issuer: String,
    callback: String,
    key: Signer,
    _process: Process,
    _directory: TempDir,
}

impl Tenant {
    pub(crate) fn start() -> Self {
        let (directory, key) = (TempDir::new().unwrap(), Signer::es256("signer"));
        let address = format!("127.0.0.1:{}", free_port());
        let callback = format!("http://127.0.0.1:{}/callback", free_port());
        let file = directory.path().join("apps.toml");
        std::fs::write(&file, applications(&callback, &key)).unwrap();
        let mut command = bearward();
        command.args(["issuer", "--listen", &address, "--config"]).arg(&file);
        let mut process = Process::spawn("bearward issuer", &mut command);
        process.wait_for_port(address.parse().unwrap());
        Self { issuer: format!("http://{address}"), callback, key, _process: process, _directory: directory }
    }

    /// Runs a script, which must go through these flows, one after the other, and end well.
    pub(crate) fn must_get_through(&self, command: &mut Command, flows: &[&str]) {
        command.env("ISSUER", &self.issuer).env("CALLBACK", &self.callback).env("SIGNING_KEY", self.key.pem());
        let mut script = Process::spawn("the script", command);
        let status = script.wait(SCRIPT);
        assert!(status.success(), "{status}:\n{}", script.log());
        let lines = script.lines();
        let done: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("flow: ")).collect();
        assert_eq!(done, flows);
    }
}

fn applications(callback: &str, key: &Signer) -> String {
    let jwks = json!({ "keys": [key.jwk()] });
    format!(
        r#"
[[resource_servers]]
identifier = "https://api.example.com"
scopes = ["orders:read", "orders:write"]

[[applications]]
client_id = "service"
client_secret = "service-secret"
grant_types = ["client_credentials"]
resource_server = "https://api.example.com"
scopes = ["orders:read", "orders:write"]

[[applications]]
client_id = "signer"
token_endpoint_auth_method = "private_key_jwt"
jwks = '{jwks}'
grant_types = ["client_credentials"]
resource_server = "https://api.example.com"
scopes = ["orders:read"]

[[applications]]
client_id = "web"
protocol = "oidc"
client_secret = "web-secret"
token_endpoint_auth_method = "client_secret_post"
pkce = "disabled"
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["{callback}"]
resource_server = "https://api.example.com"
scopes = ["orders:read", "orders:write"]
token_format = "referential"

[[applications]]
client_id = "native"
protocol = "oidc"
client_type = "public"
token_endpoint_auth_method = "none"
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["{callback}"]
resource_server = "https://api.example.com"
scopes = ["orders:read", "orders:write"]

[[applications]]
client_id = "gateway"
client_secret = "gateway-secret"

[[people]]
subject = "alice"
name = "Alice"
email = "alice@example.com"

[[people]]
subject = "bob"
name = "Bob"
scopes = ["orders:read"]
"#
    )
}
