//! The gateway as a client of the issuer: it sends introspection requests, and requests for the access token that authenticates
//! them.

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
use crate::secrets::{AssertionInput, ClientAuth, ClientCertificate};
use crate::settings::IntrospectionSettings;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends requests to the issuer as one of its clients.
pub(super) struct IssuerClient {
    http: HttpClient,
    certificate: Option<(ClientCertificate, Mutex<Option<CertifiedClient>>)>,
    pub(super) client_id: String,
    issuer: Arc<str>,
    clock: Clock,
    timeout: Duration,
}

/// A certificate, and the HTTP client that presents it.
type CertifiedClient = (Arc<CertifiedKey>, HttpClient);

impl IssuerClient {
    pub(super) fn new(settings: &IntrospectionSettings, context: &Context) -> Self {
        Self {
            http: context.client.clone(),
            certificate: settings.auth.certificate().map(|certificate| (certificate.clone(), Mutex::default())),
            client_id: settings.client_id.clone(),
            issuer: Arc::clone(context.rules.issuer.text()),
            clock: context.clock.clone(),
            timeout: settings.timeout,
        }
    }

    /// Posts `form` as a client of the issuer. What is sent a second time, because the connection has ended without an answer,
    /// has an assertion of its own: the issuer may have seen the first.
    pub(super) async fn post_as_client(
        &self,
        url: &Endpoint,
        form: Form,
        accept: &'static str,
        auth: &ClientAuth,
    ) -> Result<Response<Bytes>, Failure> {
        let make = || {
            let (form, authorization) = self.authenticated(url, form.clone(), auth)?;
            Ok(post(url.uri(), form.into(), accept, authorization))
        };
        self.client_for(url)?.send_fresh(make, self.limit()).await
    }

    /// Posts `payload`.
    pub(super) async fn post(
        &self,
        url: &Endpoint,
        payload: Payload,
        accept: &'static str,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Bytes>, Failure> {
        Ok(self.client_for(url)?.send(post(url.uri(), payload, accept, authorization), self.limit()).await?)
    }

    /// The form with what authenticates the client, and the field that does.
    fn authenticated(
        &self,
        url: &Endpoint,
        mut form: Form,
        auth: &ClientAuth,
    ) -> Result<(Form, Option<HeaderValue>), Failure> {
        let input = || AssertionInput {
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
            ClientAuth::SecretJwt(key) => assertion = Some(key.assertion(input()).map_err(|_| Failure::Signing)?),
            ClientAuth::PrivateKeyJwt(key) => {
                assertion = Some(key.assertion(input()).map_err(|_| Failure::Signing)?);
            }
            ClientAuth::Assertion(file) => assertion = Some(file.current().to_string()),
            // RFC 8705, 2: `client_id` names the client, and the certificate proves it.
            ClientAuth::Certificate(_) => form.add("client_id", &self.client_id),
        }
        if let Some(assertion) = assertion {
            // Optional if the assertion names the client (RFC 7521, 4.2), but issuers require it for assertions of another
            // program, and some look the client up by it.
            form.add("client_id", &self.client_id);
            form.add("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            form.add("client_assertion", &assertion);
        }
        Ok((form, authorization))
    }

    fn limit(&self) -> Limit {
        Limit { total: self.timeout, max_body: MAX_ANSWER }
    }

    /// The HTTP client to connect with. Each certificate has its own, because an open connection keeps its certificate.
    fn client_for(&self, url: &Endpoint) -> Result<HttpClient, Failure> {
        let Some((certificate, certified)) = &self.certificate else { return Ok(self.http.clone()) };
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
        let client = self.http.with_certificate(Arc::clone(&current));
        *certified = Some((current, client.clone()));
        Ok(client)
    }
}
