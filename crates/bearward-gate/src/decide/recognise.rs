//! The way of a request, in one direction.

use std::sync::Arc;

use bearward_core::{
    Access, Check, Credential, Presented, Reason, RequestHost, RequestPath, Requirement, Scheme, Trace, credential,
    query_holds_credential, request_host,
};
use http::header::AUTHORIZATION;

use super::decision::{Admission, RequestFacts};
use super::generation::Generation;
use super::prover::{Prover, Question};
use super::prover_set::ProverSet;
use super::record::Record;
use crate::memory::{Grounds, Identity, Key, Proof};
use crate::source::Source;

/// How far a request has come without waiting.
pub(super) enum Step {
    Settled(Admission),
    Unproved(Unproved),
}

/// A token, and by whom it is to be proved, and how.
pub(super) struct Unproved {
    requirement: Arc<Requirement>,
    scheme: Scheme,
    token: String,
    key: Key,
    prover: Arc<Prover>,
    proof: Proof,
}

impl Generation {
    /// As far as it goes without waiting.
    pub(super) fn recognise(&self, request: &RequestFacts<'_>, record: &mut Record) -> Result<Step, Reason> {
        let method = self.routes.check_method(request.method);
        let host = method.and_then(|()| request_host(request.authority, request.headers));
        let host = record.noted(Check::Request, host)?;
        let host = host.as_ref().map(RequestHost::as_str);
        let path = record.noted(Check::Path, RequestPath::parse(request.path))?;
        let route = self.routes.find(request.method, host, &path).map_err(|miss| record.missed(miss));
        let route = record.noted(Check::Route, route)?;
        record.route = Some(Arc::clone(route));
        let Some(requirement) = route.requirement() else { return Ok(Step::Settled(Admission::default())) };

        let credential = self.credential(request, route.access());
        let Some(credential) = record.noted(Check::Credential, credential)? else {
            return Ok(Step::Settled(Admission::default()));
        };
        let (token, provers) = (credential.token(), route.provers());
        let key = self.engine.memory.key(token, provers.id());
        // An explanation makes every check, and so takes nothing for proved.
        if record.trace.is_none()
            && let Some(remembered) = self.recall(&key, provers, record)
        {
            return admit(requirement, credential.scheme(), remembered?, None).map(Step::Settled);
        }
        let (prover, proof) = provers.prover_of(token, record.trace.as_mut())?;
        record.prover = Some(Arc::clone(prover));
        let (requirement, scheme, token) = (Arc::clone(requirement), credential.scheme(), token.to_owned());
        Ok(Step::Unproved(Unproved { requirement, scheme, token, key, prover: Arc::clone(prover), proof }))
    }

    /// The credential; none where none is sent and none is needed.
    fn credential<'a>(&self, request: &RequestFacts<'a>, access: &Access) -> Result<Option<Credential<'a>>, Reason> {
        let in_query = request.query.is_some_and(query_holds_credential);
        let is_optional = matches!(access, Access::Optional(_));
        match credential(request.headers, self.max_token_bytes) {
            // A client that shows something, in another place or by another scheme, must not be taken for one that shows nothing.
            Err(Reason::CredentialMissing) if is_optional && !request.headers.contains(&AUTHORIZATION) => {
                if in_query {
                    Err(Reason::CredentialMalformed)
                } else {
                    Ok(None)
                }
            }
            Ok(_) if in_query => Err(Reason::CredentialRepeated),
            credential => credential.map(Some),
        }
    }

    /// The rest of the way, for a token that was not remembered.
    pub(super) async fn prove(&self, unproved: Unproved, record: &mut Record) -> Result<Admission, Reason> {
        let Unproved { requirement, scheme, token, key, prover, proof } = unproved;
        record.source = Some(prover.source(proof));
        let question =
            Question { token: &token, key, headers: self.shared_identity_headers(), max_age: self.cache().max_age };
        let identity = prover.prove(proof, question, record.trace.as_mut()).await?;
        admit(&requirement, scheme, identity, record.trace.as_mut())
    }

    /// What is known of a token without asking its issuer: that it was proved, or refused, a moment ago.
    fn recall(&self, key: &Key, provers: &ProverSet, record: &mut Record) -> Option<Result<Arc<Identity>, Reason>> {
        let (memory, at) = (&self.engine.memory, record.started);
        let mut known = |id| {
            record.prover = provers.by_id(id).map(Arc::clone);
            record.source = Some(Source::Cache);
        };
        let stands =
            |grounds: &Grounds| provers.by_id(grounds.prover()).is_some_and(|prover| prover.stands_by(grounds));
        if let Some((prover, identity)) = memory.recall(key, at, stands) {
            known(prover);
            return Some(Ok(identity));
        }
        // Where keys alone prove tokens, no refusal is remembered, and none is looked for.
        let refused = if provers.asks() { memory.recall_refusal(key, at)? } else { return None };
        known(refused.prover);
        Some(Err(refused.reason))
    }
}

/// Holds a proved token against the route, on every request, remembered or not.
fn admit(
    requirement: &Requirement,
    scheme: Scheme,
    identity: Arc<Identity>,
    trace: Option<&mut Trace>,
) -> Result<Admission, Reason> {
    let rendered = identity.lines.as_ref().map(drop).map_err(|reason| *reason);
    requirement.admit(&Presented::new(&identity.token, scheme, rendered), trace)?;
    Ok(Admission { identity: Some(identity) })
}
