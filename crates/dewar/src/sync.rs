//! The locks whose schedules are checked.
//!
//! They are the standard library's. Only the models, which `./test` builds with
//! `--cfg dewar_models`, have those of a checker in their place: it then decides who goes on.

/// What the store and the queue use; [shuttle](https://docs.rs/shuttle) tries many schedules.
pub(crate) mod shuttled {
    #[cfg(all(test, dewar_models))]
    pub(crate) use shuttle::sync::{Mutex, MutexGuard, atomic};
    #[cfg(not(all(test, dewar_models)))]
    pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
}

/// What the slot and the breaker use; [loom](https://docs.rs/loom) tries all schedules.
pub(crate) mod loomed {
    #[cfg(all(test, dewar_models))]
    pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
    #[cfg(not(all(test, dewar_models)))]
    pub(crate) use std::sync::{Mutex, MutexGuard, atomic};
}
