//! The gate: one decision for each request.

mod changes;
mod metrics;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

pub use self::changes::Changes;
use crate::decide::{Decision, Engine, Explanation, Generation, Progress, RequestFacts};
use crate::issuer::IssuerStatus;
use crate::settings::{EngineSettings, GateError, GateSettings};

/// The engine: issuers, keys, introspection, memory and routes behind one question, [`Gate::decide`].
///
/// It starts without its issuers, and serves the moment their keys arrive. Its configuration can be replaced as a whole while
/// it serves ([`Gate::reload`]).
pub struct Gate {
    engine: Engine,
    current: Arc<ArcSwap<Generation>>,
    /// One reload at a time: each compares itself with the one before.
    reloading: Mutex<()>,
    /// Told after each reload.
    reloaded: Notify,
}

impl Gate {
    /// Builds a gate and starts to fetch keys; it never waits for an issuer.
    ///
    /// # Errors
    ///
    /// [`GateError`] where the settings contradict themselves.
    pub fn new(settings: GateSettings, engine: EngineSettings) -> Result<Self, GateError> {
        let resolved = settings.resolve()?;
        let registry = engine.registry.clone();
        let clock = engine.clock.clone();
        let engine = Engine::new(&resolved.cache, engine)?;
        let current = Arc::new(ArcSwap::from_pointee(Generation::new(resolved, &engine, None)));
        metrics::measure_issuers(&registry, &clock, &current)?;
        Ok(Self { engine, current, reloading: Mutex::default(), reloaded: Notify::new() })
    }

    /// Decides one request. It may be called from any tokio runtime.
    pub async fn decide(&self, request: &RequestFacts<'_>) -> Decision {
        match self.begin(request) {
            Progress::Decided(decision) => decision,
            Progress::Pending(pending) => pending.finish().await,
        }
    }

    /// The part of [`Gate::decide`] that waits for nothing: what is still to be done, if anything, has left the request
    /// behind, so that a mount need not hold on to it.
    ///
    /// Requests whose token is remembered end here, and so do those that need no token or have no proper one.
    pub fn begin(&self, request: &RequestFacts<'_>) -> Progress {
        Generation::begin(self.current.load_full(), request)
    }

    /// Decides a request in order to explain the decision: every check that can be made is made and noted, with what was
    /// expected and what was found.
    ///
    /// It takes nothing from memory, asks an issuer for itself alone, and is neither counted nor told as a decision. What a
    /// token says that is not proved is escaped, cut and marked ([`Unverified`](bearward_core::Unverified)); show it to
    /// operators alone.
    pub async fn explain(&self, request: &RequestFacts<'_>) -> Explanation {
        Generation::explain(self.current.load_full(), request).await
    }

    /// The configuration in use. A request keeps the one that it began with ([`Decision::generation`]).
    pub fn generation(&self) -> Arc<Generation> {
        self.current.load_full()
    }

    /// Replaces the whole configuration: requests that begin after this call are decided by the new one, those under way end
    /// by the one that they began with.
    ///
    /// An issuer whose settings are the same keeps its keys, its breaker and what is remembered of its tokens. One whose
    /// settings changed starts anew, and no proof of before counts for it. It waits for no issuer.
    ///
    /// # Errors
    ///
    /// [`GateError`] where the settings contradict themselves. Nothing has changed then.
    pub fn reload(&self, settings: GateSettings) -> Result<Changes, GateError> {
        let resolved = settings.resolve()?;
        // Nothing under the lock leaves a half-made state behind.
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        let after = Arc::new(Generation::new(resolved, &self.engine, Some(&before)));
        let changes = Changes::between(&before, &after, self.engine.memory.settings());
        self.current.store(Arc::clone(&after));
        self.reloaded.notify_waiters();
        Ok(changes)
    }

    /// Waits until the tokens of every issuer can be judged. No request needs it: one that comes earlier is answered 503 where
    /// its issuer is needed. It waits for as long as an issuer is away, unless a reload does without that one.
    pub async fn ready(&self) {
        loop {
            // Listened for before the configuration is looked at, so that no reload is missed in between.
            let reloaded = self.reloaded.notified();
            let generation = self.generation();
            let ready = async {
                for prover in generation.provers() {
                    prover.ready().await;
                }
            };
            tokio::select! {
                () = ready => return,
                () = reloaded => {}
            }
        }
    }

    /// The state of each issuer.
    pub fn status(&self) -> Vec<IssuerStatus> {
        self.generation().status()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("generation", &self.generation()).finish_non_exhaustive()
    }
}
