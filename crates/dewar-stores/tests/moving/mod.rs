//! Stores and nodes for the tests of a migration.

#![allow(dead_code, reason = "each test file uses its part")]

pub mod app;
pub mod born;
pub mod chance;
pub mod noted;
pub mod shelf;
pub mod stepping;
pub mod story;
