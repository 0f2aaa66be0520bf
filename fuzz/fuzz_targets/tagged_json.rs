//! Whatever stands in a signed payload: no panic, and what was read once is a fixed point of
//! writing and reading.
#![no_main]

use dewar_signing::{Codec, Json, TaggedJson};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(value) = Json::COMPACT.read(text) {
        let written = Json::COMPACT.write(&value);
        // Plain JSON has no word for what only tags can say; it read none.
        assert_eq!(Json::COMPACT.read(&written.expect("read, so writable")).expect("ours"), value);
    }
    let Ok(value) = TaggedJson.read(text) else { return };
    // A year below 100 moves to another century, a time with an offset to UTC, and a tag may nest
    // deeper when it is written: twice read is settled.
    let Ok(once) = TaggedJson.write(&value) else { return };
    let Ok(settled) = TaggedJson.read(&once) else { return };
    let again = TaggedJson.write(&settled).expect("read from our own text");
    assert!(again.is_ascii());
    assert_eq!(TaggedJson.read(&again).expect("our own text"), settled);
});
