//! The sessions that are kept: with MessagePack 200 bytes, as the others' are.

use serde_json::json;
use time::{Duration, OffsetDateTime};
use tower_sessions_core::session::{Id, Record};

use crate::measure;

pub fn id(number: u64) -> Id {
    let key = measure::key(number);
    Id(i128::from_be_bytes(std::array::from_fn(|at| key[at])))
}

/// A session that ends in so many seconds.
pub fn record(number: u64, seconds: i64, draw: u64) -> Record {
    let data = [
        ("user_id".to_owned(), json!(10)),
        ("csrf".to_owned(), json!("9f86d081884c7d659a2feaa0c55ad015")),
        ("cart".to_owned(), json!(["a1b2", "c3d4", "e5f6"])),
        ("visits".to_owned(), json!(draw)),
        ("note".to_owned(), json!("x".repeat(85))),
    ];
    let expiry_date = OffsetDateTime::now_utc() + Duration::seconds(seconds);
    Record { id: id(number), data: data.into(), expiry_date }
}
