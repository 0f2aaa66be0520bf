//! Whatever stands in a signed payload: no panic, what was read once is a fixed point of writing and
//! reading, and what stays text reads and writes as if it had been read.
#![no_main]

use dewar_signing::{Codec, Json, TaggedJson, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(value) = Json::COMPACT.read(text) {
        let written = Json::COMPACT.write(&value);
        // Plain JSON has no word for what only tags can say; it read none.
        assert_eq!(Json::COMPACT.read(&written.expect("read, so writable")).expect("ours"), value);
    }
    let lazy = TaggedJson.read_dict(text.to_owned());
    let Ok(value) = TaggedJson.read(text) else { return assert!(lazy.is_err()) };
    match (lazy.expect("sound"), &value) {
        (Ok(lazy), Value::Dict(dict)) => {
            assert_eq!(lazy.to_dict(), *dict);
            let written = TaggedJson.write_members(lazy.iter()).ok();
            assert_eq!(written, TaggedJson.write(&value).ok());
        }
        (lazy, _) => assert_eq!(lazy.err().as_ref(), Some(&value)),
    }
    // A year below 100 moves to another century, a time with an offset to UTC, and a tag may nest
    // deeper when it is written: twice read is settled.
    let Ok(once) = TaggedJson.write(&value) else { return };
    let Ok(settled) = TaggedJson.read(&once) else { return };
    let again = TaggedJson.write(&settled).expect("read from our own text");
    assert!(again.is_ascii());
    assert_eq!(TaggedJson.read(&again).expect("our own text"), settled);
});
