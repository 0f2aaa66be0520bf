//! Wrong in `scan`.

use std::{collections::BTreeSet, sync::Mutex};

use dewar::{
    StoreKey,
    store::{Cursor, Loaded, Page},
};

use crate::{
    Row,
    reference::{Answer, Table, Variant},
    rows,
};

pub(crate) fn rows() -> [Row; 6] {
    rows![
        NeverEnds => a_scan_of_an_empty_store_ends,
        ShowsTheLiveAlone => a_scan_shows_what_a_load_finds,
        SkipsOneAtEachPage => a_scan_goes_on_from_the_bytes_of_its_cursor,
        ShowsEachOnce => a_scan_from_the_start_begins_anew,
        TakesAnyCursor => a_foreign_cursor_is_an_error,
        CountsWhatIsLeft => what_is_there_throughout_a_scan_is_shown,
    ]
}

#[derive(Default)]
struct NeverEnds;

impl Variant for NeverEnds {
    async fn scan(&self, t: &Table, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        let page = t.scan(from, limit)?;
        Ok(Page { next: page.next.or_else(|| Some(Cursor::from_bytes([255; 32]))), ..page })
    }
}

#[derive(Default)]
struct ShowsTheLiveAlone;

impl Variant for ShowsTheLiveAlone {
    async fn scan(&self, t: &Table, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        let mut page = t.scan(from, limit)?;
        page.found.retain(|(_, found)| matches!(found, Ok(Loaded::Live(_))));
        Ok(page)
    }
}

/// It looks one further to see whether there is more, and goes on behind that one.
#[derive(Default)]
struct SkipsOneAtEachPage;

impl Variant for SkipsOneAtEachPage {
    async fn scan(&self, t: &Table, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        let mut page = t.scan(from, limit + 1)?;
        page.found.truncate(limit);
        Ok(page)
    }
}

#[derive(Default)]
struct ShowsEachOnce(Mutex<BTreeSet<StoreKey>>);

impl Variant for ShowsEachOnce {
    async fn scan(&self, t: &Table, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        let mut page = t.scan(from, limit)?;
        let mut shown = self.0.lock().unwrap();
        page.found.retain(|(key, _)| shown.insert(*key));
        Ok(page)
    }
}

#[derive(Default)]
struct TakesAnyCursor;

impl Variant for TakesAnyCursor {
    async fn scan(&self, t: &Table, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        t.scan(from.filter(|cursor| cursor.as_bytes().len() == 32), limit)
    }
}

/// Its cursor is a number of rows, and others add some.
#[derive(Default)]
struct CountsWhatIsLeft;

impl Variant for CountsWhatIsLeft {
    async fn scan(&self, t: &Table, from: Option<&Cursor>, limit: usize) -> Answer<Page> {
        let states = t.open();
        let left = match from.map(|cursor| <[u8; 8]>::try_from(cursor.as_bytes())) {
            None => states.len(),
            Some(Ok(left)) => usize::from_be_bytes(left),
            Some(Err(_)) => return t.scan(from, limit),
        };
        let rest = states.iter().skip(states.len() - left).take(limit);
        let found: Vec<_> = rest.map(|(key, state)| (*key, Ok(state.clone()))).collect();
        let left = left - found.len();
        let next = (left > 0).then(|| Cursor::from_bytes(left.to_be_bytes()));
        Ok(Page { found, next })
    }
}
