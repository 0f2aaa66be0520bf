//! The second half of a slot's life: open → closed.
//!
//! What asks no store is over at once; the rest waits for its turn, and for the store.

use dewar_signing::LazyDict;

use super::{Asked, Finished, OpenSlot, Outcome, Phase};
use crate::{
    backend::Backend,
    calls::within,
    commit::{self, CookieChange, Decision, Done, Work},
    config::Config,
    contents::Contents,
    error::CommitError,
    event::{Event, Snapshot},
    open::{Open, Origin},
    outage::OnOutage,
    plan::Plan,
    store::{StoreError, StoreErrorKind},
};

/// The touched keys with the names of the operations; empty if nobody listens.
pub(super) type Changes = Vec<(String, Vec<&'static str>)>;

/// A commit that failed.
pub(super) enum Failure {
    /// The response becomes an error.
    Refused(CommitError),
    /// The response goes out as the handler made it.
    WentWithout(CommitError),
}

impl Asked {
    /// Closes a session in which nothing was done and nothing is due: nobody has to be told.
    pub(super) fn close_if_only_read(&mut self, config: &Config) -> bool {
        let Self { open, phase } = self;
        let only_read = matches!(phase, Phase::Open)
            && open.edits == 0
            && open.failure.is_none()
            && !config.events.wants_contents()
            && commit::decide(config, open).is_ok_and(|decision| decision.plan == Plan::Nothing);
        if only_read {
            *phase = Phase::Closed(Outcome::Kept(CookieChange::Keep));
        }
        only_read
    }

    /// Whether the session could not be read, or not be kept, and the handler's response goes out.
    pub(super) fn went_without(&self) -> bool {
        matches!(self.open.origin, Origin::Unreachable { .. })
            || matches!(self.phase, Phase::Closed(Outcome::Refused | Outcome::WentWithout))
    }

    fn commit_went_without(&self) -> bool {
        matches!(self.phase, Phase::Closed(Outcome::WentWithout))
    }
}

impl OpenSlot {
    /// Commits and closes. Once closed, it stays as it is, and says again what came of it.
    ///
    /// # Errors
    /// If the contents cannot be kept, or could not the first time. [`CommitError::Ended`] if the
    /// session had ended, or had been rotated away: then nothing is wrong.
    pub(crate) async fn close(&self) -> Result<(), CommitError> {
        let _turn = self.turn().await?;
        let config = self.config();
        match (self.begin(), &config.backend) {
            (None, _) => self.outcome(),
            (Some((Ok(decision), changes)), Backend::Server(server))
                if decision.plan != Plan::Nothing =>
            {
                let (origin, mut work) = self.with(|open, _| commit::Work::take(open, decision));
                let done = commit::stored::act(config, server, &origin, &mut work).await;
                let done = done.map_err(|error| self.go_without(&work, error));
                self.settle(done.map(|done| (decision, done)), &changes)
            }
            (Some((decision, changes)), _) => self.end(decision, &changes),
        }
    }

    /// The same without waiting: `None` if a store may have to be asked, or if somebody else is
    /// closing.
    pub(super) fn close_at_once(&self) -> Option<Result<(), CommitError>> {
        if matches!(self.config().backend, Backend::Server(_)) {
            return None;
        }
        let _turn = self.0.0.closing.try_lock().ok()?;
        Some(match self.begin() {
            Some((decision, changes)) => self.end(decision, &changes),
            None => self.outcome(),
        })
    }

    /// From now on no change counts. Gives what is to happen, and the changes to be told; `None` if
    /// it is closed.
    pub(super) fn begin(&self) -> Option<(Result<Decision, CommitError>, Changes)> {
        let config = self.config();
        self.asked(|Asked { open, phase }| {
            if !matches!(phase, Phase::Open) {
                return None;
            }
            let decision = commit::decide(config, open);
            *phase = Phase::Closed(Outcome::Unknown);
            // A commit takes the operations away; their names are for whoever listens.
            let told = config.events.wants_contents();
            let changes = if told { open.contents.summary() } else { Vec::new() };
            Some((decision, changes))
        })
    }

    /// Ends what no store is asked for: the contents become a cookie, or nothing is to be done.
    fn end(
        &self,
        decision: Result<Decision, CommitError>,
        changes: &Changes,
    ) -> Result<(), CommitError> {
        let done = decision.and_then(|decision| {
            let act = |open: &mut Open, _| commit::token::act(self.config(), open, &decision);
            let change = self.with(act)?;
            commit::token::tell_if_oversized(self.config(), &change);
            Ok((decision, change.into()))
        });
        self.settle(done.map_err(Failure::Refused), changes)
    }

    /// Keeps in mind what came of closing, and tells it.
    fn settle(
        &self,
        done: Result<(Decision, Done), Failure>,
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
            Err(Failure::WentWithout(error)) => {
                self.set_outcome(Outcome::WentWithout);
                Err(error)
            }
            Err(Failure::Refused(error)) => {
                self.set_outcome(Outcome::Refused);
                self.config().emit(|| Event::Refused { error: &error });
                Err(error)
            }
        }
    }

    /// What a failed commit means: on a route that goes on without its session, nothing more than
    /// that the changes are lost.
    fn go_without(&self, work: &Work, error: CommitError) -> Failure {
        let is_outage = matches!(&error, CommitError::Store(error) if error.is_outage());
        if !is_outage || !work.may_go_without() || self.0.on_outage() == OnOutage::Refuse {
            return Failure::Refused(error);
        }
        let keys = work.keys();
        self.config().emit(|| Event::WentOnWithout { keys: &keys, error: &error });
        Failure::WentWithout(error)
    }

    /// What the layer is told of a closing.
    pub(super) fn finished(&self, closed: Result<(), CommitError>, told: bool) -> Finished {
        let (commit_went_without, without) =
            self.asked(|asked| (asked.commit_went_without(), asked.went_without()));
        let change = match closed {
            // Nothing was kept and nothing is wrong: the response goes out as it is.
            Err(CommitError::Ended) => Ok(CookieChange::Keep),
            Err(_) if commit_went_without => Ok(CookieChange::Keep),
            Err(_) if told => Ok(CookieChange::Keep),
            closed => closed.map(|()| self.take_change()),
        };
        Finished { accessed: self.0.accessed(), without, change }
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
    pub(super) fn keep(&self, decision: &Decision, done: Done, changes: &Changes) {
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
            Phase::Closed(Outcome::WentWithout) => {
                Err(StoreError::new(StoreErrorKind::Unavailable).into())
            }
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
