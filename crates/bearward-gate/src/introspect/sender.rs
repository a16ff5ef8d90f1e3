//! Sends introspection requests with the configured authentication.

use std::sync::Arc;

use bearward_core::Endpoint;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use super::answer::Failure;
use super::context::Context;
use super::issuer_client::IssuerClient;
use super::request::question;
use super::token::TokenSource;
use crate::secrets::{ClientAuth, Credentials, IntrospectionAuth, bearer};
use crate::settings::{IntrospectionKind, IntrospectionSettings, SignedResponse};

/// Sends introspection requests with the configured authentication.
pub(super) struct Sender {
    client: Arc<IssuerClient>,
    auth: Auth,
    kind: IntrospectionKind,
    audiences: Vec<String>,
}

/// [`IntrospectionAuth`], with the state that it needs.
enum Auth {
    Client(ClientAuth),
    Bearer(Credentials),
    ClientCredentials(TokenSource),
    Anonymous,
}

impl Sender {
    /// `token_url` is the configured token endpoint.
    pub(super) fn new(settings: &IntrospectionSettings, token_url: Option<Endpoint>, context: &Context) -> Self {
        let client = Arc::new(IssuerClient::new(settings, context));
        let auth = match settings.auth.clone() {
            IntrospectionAuth::Client(auth) => Auth::Client(auth),
            IntrospectionAuth::Bearer(token) => Auth::Bearer(token),
            IntrospectionAuth::ClientCredentials(grant) => {
                Auth::ClientCredentials(TokenSource::new(grant, token_url, Arc::clone(&client), context))
            }
            IntrospectionAuth::Anonymous => Auth::Anonymous,
        };
        Self { client, auth, kind: settings.kind, audiences: context.rules.audiences.clone() }
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
            // Client authentication may add parameters to the form, which only RFC 7662 has.
            Auth::Client(auth) => self.client.post_as_client(url, question(token), accept, auth).await,
            Auth::Bearer(own) => self.client.post(url, asked, accept, Some(own.value())).await,
            Auth::Anonymous => self.client.post(url, asked, accept, None).await,
            Auth::ClientCredentials(source) => {
                let own = source.token().await?;
                let response = self.client.post(url, asked.clone(), accept, Some(sendable(&own)?)).await?;
                if response.status() != StatusCode::UNAUTHORIZED {
                    return Ok(response);
                }
                // The token was revoked, or the issuer lost its state. Try a new token once.
                match source.token_instead_of(&own).await? {
                    Some(newer) => self.client.post(url, asked, accept, Some(sendable(&newer)?)).await,
                    None => Ok(response),
                }
            }
        }
    }
}

/// The gateway's own token, as it is sent.
fn sendable(token: &str) -> Result<HeaderValue, Failure> {
    bearer(token).ok_or(Failure::UnsendableToken)
}
