//! Wrong in what is kept of a record or a key.

use dewar::{
    StoreKey,
    store::{Created, Loaded, Moved, Owner, Reached, Record, WriteId, Writes, Written},
};

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 10] {
    rows![
        DataIsCutAt65535 => data_of_any_length_comes_back,
        DataIsText => every_byte_comes_back,
        MomentsAreSigned => every_moment_comes_back,
        MomentsAreFloats => every_moment_comes_back,
        ZeroIsNobody => the_owner_comes_back,
        OneWriteIsKept => all_eight_writes_come_back,
        FourWritesAreKept => a_write_whose_answer_was_lost_is_found,
        KeysAreCut => keys_that_differ_in_one_bit_are_two_keys,
        KeysIgnoreCase => keys_of_letters_and_zeros_are_keys,
        KeysEndAtZero => keys_of_letters_and_zeros_are_keys,
    ]
}

/// A store that loses something of each record on its way in.
macro_rules! loses {
    ($(#[$doc:meta])* $name:ident, |$record:ident| $loss:expr) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name;

        impl Variant for $name {
            async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
                let $record = record.clone();
                Ok(t.create(key, &$loss))
            }

            async fn update(
                &self,
                t: &Table,
                key: &StoreKey,
                expected: WriteId,
                record: &Record,
            ) -> Answer<Written> {
                let $record = record.clone();
                Ok(t.replace(key, expected, Loaded::Live($loss)))
            }
        }
    };
}

loses! {
    /// A `BLOB` column of MySQL, or a length of two bytes.
    DataIsCutAt65535, |record| {
        let data = record.data.iter().take(65_535).copied().collect();
        Record { data, ..record }
    }
}

loses! {
    /// A `TEXT` column.
    DataIsText, |record| {
        let data = String::from_utf8_lossy(&record.data).into_owned().into_bytes();
        Record { data, ..record }
    }
}

loses! {
    /// A `BIGINT` column, clipped.
    MomentsAreSigned, |record| {
        let clipped = |moment: u64| moment.min(i64::MAX as u64);
        Record {
            created_ms: clipped(record.created_ms),
            idle_deadline_ms: clipped(record.idle_deadline_ms),
            absolute_deadline_ms: clipped(record.absolute_deadline_ms),
            ..record
        }
    }
}

loses! {
    /// JSON in a browser's language, a sorted set of Redis.
    MomentsAreFloats, |record| {
        let rounded = |moment: u64| moment as f64 as u64;
        Record {
            created_ms: rounded(record.created_ms),
            idle_deadline_ms: rounded(record.idle_deadline_ms),
            absolute_deadline_ms: rounded(record.absolute_deadline_ms),
            ..record
        }
    }
}

loses! {
    ZeroIsNobody, |record| {
        let owner = record.owner.filter(|owner| *owner != Owner::from_bytes([0; 32]));
        Record { owner, ..record }
    }
}

loses! {
    OneWriteIsKept, |record| Record { writes: Writes::first(record.version()), ..record }
}

loses! {
    FourWritesAreKept, |record| {
        let bytes = record.writes.to_bytes();
        let writes = Writes::from_bytes(&bytes[..bytes.len().min(32)]).unwrap();
        Record { writes, ..record }
    }
}

/// A store that takes several keys for one.
macro_rules! aliases {
    ($(#[$doc:meta])* $name:ident, |$bytes:ident| $alias:expr) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name;

        impl $name {
            fn alias(key: &StoreKey) -> StoreKey {
                let $bytes = *key.as_bytes();
                StoreKey::from_bytes($alias)
            }
        }

        impl Variant for $name {
            async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
                Ok(t.load(&Self::alias(key)))
            }

            async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
                Ok(t.create(&Self::alias(key), record))
            }

            async fn update(
                &self,
                t: &Table,
                key: &StoreKey,
                expected: WriteId,
                record: &Record,
            ) -> Answer<Written> {
                Ok(t.replace(&Self::alias(key), expected, Loaded::Live(record.clone())))
            }

            async fn touch(&self, t: &Table, key: &StoreKey, idle_ms: u64) -> Answer<Reached> {
                Ok(t.touch(&Self::alias(key), idle_ms))
            }

            async fn delete(&self, t: &Table, key: &StoreKey, until_ms: u64) -> Answer<Reached> {
                Ok(t.delete(&Self::alias(key), until_ms))
            }

            async fn supersede(
                &self,
                t: &Table,
                old: &StoreKey,
                expected: WriteId,
                moved: Moved,
            ) -> Answer<Written> {
                Ok(t.replace(&Self::alias(old), expected, Loaded::Moved(moved)))
            }
        }
    };
}

aliases! {
    KeysAreCut, |bytes| {
        let mut bytes = bytes;
        bytes[16..].fill(0);
        bytes
    }
}

aliases! {
    /// A collation that ignores case.
    KeysIgnoreCase, |bytes| bytes.map(|byte| byte.to_ascii_lowercase())
}

aliases! {
    /// A C string.
    KeysEndAtZero, |bytes| {
        let mut bytes = bytes;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(32);
        bytes[end..].fill(0);
        bytes
    }
}
