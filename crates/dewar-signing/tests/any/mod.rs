//! Values by chance.

use dewar_signing::{DateTime, Uuid, Value};
use proptest::prelude::*;

/// Any value a session can hold, nested a little.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    // From the year 100 on: a smaller one reads back as a two-digit year, as in Flask.
    let second = -59_011_459_200_i64..253_402_300_800;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::from),
        any::<String>().prop_map(Value::Markup),
        any::<[u8; 16]>().prop_map(|bytes| Value::Uuid(Uuid::from_bytes(bytes))),
        second.prop_map(|s| Value::DateTime(DateTime::from_unix(s).expect("in range"))),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        let key = prop_oneof![any::<String>(), Just(" t".into()), Just(" di".into())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Tuple),
            prop::collection::vec((key, inner), 0..5)
                .prop_map(|pairs| Value::Dict(pairs.into_iter().collect())),
        ]
    })
}
