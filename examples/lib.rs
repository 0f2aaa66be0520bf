//! The programs of the tutorials.
