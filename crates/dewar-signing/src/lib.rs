//! Signed tokens as itsdangerous makes them.
