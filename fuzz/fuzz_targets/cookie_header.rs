//! Whatever arrives as a `Cookie` header: no panic, names as they came, and the limits hold.
#![no_main]

use dewar::cookie::{Grammar, MAX_PAIRS, pairs, values};
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for grammar in [Grammar::Rfc6265, Grammar::Werkzeug] {
        let found: Vec<_> = pairs(data, grammar).collect();
        assert!(found.len() <= MAX_PAIRS);
        for (name, _) in &found {
            // A name stands in the header, byte for byte.
            assert!(!name.is_empty() && data.windows(name.len()).any(|window| window == *name));
        }

        // What no server lets through stops there. Every line is read, in order.
        let lines: Vec<_> = data
            .split(|&byte| byte == b'\n')
            .filter_map(|l| HeaderValue::from_bytes(l).ok())
            .collect();
        for name in ["session", "a"] {
            let all = values(&lines, name, grammar);
            let one_by_one = lines.iter().flat_map(|line| pairs(line.as_bytes(), grammar));
            let same = one_by_one.filter(|(other, _)| *other == name.as_bytes());
            let same: Vec<_> = same.map(|(_, value)| value).collect();
            let all: Vec<_> = all.collect();
            // Over several lines the limits count together.
            assert!(same.starts_with(&all));
        }
    }
});
