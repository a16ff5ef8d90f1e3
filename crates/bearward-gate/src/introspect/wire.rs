//! Sends what needs an answer in the gateway's own name: questions about tokens, and the request for a token with which
//! to ask them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bearward_core::Endpoint;
use bytes::Bytes;
use http::{HeaderValue, Response};
use rustls::sign::CertifiedKey;

use super::answer::Failure;
use super::context::Context;
use super::request::{Form, Payload, basic, post};
use crate::clock::Clock;
use crate::net::http_client::{HttpClient, Limit};
use crate::secrets::{ClientAuth, ClientCertificate, Statement, bearer};
use crate::settings::IntrospectionSettings;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// The way to the issuer, for one client.
pub(super) struct Wire {
    client: HttpClient,
    certificate: Option<(ClientCertificate, Mutex<Option<Certified>>)>,
    pub(super) client_id: String,
    issuer: Arc<str>,
    clock: Clock,
    timeout: Duration,
}

/// The client that shows a certificate, and which.
type Certified = (Arc<CertifiedKey>, HttpClient);

impl Wire {
    pub(super) fn new(settings: &IntrospectionSettings, context: &Context) -> Self {
        Self {
            client: context.client.clone(),
            certificate: settings.auth.certificate().map(|certificate| (certificate.clone(), Mutex::default())),
            client_id: settings.client_id.clone(),
            issuer: Arc::clone(context.rules.issuer.text()),
            clock: context.clock.clone(),
            timeout: settings.timeout,
        }
    }

    /// Posts `form` as a client of the issuer.
    pub(super) async fn post_as_client(
        &self,
        url: &Endpoint,
        mut form: Form,
        accept: &'static str,
        auth: &ClientAuth,
    ) -> Result<Response<Bytes>, Failure> {
        let statement = || Statement {
            client_id: &self.client_id,
            issuer: &self.issuer,
            endpoint: url.as_str(),
            now: self.clock.now(),
        };
        let mut authorization = None;
        let mut assertion = None;
        match auth {
            ClientAuth::Basic(secret) => authorization = Some(basic(&self.client_id, &secret.read())),
            ClientAuth::Post(secret) => {
                form.add("client_id", &self.client_id);
                form.add("client_secret", &secret.read());
            }
            ClientAuth::SecretJwt(key) => assertion = Some(key.assertion(statement()).map_err(|_| Failure::Signing)?),
            ClientAuth::PrivateKeyJwt(key) => {
                assertion = Some(key.assertion(statement()).map_err(|_| Failure::Signing)?);
            }
            ClientAuth::Assertion(file) => assertion = Some(file.read().to_string()),
            // RFC 8705, 2: the certificate shows who it is, `client_id` says who it should be.
            ClientAuth::Certificate(_) => form.add("client_id", &self.client_id),
        }
        if let Some(assertion) = assertion {
            // Not needed where the assertion names the client (RFC 7521, 4.2), but issuers ask for it where somebody else
            // made it, and some look the client up by it.
            form.add("client_id", &self.client_id);
            form.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            form.add("client_assertion", &assertion);
        }
        self.post(url, form.into(), accept, authorization).await
    }

    /// Posts `payload` with an access token of the gateway's own.
    pub(super) async fn post_with_token(
        &self,
        url: &Endpoint,
        payload: Payload,
        accept: &'static str,
        token: &str,
    ) -> Result<Response<Bytes>, Failure> {
        let authorization = bearer(token).ok_or(Failure::UnsendableToken)?;
        self.post(url, payload, accept, Some(authorization)).await
    }

    pub(super) async fn post(
        &self,
        url: &Endpoint,
        payload: Payload,
        accept: &'static str,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Bytes>, Failure> {
        let limit = Limit { total: self.timeout, max_body: MAX_ANSWER };
        Ok(self.client_for(url)?.send(post(url.uri(), payload, accept, authorization), limit).await?)
    }

    /// The client to connect with: another one for each certificate, since a connection, once made, keeps its own.
    fn client_for(&self, url: &Endpoint) -> Result<HttpClient, Failure> {
        let Some((certificate, certified)) = &self.certificate else { return Ok(self.client.clone()) };
        if !url.is_https() {
            return Err(Failure::CertificateWithoutTls);
        }
        let current = certificate.current();
        let mut certified = certified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((shown, client)) = &*certified
            && Arc::ptr_eq(shown, &current)
        {
            return Ok(client.clone());
        }
        let client = self.client.with_certificate(Arc::clone(&current));
        *certified = Some((current, client.clone()));
        Ok(client)
    }
}
