//! Sessions of any size.

use dewar::{Dict, Value};

/// A session of about so many bytes of JSON: a member for every 64, and at least one.
pub fn contents(bytes: usize) -> Dict {
    (0..(bytes / 64).max(1) as i64)
        .map(|n| {
            let colours: Vec<Value> = vec!["red".into(), "blue".into()];
            let item = Dict::from([
                ("colours", Value::from(colours)),
                ("id", Value::from(100_000 + n)),
                ("name", Value::from("teapot")),
            ]);
            (format!("{n:05}"), Value::Dict(item))
        })
        .collect()
}
