//! Asks about tokens in the gateway's own name, in the way that is configured.

use std::sync::Arc;

use bearward_core::Endpoint;
use bytes::Bytes;
use http::{Response, StatusCode};

use super::answer::Failure;
use super::context::Context;
use super::request::question;
use super::token::TokenSource;
use super::wire::Wire;
use crate::secrets::{ClientAuth, IntrospectionAuth, Secret};
use crate::settings::{IntrospectionKind, IntrospectionSettings, SignedResponse};

/// Asks about tokens, authenticated as configured.
pub(super) struct Sender {
    wire: Arc<Wire>,
    auth: Auth,
    kind: IntrospectionKind,
    audiences: Vec<String>,
}

/// [`IntrospectionAuth`] at work.
enum Auth {
    Client(ClientAuth),
    Bearer(Secret),
    ClientCredentials(TokenSource),
    Anonymous,
}

impl Sender {
    /// `token_url` is the configured token endpoint.
    pub(super) fn new(settings: &IntrospectionSettings, token_url: Option<Endpoint>, context: &Context) -> Self {
        let wire = Arc::new(Wire::new(settings, context));
        let auth = match settings.auth.clone() {
            IntrospectionAuth::Client(auth) => Auth::Client(auth),
            IntrospectionAuth::Bearer(token) => Auth::Bearer(token),
            IntrospectionAuth::ClientCredentials(grant) => {
                Auth::ClientCredentials(TokenSource::new(grant, token_url, Arc::clone(&wire), context))
            }
            IntrospectionAuth::Anonymous => Auth::Anonymous,
        };
        Self { wire, auth, kind: settings.kind, audiences: context.rules.audiences.clone() }
    }

    /// Asks the endpoint at `url` about `token`.
    pub(super) async fn ask(
        &self,
        url: &Endpoint,
        token: &str,
        signed: SignedResponse,
    ) -> Result<Response<Bytes>, Failure> {
        let (asked, accept) = (self.kind.question(token, &self.audiences), signed.accept());
        match &self.auth {
            // What shows the client may stand in the form, too, which no other kind has a place for.
            Auth::Client(auth) => self.wire.post_as_client(url, question(token), accept, auth).await,
            Auth::Bearer(own) => self.wire.post_with_token(url, asked, accept, &own.read()).await,
            Auth::Anonymous => self.wire.post(url, asked, accept, None).await,
            Auth::ClientCredentials(source) => {
                let own = source.token().await?;
                let response = self.wire.post_with_token(url, asked.clone(), accept, &own).await?;
                if response.status() != StatusCode::UNAUTHORIZED {
                    return Ok(response);
                }
                // The token was revoked, or the issuer started afresh. A new one is tried once.
                match source.token_instead_of(&own).await? {
                    Some(newer) => self.wire.post_with_token(url, asked, accept, &newer).await,
                    None => Ok(response),
                }
            }
        }
    }
}
