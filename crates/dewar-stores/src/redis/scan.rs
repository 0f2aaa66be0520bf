//! Everything a store holds, page by page.
//!
//! One node shows its keys by `SCAN`, whose cursor means something to that very process alone: after
//! a restart or a failover the scan begins anew. A cluster has its own way: see `slots`.

use std::sync::Arc;

use dewar::{
    StoreKey,
    store::{Cursor, Loaded, Page, Scan, StoreError, StoreErrorKind},
};
use redis::{Pipeline, Value};

use super::{
    fault::Fault,
    form,
    link::{Link, text},
    route::Route,
    slots::Spot,
    store::{Inner, RedisStore},
};

/// How many keys a page has, and a step of `SCAN` looks at, at most: others wait for it, and whoever
/// asks has all of them in memory.
pub(super) const STEP: usize = 256;

/// So many values are asked for at once: the server has the answers in memory until they are taken.
const VALUES: usize = 32;

const NODE: u8 = 1;

#[derive(Debug, thiserror::Error)]
#[error("the cursor is none of this store's; begin anew without one")]
struct ForeignCursor;

impl Scan for RedisStore {
    async fn scan(&self, from: Option<&Cursor>, limit: usize) -> Result<Page, StoreError> {
        let foreign = || StoreError::new(StoreErrorKind::Unavailable).with_source(ForeignCursor);
        match self.0.route {
            Route::Cluster(_) => {
                let spot = match from {
                    None => Spot::default(),
                    Some(cursor) => Spot::of(cursor).ok_or_else(foreign)?,
                };
                self.0.page_of_cluster(spot, limit).await
            }
            _ => {
                let place = match from {
                    None => Place::default(),
                    Some(cursor) => Place::of(cursor).ok_or_else(foreign)?,
                };
                self.0.page_of_node(place, limit).await
            }
        }
    }
}

/// Where a scan of one node is.
#[derive(Default)]
pub(super) struct Place {
    /// Which process gave the cursor.
    run: String,
    cursor: u64,
}

impl Place {
    fn of(cursor: &Cursor) -> Option<Self> {
        let (&NODE, rest) = cursor.as_bytes().split_first()? else { return None };
        let (cursor, run) = rest.split_first_chunk()?;
        let run = String::from_utf8(run.to_vec()).ok()?;
        Some(Self { run, cursor: u64::from_be_bytes(*cursor) })
    }

    /// Whether the node has shown everything, or nothing yet.
    pub(super) fn is_at_an_end(&self) -> bool {
        self.cursor == 0
    }

    fn cursor(&self) -> Cursor {
        let mut bytes = vec![NODE];
        bytes.extend(self.cursor.to_be_bytes());
        bytes.extend(self.run.as_bytes());
        Cursor::from_bytes(bytes)
    }
}

pub(super) type Found = Vec<(StoreKey, Result<Loaded, StoreError>)>;

impl Inner {
    async fn page_of_node(&self, from: Place, limit: usize) -> Result<Page, StoreError> {
        let failed = |fault: Fault| fault.into_error(false);
        let link = self.route.master(0).await.map_err(failed)?;
        let step = self.step(&link, &from, limit).await;
        let (place, keys) = step.map_err(|fault| self.doubted(&link, fault))?;
        let found = self.values(&link, keys).await.map_err(|fault| self.doubted(&link, fault))?;
        let next = (!place.is_at_an_end()).then(|| place.cursor());
        Ok(Page { found, next })
    }

    pub(super) fn doubted(&self, link: &Arc<Link>, fault: Fault) -> StoreError {
        self.route.doubt(link);
        fault.into_error(false)
    }

    /// One step of `SCAN`, from the beginning if the process is another one than before.
    pub(super) async fn step(
        &self,
        link: &Link,
        from: &Place,
        limit: usize,
    ) -> Result<(Place, Vec<StoreKey>), Fault> {
        let pattern = self.pattern();
        let mut cursor = from.cursor;
        loop {
            let mut pipeline = Pipeline::with_capacity(2);
            pipeline.cmd("INFO").arg("server").cmd("SCAN").arg(cursor);
            pipeline.arg("MATCH").arg(&pattern).arg("COUNT").arg(limit.clamp(1, STEP));
            pipeline.arg("TYPE").arg("string");
            let mut answers = answers(link.send(&pipeline).await?)?;
            let info = answers.next().map(|info| text(&info)).unwrap_or_default();
            let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
            let run = run.unwrap_or_default().trim().to_owned();
            if cursor != 0 && run != from.run {
                cursor = 0;
                continue;
            }
            let Some(Value::Array(answer)) = answers.next() else { return Err(Fault::Strange) };
            let [next, Value::Array(names)] = &answer[..] else { return Err(Fault::Strange) };
            let next = text(next).parse().map_err(|_| Fault::Strange)?;
            return Ok((Place { run, cursor: next }, self.keys(names)));
        }
    }

    /// Those of the names that are sessions': the right prefix, and 32 bytes after it.
    pub(super) fn keys(&self, names: &[Value]) -> Vec<StoreKey> {
        let key = |name: &Value| {
            let Value::BulkString(name) = name else { return None };
            let key = name.strip_prefix(&self.options.prefix[..])?;
            key.try_into().ok().map(StoreKey::from_bytes)
        };
        names.iter().filter_map(key).collect()
    }

    pub(super) async fn values(&self, link: &Link, keys: Vec<StoreKey>) -> Result<Found, Fault> {
        let mut found = Found::with_capacity(keys.len());
        for some in keys.chunks(VALUES) {
            let mut pipeline = Pipeline::with_capacity(some.len());
            for key in some {
                pipeline.cmd("GET").arg(self.name(key));
            }
            for (key, value) in some.iter().zip(link.send(&pipeline).await?) {
                match value {
                    // It went meanwhile.
                    Value::Nil => {}
                    Value::BulkString(value) => {
                        found.push((*key, form::loaded(key, &value).map_err(StoreError::from)));
                    }
                    Value::ServerError(error) => {
                        let fault = Fault::Refused(error.into());
                        let error = fault.clone().into_error(false);
                        if error.kind() != StoreErrorKind::Corrupt {
                            return Err(fault);
                        }
                        found.push((*key, Err(error)));
                    }
                    _ => return Err(Fault::Strange),
                }
            }
        }
        Ok(found)
    }

    /// All names with the prefix, none of whose characters means anything else.
    fn pattern(&self) -> Vec<u8> {
        let mut pattern = Vec::new();
        for &byte in &self.options.prefix {
            if b"*?[]\\^-".contains(&byte) {
                pattern.push(b'\\');
            }
            pattern.push(byte);
        }
        pattern.push(b'*');
        pattern
    }
}

/// The answers, if none of them is an error.
pub(super) fn answers(values: Vec<Value>) -> Result<impl Iterator<Item = Value>, Fault> {
    let refused = |value: &Value| match value {
        Value::ServerError(error) => Some(Fault::Refused(error.clone().into())),
        _ => None,
    };
    match values.iter().find_map(refused) {
        Some(fault) => Err(fault),
        None => Ok(values.into_iter()),
    }
}
