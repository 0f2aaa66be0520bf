//! What is to be committed, taken out of the slot.

use std::sync::Arc;

use dewar_signing::LazyDict;

use super::Decision;
use crate::{
    delta::KeyDelta,
    open::{Open, Origin},
    plan::{Intent, Plan},
    user::USER,
};

/// Everything a commit needs, taken out of the slot: nothing is shared while it waits.
#[derive(Debug)]
pub(crate) struct Work {
    pub(super) decision: Decision,
    /// What the handler saw.
    pub(super) opened: Arc<LazyDict>,
    /// What it left, for a session that begins with it: an update copies nothing here.
    pub(super) left: LazyDict,
    pub(super) changes: Vec<KeyDelta>,
    pub(super) discard_late_writes: bool,
    /// Somebody gains rights by it, or loses some: a logout and a login are. To remove what is left of a
    /// session is a logout, too.
    changes_rights: bool,
}

impl Work {
    pub(crate) fn take(open: &mut Open, decision: Decision) -> (Origin, Self) {
        let left = match decision.plan {
            Plan::Create | Plan::Replace | Plan::Destroy => open.contents.to_lazy(),
            _ => LazyDict::new(),
        };
        let opened = open.contents.share();
        let changes = open.contents.take_changes();
        let empties = decision.plan == Plan::Empty && changes.iter().any(KeyDelta::removes);
        let work = Self {
            decision,
            opened,
            left,
            changes,
            discard_late_writes: open.discard_late_writes,
            changes_rights: open.intent != Intent::Keep || open.removed_unread || empties,
        };
        (open.origin.clone(), work)
    }

    /// The keys that were changed.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.changes.iter().map(|change| change.key.to_string()).collect()
    }

    /// Whether a route may go on if the store does not carry this out. A login, a logout and a new
    /// identity are what they say, or an error.
    pub(crate) fn may_go_without(&self) -> bool {
        !self.changes_rights && !self.touches(USER)
    }

    /// Whether `key` holds something now because of this request.
    pub(super) fn sets(&self, key: &str) -> bool {
        self.changes.iter().any(|change| *change.key == *key && change.now.is_some())
    }

    pub(super) fn touches(&self, key: &str) -> bool {
        self.changes.iter().any(|change| *change.key == *key)
    }
}
