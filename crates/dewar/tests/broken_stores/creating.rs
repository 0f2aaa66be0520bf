//! Wrong in `load` and `create`.

use std::time::{SystemTime, UNIX_EPOCH};

use dewar::{
    StoreKey,
    store::{Created, Loaded, Record, WriteId, Writes},
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant, deadline_ms, over},
    rows,
};

pub(crate) fn rows() -> [Row; 8] {
    rows![
        LoadAdoptsUnknownIds => a_load_creates_nothing,
        LoadEmptiesTheRecord => a_created_record_is_loaded_as_it_was,
        CreateOverwrites => create_never_overwrites_a_session,
        CreateOverwritesMarkers => create_never_overwrites_a_marker,
        CreateRevivesEnded => create_never_revives_an_ended_session,
        CreateChecksThenSets => of_many_creates_of_one_key_one_lands,
        TtlIsTheDeadline => a_record_outlives_its_deadline_by_the_grace,
        AnyClockForgets => a_record_from_a_wrong_clock_harms_no_other,
    ]
}

#[derive(Default)]
struct LoadAdoptsUnknownIds;

impl Variant for LoadAdoptsUnknownIds {
    async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
        let found = t.load(key);
        if found == Loaded::Nothing {
            let empty = Record {
                owner: None,
                created_ms: 0,
                idle_deadline_ms: u64::MAX,
                absolute_deadline_ms: u64::MAX,
                writes: Writes::first(WriteId::new(0)),
                data: Vec::new(),
            };
            t.create(key, &empty);
        }
        Ok(found)
    }
}

#[derive(Default)]
struct LoadEmptiesTheRecord;

impl Variant for LoadEmptiesTheRecord {
    async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
        let found = t.load(key);
        if let Some(Loaded::Live(record)) = t.open().get_mut(key) {
            record.data.clear();
        }
        Ok(found)
    }
}

#[derive(Default)]
struct CreateOverwrites;

impl Variant for CreateOverwrites {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if matches!(t.load(key), Loaded::Live(_)) {
            t.put(key, Loaded::Live(record.clone()));
            return Ok(Created::Done);
        }
        Ok(t.create(key, record))
    }
}

#[derive(Default)]
struct CreateOverwritesMarkers;

impl Variant for CreateOverwritesMarkers {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if matches!(t.load(key), Loaded::Moved(_)) {
            t.put(key, Loaded::Live(record.clone()));
            return Ok(Created::Done);
        }
        Ok(t.create(key, record))
    }
}

#[derive(Default)]
struct CreateRevivesEnded;

impl Variant for CreateRevivesEnded {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if matches!(t.load(key), Loaded::Ended { .. }) {
            t.put(key, Loaded::Live(record.clone()));
            return Ok(Created::Done);
        }
        Ok(t.create(key, record))
    }
}

/// `EXISTS`, then `SET`.
#[derive(Default)]
struct CreateChecksThenSets;

impl Variant for CreateChecksThenSets {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        if t.load(key) != Loaded::Nothing {
            return Ok(t.create(key, record));
        }
        yield_now().await;
        t.put(key, Loaded::Live(record.clone()));
        Ok(Created::Done)
    }
}

/// `EXPIREAT` with the deadline itself.
#[derive(Default)]
struct TtlIsTheDeadline;

impl Variant for TtlIsTheDeadline {
    async fn load(&self, t: &Table, key: &StoreKey) -> Answer<Loaded> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let found = t.load(key);
        let past = u128::from(deadline_ms(&found)) < now;
        Ok(if past { Loaded::Nothing } else { found })
    }
}

/// Believes one record's clock.
#[derive(Default)]
struct AnyClockForgets;

impl Variant for AnyClockForgets {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        t.open().retain(|_, state| !over(deadline_ms(state), record.created_ms));
        Ok(t.create(key, record))
    }
}
