//! A token that was proved.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use crate::token::claims::{Audiences, Claims, check_time, keep_scopes};
use crate::token::document::{Document, Span};
use crate::token::json::parse_object;
use crate::{ClaimPointer, Reason, Scopes, TokenRules, UnixTime};

/// A token that the issuer's signature or its introspection answer has proved, with what it says.
///
/// Only verification makes one: unverified claims cannot reach policy, headers, answers or metrics. It does not hold the
/// token. It does not say either that the sender of a request may use it: that is for
/// [`Requirement::admit`](crate::Requirement::admit), on each request.
///
/// ```compile_fail
/// let forged = bearward_core::Verified { issuer: "https://auth.example.com".into() };
/// ```
#[derive(Clone)]
pub struct Verified {
    issuer: Arc<str>,
    /// The claims as JSON, and after them what the spans below point to besides: one piece of memory, since many tokens are
    /// remembered. For the same reason nothing here is wider than it must be.
    text: Box<str>,
    /// The length of the JSON.
    json: u32,
    leeway: u32,
    subject: Option<Span>,
    client_id: Option<Span>,
    scopes: Option<Span>,
    audiences: Audiences,
    expires_at: Date,
    /// The later of `nbf` and `iat`.
    begin: Date,
    /// That of the token, or of the issuer's answer about it.
    confirmation: Option<Box<Value>>,
    /// The claims as a tree, for those who ask for it.
    tree: OnceLock<Box<Map<String, Value>>>,
}

/// A date, or none, which no date is as far away as.
#[derive(Clone, Copy)]
struct Date(u64);

impl Date {
    fn new(date: Option<UnixTime>) -> Self {
        Self(date.map_or(u64::MAX, |date| date.0))
    }

    fn get(self) -> Option<UnixTime> {
        (self.0 != u64::MAX).then_some(UnixTime(self.0))
    }
}

impl Verified {
    pub(crate) fn new(issuer: Arc<str>, leeway: u64, claims: Claims) -> Self {
        let confirmation = claims.confirmation().map(Box::new);
        let (expires_at, begin) = (Date::new(claims.expires_at), Date::new(claims.begin()));
        let Claims { subject, client_id, audiences, scopes, all, .. } = claims;
        let (text, json) = all.into_text();
        Self {
            issuer,
            text,
            json,
            // More than a hundred years are no leeway.
            leeway: u32::try_from(leeway).unwrap_or(u32::MAX),
            subject,
            client_id,
            scopes,
            audiences,
            expires_at,
            begin,
            confirmation,
            tree: OnceLock::new(),
        }
    }

    /// The same token, for no more than these scopes, until no later than that, and for no other key.
    pub(crate) fn narrowed(
        &self,
        scopes: Option<Scopes<'_>>,
        expires_at: Option<UnixTime>,
        confirmation: Option<Value>,
        rules: &TokenRules,
    ) -> Result<Self, Reason> {
        let mut narrowed = match scopes {
            None => self.clone(),
            Some(scopes) => {
                let mut claims = self.claims().clone();
                keep_scopes(&mut claims, scopes, rules);
                let claims = Document::of(&claims).map_err(|_| Reason::ClaimsMalformed)?;
                let read = Self::new(Arc::clone(&self.issuer), self.leeway.into(), Claims::read(claims, rules)?);
                Self { confirmation: self.confirmation.clone(), ..read }
            }
        };
        narrowed.expires_at = Date::new(self.expires_at().into_iter().chain(expires_at).min());
        narrowed.confirmation = narrowed.confirmation.or(confirmation.map(Box::new));
        Ok(narrowed)
    }

    fn text(&self, span: Option<Span>) -> Option<&str> {
        span.map(|span| span.of(&self.text))
    }

    fn json(&self) -> &str {
        self.text.get(..self.json as usize).unwrap_or_default()
    }

    /// The claims with an index, read again from their text: for conditions and headers that are made of claims.
    pub(crate) fn document(&self) -> Option<Document> {
        // It was read before.
        Document::parse(self.json().as_bytes().to_vec()).ok()
    }

    /// The issuer that proved it: the configured identifier, also where an introspection answer names none, or the one of the
    /// configured template that the token names.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// `sub`: whom the token stands for.
    pub fn subject(&self) -> Option<&str> {
        self.text(self.subject)
    }

    /// `client_id`: the application that asked for the token.
    pub fn client_id(&self) -> Option<&str> {
        self.text(self.client_id)
    }

    /// `jti`: the token's identifier.
    pub fn token_id(&self) -> Option<&str> {
        let document = self.document()?;
        document.get("jti")?.span().map(|span| span.of(&self.text))
    }

    /// What the token permits.
    pub fn scopes(&self) -> Scopes<'_> {
        Scopes::joined(self.text(self.scopes).unwrap_or_default())
    }

    /// `aud`: the resource servers that the token is meant for.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.audiences.spans().iter().map(|span| span.of(&self.text))
    }

    /// `exp`, as the issuer states it.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at.get()
    }

    /// Whether the token is within its time at `now`, give or take the issuer's leeway: the rule of verification, asked
    /// again each time a remembered token is used.
    pub fn is_current(&self, now: UnixTime) -> bool {
        check_time(self.expires_at.get(), self.begin.get(), now, self.leeway.into()).is_ok()
    }

    /// `cnf`: the key that the token is bound to (RFC 7800), as the token or the issuer's answer names it. Such a token is
    /// of use only to a sender that proves possession of the key: see [`Requirement::admit`](crate::Requirement::admit).
    pub fn confirmation(&self) -> Option<&Value> {
        self.confirmation.as_deref()
    }

    /// The claim that `pointer` points to.
    pub fn claim(&self, pointer: &ClaimPointer) -> Option<&Value> {
        pointer.find(self.claims())
    }

    /// About how many bytes of memory it takes, for caches.
    pub fn size(&self) -> usize {
        // A value in a tree and its place there, about. The tree is made only where it is asked for, and is counted with all.
        const EACH: usize = 64;
        // Before each value but the first of an array there is one of these.
        let values = self.json().bytes().filter(|byte| matches!(byte, b',' | b':')).count();
        2 * self.text.len() + values * EACH
    }

    /// All claims, or all members of the introspection answer.
    pub fn claims(&self) -> &Map<String, Value> {
        self.tree.get_or_init(|| Box::new(parse_object(self.json().as_bytes()).unwrap_or_default()))
    }
}

/// Without the claims: they are the caller's own business, and of an issuer that answers, nothing says that the token itself is
/// not among them.
impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
impl Verified {
    pub(crate) fn for_tests(issuer: &str, claims: Value) -> Self {
        let rules = crate::TokenRules::new(issuer, Vec::new());
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        Self::new(issuer.into(), rules.leeway, Claims::read(Document::of(&claims).unwrap(), &rules).unwrap())
    }
}
