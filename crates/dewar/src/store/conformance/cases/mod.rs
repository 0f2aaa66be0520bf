//! The cases: each a sentence that is true of a store.

mod bytes;
mod create;
mod delete;
mod lost;
mod races;
mod scan;
mod supersede;
mod sweep;
mod touch;
mod update;
mod users;

use std::sync::Arc;

use super::{
    executor::Client,
    subject::{Finding, Subject},
};
use crate::store::{Scan, Store, Sweep, UserIndex};

/// One case and its name.
pub(super) struct Case<S> {
    pub(super) name: &'static str,
    pub(super) run: fn(Arc<Subject<S>>) -> Client<Finding>,
}

/// Cases by the names of their functions.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        vec![$(super::Case { name: stringify!($name), run: |subject| Box::pin($name(subject)) }),*]
    };
}
use cases;

pub(super) fn of_every_store<S: Store>() -> Vec<Case<S>> {
    let mut all = create::cases();
    all.extend(update::cases());
    all.extend(touch::cases());
    all.extend(delete::cases());
    all.extend(supersede::cases());
    all.extend(bytes::cases());
    all.extend(lost::cases());
    all.extend(races::cases());
    all
}

pub(super) fn of_a_store_that_sweeps<S: Sweep>() -> Vec<Case<S>> {
    sweep::cases()
}

pub(super) fn of_a_store_that_knows_users<S: UserIndex>() -> Vec<Case<S>> {
    users::cases()
}

pub(super) fn of_a_store_that_scans<S: Scan>() -> Vec<Case<S>> {
    scan::cases()
}
