//! From settings to an issuer: nothing is bound or generated before everything is checked.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::net::TcpListener;

use crate::{
    Application, BuildError, CryptoError, Fault, Issuer, Person, ResourceServer, RunningIssuer, Settings, Shared,
    SigningAlgorithm, SpawnError,
};

/// Describes an issuer, starting from the built-in [`Settings`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until build() or spawn()"]
pub struct IssuerBuilder {
    settings: Settings,
    url: Option<String>,
    address: SocketAddr,
    allow_non_loopback: bool,
    faults: Vec<Fault>,
}

impl Default for IssuerBuilder {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            url: None,
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            allow_non_loopback: false,
            faults: Vec::new(),
        }
    }
}

impl IssuerBuilder {
    /// Replaces all settings.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Adds an application, in the place of one with the same `client_id` if there is one.
    pub fn application(mut self, application: Application) -> Self {
        self.settings.set_application(application);
        self
    }

    /// Adds a resource server, in the place of one with the same identifier if there is one.
    pub fn resource_server(mut self, server: ResourceServer) -> Self {
        self.settings.set_resource_server(server);
        self
    }

    /// Adds a person who can sign in, in the place of one with the same subject if there is one.
    pub fn person(mut self, person: Person) -> Self {
        self.settings.set_person(person);
        self
    }

    /// Has something go wrong from the start. Called again, it adds another.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Publishes a key of each of these; the first one signs. RS256 alone by default.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = SigningAlgorithm>) -> Self {
        self.settings.algorithms = algorithms.into_iter().collect();
        self
    }

    /// How long others may keep the key set, in seconds; 300 by default.
    pub fn jwks_max_age(mut self, seconds: u64) -> Self {
        self.settings.jwks_max_age = seconds;
        self
    }

    /// The issuer identifier, where it is not `http://` and the address listened on: behind a published port, say.
    ///
    /// `http` or `https`, a host and perhaps a port, and nothing after it.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Where [`Self::spawn`] listens; a free port of 127.0.0.1 by default.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Lets it be reached from other machines. Its secrets are public: only for a network of which that may be said.
    pub fn allow_non_loopback(mut self) -> Self {
        self.allow_non_loopback = true;
        self
    }

    /// Builds an issuer whose [`router`](Issuer::router) the caller serves. This generates its keys.
    ///
    /// # Errors
    ///
    /// When the settings contradict themselves, and [`BuildError::NoUrl`] when neither a URL nor an address with a
    /// port was given.
    pub fn build(self) -> Result<Issuer, BuildError> {
        self.check()?;
        let url = self.url_at(self.address)?;
        assemble(self.settings, url, self.faults)
    }

    /// Listens, takes the URL from the port it got if none was given, and serves in the background.
    ///
    /// # Errors
    ///
    /// Those of [`Self::build`], and [`SpawnError::Bind`] when the address cannot be had.
    pub async fn spawn(self) -> Result<RunningIssuer, SpawnError> {
        self.check()?;
        let bind = |source| SpawnError::Bind { address: self.address, source };
        let listener = TcpListener::bind(self.address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let url = self.url_at(address)?;
        // An RSA key takes a while: it must not hold up the other tasks of this thread.
        let issuer = tokio::task::spawn_blocking(move || assemble(self.settings, url, self.faults))
            .await
            .map_err(|_stopped| BuildError::Crypto(CryptoError))??;
        Ok(RunningIssuer::start(issuer, listener, address))
    }

    fn check(&self) -> Result<(), BuildError> {
        if !self.allow_non_loopback && !self.address.ip().to_canonical().is_loopback() {
            return Err(BuildError::NotLoopback(self.address));
        }
        if let Some(url) = &self.url {
            check_url(url)?;
        }
        self.settings.check()
    }

    fn url_at(&self, address: SocketAddr) -> Result<String, BuildError> {
        match &self.url {
            Some(url) => Ok(url.clone()),
            None if address.port() == 0 || address.ip().is_unspecified() => Err(BuildError::NoUrl(address)),
            None => Ok(format!("http://{address}")),
        }
    }
}

fn assemble(settings: Settings, url: String, faults: Vec<Fault>) -> Result<Issuer, BuildError> {
    let issuer = Issuer { shared: Arc::new(Shared::new(url, settings)?) };
    issuer.set_faults(faults);
    Ok(issuer)
}

/// RFC 8414 2: a URL without query or fragment. A path would come before those of the applications, and is refused
/// until something needs it.
fn check_url(url: &str) -> Result<(), BuildError> {
    let problem = |problem| Err(BuildError::Url { url: url.to_owned(), problem });
    let Some(authority) = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")) else {
        return problem("it must start with http:// or https://");
    };
    if authority.is_empty() || authority.starts_with(':') {
        return problem("it has no host");
    }
    if authority.contains(['/', '?', '#', '@', '\\', '"', ' ']) || !authority.bytes().all(|b| b.is_ascii_graphic()) {
        return problem("after the host and the port there must be nothing, not even a slash");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn builder() -> IssuerBuilder {
        Issuer::builder().algorithms([SigningAlgorithm::EdDsa])
    }

    #[test]
    fn the_url_is_given_or_follows_from_the_address() {
        let issuer = builder().url("https://auth.example.com").build().unwrap();
        assert_eq!(issuer.url(), "https://auth.example.com");
        let issuer = builder().bind("[::1]:9000".parse().unwrap()).build().unwrap();
        assert_eq!(issuer.url(), "http://[::1]:9000");
        assert!(matches!(builder().build(), Err(BuildError::NoUrl(_))));
        let everywhere = builder().bind("0.0.0.0:9000".parse().unwrap()).allow_non_loopback();
        assert!(matches!(everywhere.build(), Err(BuildError::NoUrl(_))));
    }

    #[test]
    fn a_url_ends_after_the_port() {
        for url in [
            "",
            "auth.example.com",
            "ftp://auth.example.com",
            "http://",
            "http://:9000",
            "http://a.example.com/",
            "http://a.example.com/realm",
            "http://a.example.com?x",
            "http://a.example.com#x",
            "http://user@a.example.com",
            "http://a example.com",
            "http://a.example.com\n",
        ] {
            assert!(matches!(builder().url(url).build(), Err(BuildError::Url { .. })), "{url:?}");
        }
    }

    #[test]
    fn other_machines_only_in_so_many_words() {
        for address in ["0.0.0.0:9000", "192.0.2.1:9000", "[::]:9000", "[::ffff:192.0.2.1]:9000"] {
            let open = builder().url("http://issuer:9000").bind(address.parse().unwrap());
            let refused = open.clone().build().unwrap_err();
            assert!(refused.to_string().contains("allow_non_loopback"), "{refused}");
            assert!(open.allow_non_loopback().build().is_ok(), "{address}");
        }
        for address in ["127.0.0.1:9000", "127.9.9.9:9000", "[::1]:9000", "[::ffff:127.0.0.1]:9000"] {
            assert!(builder().bind(address.parse().unwrap()).build().is_ok(), "{address}");
        }
    }

    #[test]
    fn adding_what_is_known_replaces_it() {
        let built = builder()
            .url("http://issuer:9000")
            .resource_server(ResourceServer::new("https://other.example.com").scopes(["orders:read", "extra"]))
            .application(Application::new("orders-app", "changed").lifetime(60))
            .application(Application::new("new-app", "new"))
            .build()
            .unwrap();
        let settings = built.settings();
        assert_eq!(settings.applications.len(), Settings::default().applications.len() + 1);
        assert_eq!(settings.application("orders-app").unwrap().lifetime, 60);
        assert_eq!(settings.resource_servers.len(), Settings::default().resource_servers.len());
    }
}
