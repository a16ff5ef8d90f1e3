//! A decision under way: what is left to do once the request itself is no longer needed.

use std::fmt;
use std::sync::Arc;

use bearward_core::Trace;

use super::decision::{Decision, RequestFacts};
use super::generation::Generation;
use super::recognise::{Step, Unproved};
use super::record::Record;

/// How far a decision comes without waiting.
#[derive(Debug)]
pub enum Progress {
    /// It is made.
    Decided(Decision),
    /// The token has to be proved first; [`Pending::finish`] does it.
    Pending(Pending),
}

/// A decision that hangs on a token that is not remembered. It borrows nothing.
pub struct Pending {
    generation: Arc<Generation>,
    unproved: Unproved,
    record: Record,
    request_id: Option<Box<str>>,
}

impl Generation {
    /// Decides as far as it goes without waiting.
    pub(crate) fn begin(this: Arc<Self>, request: &RequestFacts<'_>) -> Progress {
        let mut record = Record::new(None);
        match this.recognise(request, &mut record) {
            Ok(Step::Settled(admission)) => Progress::Decided(record.conclude(this, Ok(admission), request.request_id)),
            Ok(Step::Unproved(unproved)) => {
                let request_id = request.request_id.map(Box::from);
                Progress::Pending(Pending { generation: this, unproved, record, request_id })
            }
            Err(reason) => Progress::Decided(record.conclude(this, Err(reason), request.request_id)),
        }
    }
}

impl Generation {
    /// Decides anew and to the end, and notes what each check found.
    pub(crate) async fn explain(this: Arc<Self>, request: &RequestFacts<'_>) -> Explanation {
        let mut record = Record::new(Some(Trace::new()));
        let outcome = match this.recognise(request, &mut record) {
            Ok(Step::Settled(admission)) => Ok(admission),
            Ok(Step::Unproved(unproved)) => this.prove(unproved, &mut record).await,
            Err(reason) => Err(reason),
        };
        let trace = record.trace.take().unwrap_or_default();
        Explanation { decision: record.decision(this, outcome), trace }
    }
}

/// A decision, and what each of its checks found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The decision. The reason of a refusal is that of the first finding that failed.
    pub decision: Decision,
    /// The findings, in the order in which the checks are made.
    pub trace: Trace,
}

impl Pending {
    /// Proves the token, and decides. It may be called from any tokio runtime.
    pub async fn finish(self) -> Decision {
        let Self { generation, unproved, mut record, request_id } = self;
        let outcome = generation.prove(unproved, &mut record).await;
        record.conclude(generation, outcome, request_id.as_deref())
    }
}

/// Without the token.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("route", &self.record.route.as_ref().map(|route| route.name()))
            .field("issuer", &self.record.prover.as_ref().map(|prover| prover.name()))
            .finish_non_exhaustive()
    }
}
