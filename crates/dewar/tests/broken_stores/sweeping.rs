//! Wrong in `sweep`.

use std::{collections::BTreeMap, sync::Mutex};

use dewar::{
    StoreKey,
    store::{Created, GRACE, Loaded, Record, Swept},
};
use tokio::task::yield_now;

use crate::{
    Row,
    reference::{Answer, Table, Variant, deadline_ms, over},
    rows,
};

pub(crate) fn rows() -> [Row; 14] {
    rows![
        NoGrace => sweep_forgets_nothing_before_the_grace_is_over,
        GraceIsNeverOver => sweep_forgets_nothing_before_the_grace_is_over,
        OldMeansPast => sweep_never_forgets_a_live_session,
        TombstonesStay => sweep_forgets_markers_and_tombstones,
        IndexIsWrittenOnce => sweep_goes_by_the_deadline_that_holds_now,
        IdleAlone => sweep_goes_by_the_absolute_deadline_too,
        AllAtOnce => sweep_is_bounded,
        CountsAgain => sweep_twice_forgets_once,
        CountsWhatOthersForgot => two_sweeps_at_once_share_the_work,
        MovesTheLiveOut => a_load_during_a_sweep_finds_what_is_there,
        LooksThenForgets => a_touch_during_a_sweep_is_done_or_gone,
        ForgetsAtMostOne => sweep_is_bounded,
        TellsWhatItSaw => each_session_that_expired_is_told_once,
        TellsTombstonesToo => what_is_no_session_is_not_told,
    ]
}

#[derive(Default)]
struct NoGrace;

impl Variant for NoGrace {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        Ok(t.sweep(now_ms + GRACE.as_millis() as u64, limit))
    }
}

#[derive(Default)]
struct GraceIsNeverOver;

impl Variant for GraceIsNeverOver {
    async fn sweep(&self, _: &Table, _: u64, _: usize) -> Answer<Swept> {
        Ok(untold(0))
    }
}

/// Forgets what is a day old.
#[derive(Default)]
struct OldMeansPast;

impl Variant for OldMeansPast {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        t.open().retain(|_, state| match state {
            Loaded::Live(record) => record.created_ms + 24 * 3_600_000 > now_ms,
            _ => true,
        });
        Ok(t.sweep(now_ms, limit))
    }
}

#[derive(Default)]
struct TombstonesStay;

impl Variant for TombstonesStay {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let mut past = t.past(now_ms, limit);
        past.retain(|key| matches!(t.load(key), Loaded::Live(_)));
        past.iter().for_each(|key| drop(t.open().remove(key)));
        Ok(untold(past.len()))
    }
}

/// An index of deadlines that only `create` writes.
#[derive(Default)]
struct IndexIsWrittenOnce(Mutex<BTreeMap<StoreKey, u64>>);

impl Variant for IndexIsWrittenOnce {
    async fn create(&self, t: &Table, key: &StoreKey, record: &Record) -> Answer<Created> {
        self.0.lock().unwrap().insert(*key, record.deadline_ms());
        Ok(t.create(key, record))
    }

    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let mut index = self.0.lock().unwrap();
        let past = index.iter().filter(|(_, deadline)| over(**deadline, now_ms));
        let past: Vec<_> = past.map(|(key, _)| *key).take(limit).collect();
        for key in &past {
            index.remove(key);
            t.open().remove(key);
        }
        Ok(untold(past.len()))
    }
}

#[derive(Default)]
struct IdleAlone;

impl Variant for IdleAlone {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let mut past = t.past(now_ms, limit);
        past.retain(|key| match t.load(key) {
            Loaded::Live(record) => over(record.idle_deadline_ms, now_ms),
            state => over(deadline_ms(&state), now_ms),
        });
        past.iter().for_each(|key| drop(t.open().remove(key)));
        Ok(untold(past.len()))
    }
}

#[derive(Default)]
struct AllAtOnce;

impl Variant for AllAtOnce {
    async fn sweep(&self, t: &Table, now_ms: u64, _: usize) -> Answer<Swept> {
        Ok(t.sweep(now_ms, usize::MAX))
    }
}

/// Empties the row and lets it stand.
#[derive(Default)]
struct CountsAgain(Mutex<usize>);

impl Variant for CountsAgain {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let mut swept = self.0.lock().unwrap();
        *swept += t.sweep(now_ms, limit).forgotten;
        Ok(untold(*swept))
    }
}

#[derive(Default)]
struct CountsWhatOthersForgot;

impl Variant for CountsWhatOthersForgot {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let count = t.past(now_ms, limit).len();
        yield_now().await;
        t.sweep(now_ms, limit);
        Ok(untold(count))
    }
}

/// Writes a new table of what lives.
#[derive(Default)]
struct MovesTheLiveOut;

impl Variant for MovesTheLiveOut {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let swept = t.sweep(now_ms, limit);
        let live = std::mem::take(&mut *t.open());
        yield_now().await;
        t.open().extend(live);
        Ok(swept)
    }
}

/// `SELECT` of the keys that are past, then `DELETE` of those keys.
#[derive(Default)]
struct LooksThenForgets;

impl Variant for LooksThenForgets {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let past = t.past(now_ms, limit);
        yield_now().await;
        let mut states = t.open();
        Ok(untold(past.iter().filter(|key| states.remove(key).is_some()).count()))
    }
}

/// Bounded too well: fewer than asked would mean that nothing is left.
#[derive(Default)]
struct ForgetsAtMostOne;

impl Variant for ForgetsAtMostOne {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        Ok(t.sweep(now_ms, limit.min(1)))
    }
}

fn untold(forgotten: usize) -> Swept {
    Swept { forgotten, expired: Vec::new() }
}

/// It tells what was due, whoever forgot it.
#[derive(Default)]
struct TellsWhatItSaw;

impl Variant for TellsWhatItSaw {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let expired = t.past(now_ms, limit);
        yield_now().await;
        Ok(Swept { expired, ..t.sweep(now_ms, limit) })
    }
}

#[derive(Default)]
struct TellsTombstonesToo;

impl Variant for TellsTombstonesToo {
    async fn sweep(&self, t: &Table, now_ms: u64, limit: usize) -> Answer<Swept> {
        let expired = t.past(now_ms, limit);
        Ok(Swept { expired, ..t.sweep(now_ms, limit) })
    }
}
