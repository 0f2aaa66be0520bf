//! Damage in a session file: every flipped bit is an error, and what is left stays as it is.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod support;

use std::{fs, io::Write};

use dewar::store::{
    Created, Loaded, Moved, Owner, Record, Store, StoreErrorKind, WriteId, Written,
};
use dewar_stores::sqlite::SqliteStore;
use rusqlite::{Connection, types::Value};
use support::{Folder, key, record};

#[tokio::test]
async fn a_damaged_row_is_an_error_and_stays_as_it_is() {
    for (damage, what) in [
        ("data = substr(data, 1, 3)", "its checksum"),
        ("data = CAST(x'00' || substr(data, 2) AS BLOB)", "its checksum"),
        ("data = NULL", "its contents"),
        ("writes = substr(writes, 1, 7)", "its writes"),
        ("kind = 7", "its kind"),
        ("idle_ms = -1", "its idle deadline"),
        ("idle_ms = 'soon'", "its idle deadline"),
        ("owner = x'00'", "its owner"),
        ("kind = 1", "its successor"),
    ] {
        let folder = Folder::new();
        let store = SqliteStore::open(folder.db()).unwrap();
        store.create(&key(1), &record(1, "contents")).await.unwrap();
        store.create(&key(2), &record(1, "sound")).await.unwrap();
        let other = Connection::open(folder.db()).unwrap();
        let sql = format!("UPDATE dewar_sessions SET {damage} WHERE key = ?");
        other.execute(&sql, [key(1).as_bytes()]).unwrap();
        let row = || -> String {
            let sql = "SELECT hex(data) || hex(writes) || kind || idle_ms FROM dewar_sessions
                       WHERE key = ?";
            let text = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
            other.query_row(sql, [key(1).as_bytes()], text).unwrap().unwrap_or_default()
        };
        let before = row();

        let (one, two) = (key(1), key(2));
        let sound_record = record(1, "sound");
        let (bad, sound) = tokio::join!(store.load(&one), store.load(&two));
        let error = bad.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{damage}");
        assert!(std::error::Error::source(&error).unwrap().to_string().ends_with(what), "{damage}");
        assert_eq!(sound.unwrap(), Loaded::Live(sound_record));
        let other_write = record(3, "b");
        let (bad, sound) = tokio::join!(
            store.update(&one, WriteId::new(8), &other_write),
            store.update(&two, WriteId::new(1), &other_write),
        );
        assert_eq!(bad.unwrap_err().kind(), StoreErrorKind::Corrupt, "{damage}");
        assert_eq!(sound.unwrap(), Written::Done);
        assert_eq!(row(), before, "{damage}");
    }
}

/// The bytes of one column, each with a bit flipped; a number as SQLite keeps it, from its lowest
/// byte on.
fn flipped(value: &Value) -> Vec<Value> {
    match value {
        Value::Integer(number) => {
            (0..8).map(|byte| Value::Integer(number ^ (1 << (8 * byte)))).collect()
        }
        Value::Blob(bytes) => (0..bytes.len())
            .map(|at| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1;
                Value::Blob(bytes)
            })
            .collect(),
        _ => panic!("no column is {value:?}"),
    }
}

#[tokio::test]
async fn a_flipped_bit_in_any_column_is_an_error_and_stays() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.db()).unwrap();
    let (live, moved, ended) = (key(1), key(2), key(3));
    let late = i64::MAX as u64 + 8;
    let owned = Record {
        owner: Some(Owner::of("ada")),
        absolute_deadline_ms: late,
        ..record(1, "contents")
    };
    for key in [live, moved] {
        store.create(&key, &owned).await.unwrap();
    }
    let to = Moved { to: key(9), until_ms: 7000 };
    store.supersede(&moved, WriteId::new(1), to).await.unwrap();
    store.delete(&ended, late).await.unwrap();
    let other = Connection::open(folder.db()).unwrap();
    other.execute_batch("PRAGMA synchronous = OFF").unwrap();
    let all = [
        "kind",
        "deadline_ms",
        "owner",
        "created_ms",
        "idle_ms",
        "absolute_ms",
        "writes",
        "data",
        "moved_to",
        "row_sum",
    ];
    let mut flips = 0;
    for key in [live, moved, ended] {
        let sound = store.load(&key).await.unwrap();
        for column in all {
            let get = format!("SELECT {column} FROM dewar_sessions WHERE key = ?");
            let set = format!("UPDATE dewar_sessions SET {column} = ?2 WHERE key = ?1");
            let get =
                || -> Value { other.query_row(&get, [key.as_bytes()], |row| row.get(0)).unwrap() };
            let set = |value: &Value| {
                other.execute(&set, rusqlite::params![key.as_bytes(), value]).unwrap();
            };
            let before = get();
            if before == Value::Null {
                continue;
            }
            for damaged in flipped(&before) {
                set(&damaged);
                let error = store.load(&key).await.unwrap_err();
                assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{column}: {damaged:?}");
                // No verb takes it for another session, and none hides the damage.
                let new = record(8, "new");
                let update = store.update(&key, WriteId::new(7), &new).await;
                assert_eq!(update.unwrap_err().kind(), StoreErrorKind::Corrupt, "{column}");
                let created = store.create(&key, &new).await;
                assert!(!matches!(created, Ok(Created::Done)), "{column}");
                if key != live || column == "kind" {
                    let touched = store.touch(&key, 1).await;
                    assert_eq!(touched.unwrap_err().kind(), StoreErrorKind::Corrupt, "{column}");
                    let ended = store.delete(&key, 1).await;
                    assert_eq!(ended.unwrap_err().kind(), StoreErrorKind::Corrupt, "{column}");
                }
                assert_eq!(get(), damaged, "{column}");
                flips += 1;
            }
            set(&before);
            assert_eq!(store.load(&key).await.unwrap(), sound);
        }
    }
    // Live: 5 numbers, and 32, 8, 8 and 8 bytes. Moved: 3 numbers and 32 bytes. Ended: 2 and 8.
    assert_eq!(flips, (5 * 8 + 32 + 8 + 8 + 8) + (3 * 8 + 32) + (2 * 8 + 8));
}

/// Not a damaged record: that would let every visitor begin anew, with another cookie.
#[tokio::test]
async fn a_damaged_file_is_unavailable_until_it_is_whole_again() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.db()).unwrap();
    store.create(&key(1), &record(1, "contents")).await.unwrap();
    Connection::open(folder.db()).unwrap().execute_batch("PRAGMA wal_checkpoint").unwrap();
    let whole = fs::read(folder.db()).unwrap();

    overwrite(&folder, &vec![0xaa; whole.len()]);
    let read = store.load(&key(1)).await.unwrap_err();
    assert_eq!(read.kind(), StoreErrorKind::Unavailable);

    overwrite(&folder, &whole);
    assert_eq!(store.load(&key(1)).await.unwrap(), Loaded::Live(record(1, "contents")));
}

/// In place, as a disk does it: the file stays the same one.
fn overwrite(folder: &Folder, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().write(true).open(folder.db()).unwrap();
    file.write_all(bytes).unwrap();
}
