//! An issuer URL: the tenant's own, at which every application may ask, or one application's.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{StatusCode, request::Parts},
};

use crate::{Application, Issuer};

/// Where a request came in, and so the `iss` of what it gets.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    issuer: Issuer,
    /// The one application of this issuer URL; `None` at the tenant's own.
    application: Option<String>,
    url: String,
}

impl Authority {
    pub(crate) fn of_tenant(issuer: &Issuer) -> Self {
        Self { issuer: issuer.clone(), application: None, url: issuer.url().to_owned() }
    }

    /// `None` if there is no such application.
    pub(crate) fn of_application(issuer: &Issuer, client_id: &str) -> Option<Self> {
        let application = issuer.settings().application(client_id)?;
        Some(Self {
            issuer: issuer.clone(),
            application: Some(application.client_id.clone()),
            url: application_url(issuer.url(), &application.client_id),
        })
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The issuer identifier.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The one application of this issuer URL, if it is one application's.
    pub(crate) fn only_application(&self) -> Option<&str> {
        self.application.as_deref()
    }

    /// Those that get tokens here.
    pub(crate) fn applications(&self) -> impl Iterator<Item = &Application> {
        let here = |application: &&Application| self.application.as_ref().is_none_or(|id| *id == application.client_id);
        self.issuer.settings().applications.iter().filter(here)
    }

    /// One that gets tokens here.
    pub(crate) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications().find(|application| application.client_id == client_id)
    }

    /// One that may ask here what tokens mean: those that get them, and the clients of resource servers, which do not.
    pub(crate) fn introspecting_application(&self, client_id: &str) -> Option<&Application> {
        let gets_none = |application: &&Application| application.grant_types.is_empty();
        let of_resource_server = || self.issuer.settings().application(client_id).filter(gets_none);
        self.application(client_id).or_else(of_resource_server)
    }
}

/// The issuer URL of an application.
pub(crate) fn application_url(tenant: &str, client_id: &str) -> String {
    format!("{tenant}/apps/{client_id}")
}

impl FromRequestParts<Issuer> for Authority {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, issuer: &Issuer) -> Result<Self, StatusCode> {
        let parameters = RawPathParams::from_request_parts(parts, issuer).await.map_err(|_| StatusCode::NOT_FOUND)?;
        let name = parameters.iter().find(|(name, _)| *name == "application").map(|(_, value)| value);
        match name {
            None => Ok(Self::of_tenant(issuer)),
            Some(client_id) => Self::of_application(issuer, client_id).ok_or(StatusCode::NOT_FOUND),
        }
    }
}
