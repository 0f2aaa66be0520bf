//! `scan`.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    super::{
        executor::Client,
        gate::Gate,
        subject::{Finding, Subject, Way, ensure, failed, same},
    },
    Case, cases,
};
use crate::{
    id::StoreKey,
    store::{Cursor, Loaded, Scan},
};

/// More pages than any case has: a scan that does not end is found out.
const MOST_PAGES: usize = 10_000;

pub(super) fn cases<S: Scan>() -> Vec<Case<S>> {
    cases![
        a_scan_of_an_empty_store_ends,
        a_scan_shows_what_a_load_finds,
        a_scan_goes_on_from_the_bytes_of_its_cursor,
        a_scan_from_the_start_begins_anew,
        a_foreign_cursor_is_an_error,
        what_is_there_throughout_a_scan_is_shown,
    ]
}

impl<S: Scan> Subject<S> {
    async fn page(
        &self,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Finding<(BTreeMap<StoreKey, Loaded>, Option<Cursor>)> {
        let page = self.store.scan(from, limit).await.map_err(|error| failed("scan", &error))?;
        let mut found = BTreeMap::new();
        for (key, loaded) in page.found {
            found.insert(key, loaded.map_err(|error| failed("scan of a record", &error))?);
        }
        Ok((found, page.next))
    }

    async fn all(&self, limit: usize) -> Finding<BTreeMap<StoreKey, Loaded>> {
        let (mut all, mut next) = self.page(None, limit).await?;
        for _ in 0..MOST_PAGES {
            // As after a restart: what is left of a cursor is its bytes.
            let Some(cursor) = next else { return Ok(all) };
            let cursor = Cursor::from_bytes(cursor.as_bytes());
            self.linger().await;
            let page = self.page(Some(&cursor), limit).await?;
            all.extend(page.0);
            next = page.1;
        }
        Err(format!("the scan did not end after {MOST_PAGES} pages"))
    }
}

async fn a_scan_of_an_empty_store_ends<S: Scan>(s: Arc<Subject<S>>) -> Finding {
    same("an empty store", s.all(10).await?.len(), 0)
}

async fn a_scan_shows_what_a_load_finds<S: Scan>(s: Arc<Subject<S>>) -> Finding {
    let mut expected = BTreeMap::new();
    for key in [s.live().await?.0, s.ended().await?.0, s.moved().await?.0] {
        expected.insert(key, s.load(&key).await?);
    }
    same("a live one, an ended one, a moved one", s.all(100).await?, expected)
}

async fn a_scan_goes_on_from_the_bytes_of_its_cursor<S: Scan>(s: Arc<Subject<S>>) -> Finding {
    let mut expected = BTreeMap::new();
    for _ in 0..50 {
        let (key, record) = s.live().await?;
        expected.insert(key, Loaded::Live(record));
    }
    for limit in [1, 7, 1000] {
        same(&format!("pages of {limit}"), s.all(limit).await?, expected.clone())?;
    }
    Ok(())
}

async fn a_scan_from_the_start_begins_anew<S: Scan>(s: Arc<Subject<S>>) -> Finding {
    let (key, record) = s.live().await?;
    for _ in 0..2 {
        same("each scan", s.all(10).await?, BTreeMap::from([(key, Loaded::Live(record.clone()))]))?;
    }
    Ok(())
}

async fn a_foreign_cursor_is_an_error<S: Scan>(s: Arc<Subject<S>>) -> Finding {
    s.live().await?;
    for bytes in [&b""[..], b"no cursor of any store: much too long, and no number in it"] {
        let page = s.store.scan(Some(&Cursor::from_bytes(bytes)), 10).await;
        ensure(page.is_err(), || format!("a cursor of {} bytes is taken", bytes.len()))?;
    }
    Ok(())
}

async fn what_is_there_throughout_a_scan_is_shown<S: Scan>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        let mut there = BTreeMap::new();
        for _ in 0..30 {
            let (key, record) = s.live().await?;
            there.insert(key, Loaded::Live(record));
        }
        let gate = Gate::default();
        let mut clients: Vec<Client<Finding<BTreeMap<StoreKey, Loaded>>>> = Vec::new();
        for _ in 0..3 {
            let (s, ticket) = (Arc::clone(&s), gate.ticket());
            clients.push(Box::pin(async move {
                ticket.meet().await;
                for _ in 0..20 {
                    let (key, _) = s.live().await?;
                    s.delete(&key, s.tombstone_ms()).await?;
                    s.linger().await;
                }
                Ok(BTreeMap::new())
            }));
        }
        let (scanning, ticket) = (Arc::clone(&s), gate.ticket());
        clients.push(Box::pin(async move {
            ticket.meet().await;
            scanning.all(4).await
        }));
        let shown = s.at_once(way, clients).await?.pop().unwrap_or_default();
        gate.met()?;
        for (key, loaded) in there {
            let found = shown.get(&key).cloned();
            same(&format!("one that nobody changed, {way}"), found, Some(loaded))?;
        }
    }
    Ok(())
}
