//! What is measured, a step each.

pub(crate) mod build;
pub(crate) mod end_to_end;
pub(crate) mod in_process;
pub(crate) mod memory;
mod probe;
mod samples;
pub(crate) mod sqlite_full;
mod sync_cost;
