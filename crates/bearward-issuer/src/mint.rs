//! Minting tokens from Rust: what an application would get, and what no application should get.

use serde_json::{Map, Value};

use crate::{
    Application, GrantType, Issuer, MintError, SigningAlgorithm, TokenFormat, authority, scope,
    tokens::{Audience, Claims, Tokens, random_id},
};

/// Describes a token to mint. What is not set is as the application would get it from the token endpoint.
///
/// Nothing set here is checked against what the application is allowed: a test needs tokens for the wrong audience, with
/// scopes that do not exist, and from yesterday.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use bearward_issuer::Issuer;
/// let issuer = Issuer::builder().url("http://127.0.0.1:9000").build()?;
/// let token = issuer.token().application("orders-app").scope("orders:read").subject("alice").lifetime(60).mint()?;
/// # assert_eq!(token.split('.').count(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is minted before mint()"]
pub struct TokenBuilder<'a> {
    issuer: &'a Issuer,
    application: Option<String>,
    own_issuer: bool,
    format: Option<TokenFormat>,
    audiences: Vec<String>,
    scope: Option<String>,
    subject: Option<String>,
    lifetime: Option<i64>,
    custom_claims: Option<Map<String, Value>>,
    algorithm: Option<SigningAlgorithm>,
    unsigned: bool,
}

impl<'a> TokenBuilder<'a> {
    pub(crate) fn new(issuer: &'a Issuer) -> Self {
        Self {
            issuer,
            application: None,
            own_issuer: false,
            format: None,
            audiences: Vec::new(),
            scope: None,
            subject: None,
            lifetime: None,
            custom_claims: None,
            algorithm: None,
            unsigned: false,
        }
    }

    /// The application that gets the token, by `client_id`. The first application that may ask for tokens, by default.
    pub fn application(mut self, client_id: impl Into<String>) -> Self {
        self.application = Some(client_id.into());
        self
    }

    /// Has the application's own issuer URL (`/apps/{client_id}`) issue it, and not the tenant's.
    pub fn own_issuer(mut self) -> Self {
        self.own_issuer = true;
        self
    }

    /// The format, in place of the application's.
    pub fn format(mut self, format: TokenFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Who the token is for, in place of the application's resource servers. Called again, it adds another.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The scopes, with a space between them; an empty string for none. All that the application is allowed, by
    /// default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The subject (`sub`). The application itself, by default (RFC 9068 2.2).
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Seconds from now until it expires. With 0 or less it has expired already, that long ago, and was issued a
    /// whole lifetime before that. The application's lifetime, by default.
    pub fn lifetime(mut self, seconds: i64) -> Self {
        self.lifetime = Some(seconds);
        self
    }

    /// A token that expired a minute ago and is otherwise in order.
    pub fn expired(self) -> Self {
        self.lifetime(-60)
    }

    /// The members of the claim `custom_claims`.
    pub fn custom_claims(mut self, claims: Map<String, Value>) -> Self {
        self.custom_claims = Some(claims);
        self
    }

    /// Which of the issuer's algorithms signs; the first, by default. A referential token has no use for it.
    pub fn algorithm(mut self, algorithm: SigningAlgorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Leaves the signature out and says so (`alg: none`): an attack for tests and demonstrations.
    pub fn unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    /// Makes the token.
    ///
    /// # Errors
    ///
    /// When the application or the algorithm is not known, the scope is no scope, or the parts do not go together.
    pub fn mint(self) -> Result<String, MintError> {
        let application = self.find_application()?;
        let claims = self.claims(application)?;
        match (self.format.unwrap_or(application.token_format), self.unsigned) {
            (TokenFormat::Referential, true) => Err(MintError::UnsignedReferential),
            (TokenFormat::SelfContained, true) => Ok(Tokens::unsigned(&claims)?),
            (format, false) => self.issuer.issue(&claims, format, self.algorithm),
        }
    }

    fn find_application(&self) -> Result<&'a Application, MintError> {
        let settings = self.issuer.settings();
        match &self.application {
            Some(client_id) => {
                settings.application(client_id).ok_or_else(|| MintError::UnknownApplication(client_id.clone()))
            }
            None => settings
                .applications
                .iter()
                .find(|application| application.grant_types.contains(&GrantType::ClientCredentials))
                .ok_or(MintError::NoApplication),
        }
    }

    fn claims(&self, application: &Application) -> Result<Claims, MintError> {
        let scope = match &self.scope {
            None => scope::join(&application.allowed_scopes),
            Some(asked) => scope::join(&scope::parse(asked).ok_or(MintError::Scope)?),
        };
        let aud = match self.audiences.as_slice() {
            [] => application.audience(&application.resource_servers),
            [one] => Audience::One(one.clone()),
            several => Audience::Several(several.to_vec()),
        };
        let now = self.issuer.now();
        let (iat, exp) = match self.lifetime {
            None => (now, now.saturating_add(application.lifetime)),
            Some(seconds) => {
                let exp = now.saturating_add_signed(seconds);
                // An expired token is issued in the past, so that its age is all that is wrong with it.
                (if seconds > 0 { now } else { exp.saturating_sub(application.lifetime) }, exp)
            }
        };
        Ok(Claims {
            iss: if self.own_issuer {
                authority::application_url(self.issuer.url(), &application.client_id)
            } else {
                self.issuer.url().to_owned()
            },
            sub: self.subject.clone().unwrap_or_else(|| application.client_id.clone()),
            aud,
            client_id: application.client_id.clone(),
            scope,
            iat,
            nbf: iat,
            exp,
            jti: random_id()?,
            auth_time: None,
            custom_claims: self.custom_claims.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests fail by panicking")]
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    use super::*;
    use crate::Settings;

    fn issuer() -> Issuer {
        let algorithms = [SigningAlgorithm::EdDsa, SigningAlgorithm::Es256];
        Issuer::builder().url("http://127.0.0.1:9000").algorithms(algorithms).build().unwrap()
    }

    fn part(token: &str, number: usize) -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn what_is_not_said_is_as_the_application_gets_it() {
        let claims = part(&issuer().token().mint().unwrap(), 1);
        assert_eq!(claims["iss"], "http://127.0.0.1:9000");
        assert_eq!(claims["sub"], "orders-app");
        assert_eq!(claims["client_id"], "orders-app");
        assert_eq!(claims["aud"], "https://api.example.com");
        assert_eq!(claims["scope"], "orders:read orders:write");
        assert_eq!(claims["nbf"], claims["iat"]);
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 3600);
        assert_eq!(claims.as_object().unwrap().len(), 9);
    }

    #[test]
    fn what_is_said_is_done_whatever_the_application_may() {
        let issuer = issuer();
        let token = issuer
            .token()
            .application("other-app")
            .audience("https://a.example.com")
            .audience("https://b.example.com")
            .scope("no:such")
            .subject("alice")
            .lifetime(5)
            .algorithm(SigningAlgorithm::Es256);
        let token = token.mint().unwrap();
        assert_eq!(part(&token, 0)["alg"], "ES256");
        let claims = part(&token, 1);
        assert_eq!(claims["aud"], json!(["https://a.example.com", "https://b.example.com"]));
        assert_eq!(claims["client_id"], "other-app");
        assert_eq!(claims["scope"], "no:such");
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 5);
    }

    #[test]
    fn an_empty_scope_is_no_claim_and_without_a_resource_server_there_is_none() {
        let issuer = issuer();
        assert_eq!(part(&issuer.token().scope("").mint().unwrap(), 1).get("scope"), None);
        let alone = part(&issuer.token().application("gateway").mint().unwrap(), 1);
        assert_eq!((alone.get("scope"), &alone["aud"]), (None, &json!("gateway")));
    }

    #[test]
    fn an_expired_token_is_wrong_in_nothing_but_its_age() {
        let claims = part(&issuer().token().lifetime(-60).mint().unwrap(), 1);
        let [iat, nbf, exp] = ["iat", "nbf", "exp"].map(|name| claims[name].as_u64().unwrap());
        assert!(exp <= issuer().now() - 60 && iat == exp - 3600 && nbf == iat);
        for seconds in [i64::MIN, i64::MAX] {
            assert!(issuer().token().lifetime(seconds).mint().is_ok());
        }
    }

    #[test]
    fn the_application_can_be_its_own_issuer_and_claims_can_be_added() {
        let custom = Map::from_iter([("tenant".to_owned(), json!("t1"))]);
        let issuer = issuer();
        let claims = part(&issuer.token().own_issuer().custom_claims(custom).expired().mint().unwrap(), 1);
        assert_eq!(claims["iss"], "http://127.0.0.1:9000/apps/orders-app");
        assert_eq!(claims["custom_claims"], json!({ "tenant": "t1" }));
        assert!(claims["exp"].as_u64().unwrap() < issuer.now());
    }

    #[test]
    fn the_format_can_be_chosen() {
        let issuer = issuer();
        assert_eq!(part(&issuer.token().format(TokenFormat::Referential).mint().unwrap(), 0)["enc"], "A256GCM");
        let referential = issuer.token().application("orders-app-referential");
        assert_eq!(referential.clone().mint().unwrap().split('.').count(), 5);
        assert_eq!(referential.format(TokenFormat::SelfContained).mint().unwrap().split('.').count(), 3);
    }

    #[test]
    fn an_unsigned_token_is_self_contained() {
        let issuer = issuer();
        assert_eq!(part(&issuer.token().unsigned().mint().unwrap(), 0)["alg"], "none");
        let referential = issuer.token().unsigned().format(TokenFormat::Referential).mint();
        assert!(matches!(referential, Err(MintError::UnsignedReferential)));
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let issuer = issuer();
        let unknown = issuer.token().application("nobody").mint();
        assert!(matches!(unknown, Err(MintError::UnknownApplication(_))));
        assert!(matches!(issuer.token().scope("a  b").mint(), Err(MintError::Scope)));
        let rsa = issuer.token().algorithm(SigningAlgorithm::Rs256).mint();
        assert!(matches!(rsa, Err(MintError::Algorithm(SigningAlgorithm::Rs256))));
        let algorithms = [SigningAlgorithm::EdDsa];
        let empty = Issuer::builder().settings(Settings::empty()).algorithms(algorithms).url("http://a.example.com");
        assert!(matches!(empty.build().unwrap().token().mint(), Err(MintError::NoApplication)));
    }
}
