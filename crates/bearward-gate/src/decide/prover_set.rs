//! The provers of a route, and which of them a token is for.

use std::fmt;
use std::sync::Arc;

use bearward_core::{Check, DecryptionKeys, KeyTries, Reason, Shape, Trace, unverified_issuer};

use super::prover::Prover;
use crate::memory::{Proof, ProverId, ProverSetId};

/// What a prover set is made of. Two of a generation with the same are one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Composition {
    /// In the order in which they are asked.
    provers: Vec<ProverId>,
    referential: Option<ProverId>,
    /// The number of the identity headers that proofs are rendered in.
    identity: u64,
}

impl Composition {
    pub(crate) fn new(provers: &[Arc<Prover>], referential: Option<&Arc<Prover>>, identity: u64) -> Self {
        let provers = provers.iter().map(|prover| prover.id()).collect();
        Self { provers, referential: referential.map(|prover| prover.id()), identity }
    }
}

/// The issuers whose tokens a route takes. Routes that take the same share what is remembered.
pub(crate) struct ProverSet {
    id: ProverSetId,
    provers: Vec<Arc<Prover>>,
    /// The places in `provers`, by their numbers.
    by_id: Vec<(ProverId, Arc<Prover>)>,
    /// The one that answers for referential tokens.
    referential: Option<Arc<Prover>>,
    /// Whether an issuer of the set is asked about tokens, and so refuses some.
    asks: bool,
    /// Those whose tokens may be encrypted to the gateway.
    decrypting: Vec<Arc<Prover>>,
}

impl ProverSet {
    pub(crate) fn new(id: ProverSetId, provers: Vec<Arc<Prover>>, referential: Option<Arc<Prover>>) -> Self {
        let mut by_id: Vec<_> = provers.iter().map(|prover| (prover.id(), Arc::clone(prover))).collect();
        by_id.sort_unstable_by_key(|(id, _)| *id);
        let asks = provers.iter().any(|prover| prover.asks());
        let decrypts = |prover: &&Arc<Prover>| prover.decryption_keys().is_some();
        let decrypting = provers.iter().filter(decrypts).map(Arc::clone).collect();
        Self { id, provers, by_id, referential, asks, decrypting }
    }

    pub(crate) fn id(&self) -> ProverSetId {
        self.id
    }

    /// Whether a refusal of one of them may be remembered.
    pub(crate) fn asks(&self) -> bool {
        self.asks
    }

    pub(crate) fn provers(&self) -> &[Arc<Prover>] {
        &self.provers
    }

    /// The prover of this number, where it belongs to the set.
    pub(crate) fn by_id(&self, id: ProverId) -> Option<&Arc<Prover>> {
        let at = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.by_id.get(at).map(|(_, prover)| prover)
    }

    /// Tells by a token's shape which prover can say what it means, and how.
    pub(super) fn prover_of(
        &self,
        token: &str,
        mut trace: Option<&mut Trace>,
    ) -> Result<(&Arc<Prover>, Proof), Reason> {
        let mut note = |check: Check, outcome: Result<(), Reason>| {
            if let Some(trace) = trace.as_deref_mut() {
                trace.note(check, &outcome);
            }
            outcome
        };
        let is_jws = Shape::of(token) == Shape::SelfContained;
        let opener = if is_jws { Ok(None) } else { self.opener(token) };
        // A token that no key here opens goes to the issuer that answers for referential ones.
        let is_unsupported = !is_jws && matches!(opener, Ok(None)) && self.referential.is_none();
        note(Check::Shape, if is_unsupported { Err(Reason::TokenUnsupported) } else { Ok(()) })?;
        let found = match (is_jws, opener) {
            (true, _) => self.of_jws(token).map(|prover| (prover, prover.proof_of_jws())),
            (false, Ok(Some(prover))) => Ok((prover, Proof::Decryption)),
            (false, Ok(None)) => {
                self.referential.as_ref().map(|prover| (prover, Proof::Introspection)).ok_or(Reason::TokenUnsupported)
            }
            (false, Err(reason)) => Err(reason),
        };
        let check = match found {
            // The token was opened, or was not to be, to learn whose it is.
            Err(Reason::IssuerUnknown) | Ok(_) => Check::Issuer,
            Err(_) if is_jws => Check::Issuer,
            Err(_) => Check::Decryption,
        };
        note(check, found.as_ref().map(drop).map_err(|reason| *reason))?;
        found
    }

    /// The issuer that a JWS is for. What the token says of it only selects among those of the set.
    fn of_jws(&self, token: &str) -> Result<&Arc<Prover>, Reason> {
        if let [only] = self.provers.as_slice() {
            // Verification compares `iss`, so there is no need to read the token twice.
            return Ok(only);
        }
        let Some(named) = unverified_issuer(token) else {
            // An opaque token may look like a JWS. It goes where opaque tokens go, if nothing there is ever verified here.
            let asked = self.referential.as_ref().filter(|prover| prover.asks_about_every_token());
            return asked.ok_or(Reason::TokenMalformed);
        };
        named_among(&self.provers, &named).ok_or(Reason::IssuerUnknown)
    }

    /// The issuer whose tokens are encrypted to a key that opens this one, told by its header.
    ///
    /// Where the set has such an issuer, what asks for weak or costly ways of encryption is refused: it may be aimed at the
    /// gateway's own keys (RFC 8725, 3.2).
    fn opener(&self, token: &str) -> Result<Option<&Arc<Prover>>, Reason> {
        if self.decrypting.is_empty() {
            return Ok(None);
        }
        if let Some(reason) = DecryptionKeys::refuses(token) {
            return Err(reason);
        }
        let with_keys = |prover: &'_ Arc<Prover>| prover.decryption_keys();
        let opening: Vec<_> = self
            .decrypting
            .iter()
            .filter_map(|prover| Some((prover, with_keys(prover)?)))
            .filter(|(_, keys)| keys.opens(token))
            .collect();
        match opening.as_slice() {
            [] => Ok(None),
            [(only, _)] => Ok(Some(only)),
            // Several issuers encrypt to one key: the token inside tells which it is for, and that only selects.
            several => {
                // All of them together try no more keys than one does.
                let mut tries = KeyTries::default();
                let inner = several.iter().find_map(|(prover, keys)| prover.decrypt(keys, token, &mut tries).ok());
                let inner = inner.ok_or(Reason::DecryptionFailed)?;
                let named = unverified_issuer(inner.as_str()).ok_or(Reason::TokenMalformed)?;
                let among = several.iter().map(|(prover, _)| *prover);
                named_among(among, &named).map(Some).ok_or(Reason::IssuerUnknown)
            }
        }
    }
}

impl fmt::Debug for ProverSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.provers.iter().map(|prover| prover.name())).finish()
    }
}

/// The issuer that `iss` names. A tenant with an entry of its own is judged by that one, not by a template that it fits as
/// well.
fn named_among<'a>(provers: impl IntoIterator<Item = &'a Arc<Prover>> + Clone, iss: &str) -> Option<&'a Arc<Prover>> {
    let exact = provers.clone().into_iter().find(|prover| **prover.name() == *iss);
    exact.or_else(|| provers.into_iter().find(|prover| prover.answers_for(iss)))
}
