//! The second half of a slot's life: open → closed.
//!
//! What asks no store is over at once; the rest waits for the store, and for its turn.

use dewar_signing::LazyDict;

use super::{Asked, Finished, OpenSlot, Outcome, Phase};
use crate::{
    backend::{Backend, within},
    commit::{self, CookieChange, Decision, Done},
    contents::Contents,
    error::CommitError,
    event::{Event, Snapshot},
    open::Open,
    plan::Plan,
    store::{StoreError, StoreErrorKind},
};

/// What closing begins with.
pub(super) enum Beginning {
    /// It is closed: this is to happen, and these changes are told to listeners.
    Decided(Result<Decision, CommitError>, Changes),
    /// It was closed before, or is being.
    Closed,
    /// A store has to be asked, for which there is no time now: it is still open.
    Waits,
}

/// The touched keys with the names of the operations; empty if nobody listens.
pub(super) type Changes = Vec<(String, Vec<&'static str>)>;

impl OpenSlot {
    /// Commits and closes. Once closed, it stays as it is, and says again what came of it.
    ///
    /// # Errors
    /// If the contents cannot be kept, or could not the first time. [`CommitError::Ended`] if the
    /// session had ended, or had been rotated away: then nothing is wrong.
    pub(crate) async fn close(&self) -> Result<(), CommitError> {
        let _turn = self.turn().await?;
        match (self.begin(true), &self.config().backend) {
            (Beginning::Decided(Ok(decision), changes), Backend::Server(server))
                if decision.plan != Plan::Nothing =>
            {
                let (origin, mut work) = self.with(|open, _| commit::Work::take(open, decision));
                let done = commit::stored::act(self.config(), server, &origin, &mut work).await;
                self.settle(done.map(|done| (decision, done)), &changes)
            }
            (beginning, _) => self.end(beginning),
        }
    }

    /// The same without waiting: `None` if a store has to be asked, or somebody is closing already.
    pub(super) fn close_at_once(&self) -> Option<Result<(), CommitError>> {
        let _turn = self.0.0.closing.try_lock().ok()?;
        match self.begin(false) {
            Beginning::Waits => None,
            beginning => Some(self.end(beginning)),
        }
    }

    /// From now on no change counts, unless a store has to be asked and there is no time to wait.
    pub(super) fn begin(&self, may_wait: bool) -> Beginning {
        let config = self.config();
        let on_server = matches!(config.backend, Backend::Server(_));
        self.asked(|Asked { open, phase }| {
            if !matches!(phase, Phase::Open) {
                return Beginning::Closed;
            }
            // Whatever was done may have to be written.
            if on_server && !may_wait && open.edits > 0 {
                return Beginning::Waits;
            }
            let decision = commit::decide(config, open);
            let asks_store = matches!(&decision, Ok(decision) if decision.plan != Plan::Nothing);
            if on_server && !may_wait && asks_store {
                return Beginning::Waits;
            }
            *phase = Phase::Closed(Outcome::Unknown);
            // A commit takes the operations away; their names are for whoever listens.
            let told = config.events.wants_contents();
            let changes = if told { open.contents.summary() } else { Vec::new() };
            Beginning::Decided(decision, changes)
        })
    }

    /// Ends what no store is asked for: the contents become a cookie, or nothing is to be done.
    fn end(&self, beginning: Beginning) -> Result<(), CommitError> {
        let Beginning::Decided(decision, changes) = beginning else { return self.outcome() };
        let done = decision.and_then(|decision| {
            let act = |open: &mut Open, _| commit::token::act(self.config(), open, &decision);
            Ok((decision, self.with(act)?.into()))
        });
        self.settle(done, &changes)
    }

    /// Keeps in mind what came of closing, and tells it.
    fn settle(
        &self,
        done: Result<(Decision, Done), CommitError>,
        changes: &Changes,
    ) -> Result<(), CommitError> {
        match done {
            Ok((decision, done)) if done.kept => {
                self.keep(&decision, done, changes);
                Ok(())
            }
            Ok(_) => {
                self.set_outcome(Outcome::Dropped);
                Err(CommitError::Ended)
            }
            Err(error) => {
                self.set_outcome(Outcome::Refused);
                self.config().emit(|| Event::Refused { error: &error });
                Err(error)
            }
        }
    }

    /// What the layer is told of a closing.
    pub(super) fn finished(&self, closed: Result<(), CommitError>, told: bool) -> Finished {
        let change = match closed {
            // Nothing was kept and nothing is wrong: the response goes out as it is.
            Err(CommitError::Ended) => Ok(CookieChange::Keep),
            Err(_) if told => Ok(CookieChange::Keep),
            closed => closed.map(|()| self.take_change()),
        };
        Finished { accessed: self.0.accessed(), change }
    }

    /// The turn to close. Somebody may have begun and never gone on: in server mode that is waited
    /// for no longer than a commit may take. In cookie mode closing waits for nothing.
    async fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, StoreError> {
        let turn = self.0.0.closing.lock();
        match &self.config().backend {
            Backend::Cookie => Ok(turn.await),
            Backend::Server(server) => {
                let turn = within(server.options.commit_deadline, turn).await;
                turn.ok_or_else(|| StoreError::new(StoreErrorKind::OutcomeUnknown))
            }
        }
    }

    /// Records what was done, and tells it.
    pub(super) fn keep(
        &self,
        decision: &Decision,
        done: Done,
        changes: &[(String, Vec<&'static str>)],
    ) {
        let told = self.asked(|Asked { open, phase }| {
            *phase = Phase::Closed(Outcome::Kept(done.change));
            let told = self.config().events.wants_contents().then(|| {
                let merged = done.merged.as_ref().map(LazyDict::to_dict);
                let after = merged.unwrap_or_else(|| open.contents.to_dict());
                (open.contents.before().to_dict(), after)
            });
            if let Some(merged) = done.merged {
                open.contents = Contents::new(merged);
            }
            told
        });
        // A listener may look at the session: the lock is free by now.
        if let Some((before, after)) = told {
            let (plan, before, after) = (decision.plan, Snapshot(&before), Snapshot(&after));
            self.config().emit(|| Event::Committed { plan, before, changes, after });
        }
    }

    /// What came of a closing that is over.
    ///
    /// # Errors
    /// If it failed, or was dropped halfway: nothing was kept as far as anybody knows.
    fn outcome(&self) -> Result<(), CommitError> {
        self.asked(|Asked { phase, .. }| match phase {
            Phase::Closed(Outcome::Kept(_)) | Phase::Open => Ok(()),
            Phase::Closed(Outcome::Dropped) => Err(CommitError::Ended),
            Phase::Closed(outcome) => {
                *outcome = Outcome::Refused;
                let earlier = "an earlier commit of this request failed or was interrupted";
                Err(StoreError::new(StoreErrorKind::OutcomeUnknown).with_source(earlier).into())
            }
        })
    }

    pub(super) fn set_outcome(&self, new: Outcome) {
        self.asked(|asked| asked.phase = Phase::Closed(new));
    }

    pub(super) fn take_change(&self) -> CookieChange {
        self.asked(|asked| match &mut asked.phase {
            Phase::Closed(Outcome::Kept(change)) => std::mem::take(change),
            _ => CookieChange::Keep,
        })
    }
}
