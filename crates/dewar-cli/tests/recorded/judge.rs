//! Judges a history by what its clients were told, and by nothing else.
//!
//! A request does nothing if its cookie's id was rotated away, or its session ended, before it was
//! opened. A dump shows whether that happened, and so does a counter: in a live session it answers
//! more than one. Of the others it is known unless such a request overlapped; then they may have
//! been done or not, but not twice, and what a dump showed stays.

use std::collections::BTreeMap;

use super::{Event, Op};

/// What a history contained.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) sessions: usize,
    pub(crate) ended: usize,
    pub(crate) rotations: usize,
    /// Writes of which it is known that they were done, and of which it is not.
    pub(crate) known: usize,
    pub(crate) unknown: usize,
    /// Pairs of requests for one session that overlapped.
    pub(crate) overlaps: usize,
}

/// The figures, or the first thing that is wrong.
pub(crate) fn judge(history: &[Event]) -> Result<Figures, String> {
    let mut figures = Figures::default();
    if let Some(event) = history.iter().find(|event| event.status != 200) {
        return Err(format!("answered {}: {event:?}", event.status));
    }
    let mut sessions: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
    for event in history {
        sessions.entry(event.session).or_default().push(event);
    }
    for (number, mut events) in sessions {
        events.sort_by_key(|event| event.from);
        let session = Session { events };
        session.judge(&mut figures).map_err(|wrong| format!("session {number}: {wrong}"))?;
    }
    Ok(figures)
}

/// The requests for one session, in the order in which they were sent.
struct Session<'a> {
    events: Vec<&'a Event>,
}

impl Session<'_> {
    fn judge(&self, figures: &mut Figures) -> Result<(), String> {
        for event in &self.events {
            self.cookies(event)?;
            if self.opened(event) == Some(true) {
                self.may_open(event)?;
            } else if self.opened(event) == Some(false) && !self.excused(event) {
                return Err(format!("the session was live and not found: {event:?}"));
            }
            if event.op == Op::Dump && self.opened(event) == Some(true) {
                self.dump(event)?;
            }
            figures.count(self, event);
        }
        let settled = self.settled();
        let last = self.events.iter().filter(|event| event.op == Op::Dump && event.from > settled);
        let last: Vec<_> = last.map(|event| self.opened(event) == Some(true)).collect();
        let ended = self.logouts().next().is_some();
        if last.is_empty() || last.contains(&true) == ended {
            return Err(format!("ended: {ended}, found by its last dumps: {last:?}"));
        }
        figures.sessions += 1;
        figures.ended += usize::from(ended);
        Ok(())
    }

    /// When everything but the last dumps was answered.
    fn settled(&self) -> u128 {
        let others = self.events.iter().filter(|event| event.op != Op::Dump);
        others.map(|event| event.to).max().unwrap_or_default()
    }

    fn logouts(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().copied().filter(|event| event.op == Op::Logout)
    }

    fn rotations_of<'s>(&'s self, token: &'s str) -> impl Iterator<Item = &'s Event> {
        let rotations = self.events.iter().copied().filter(|event| event.op == Op::Rotate);
        rotations.filter(move |event| event.token == token)
    }

    /// Whether something may have kept the request from opening the session.
    fn excused(&self, event: &Event) -> bool {
        let rotated = self.rotations_of(&event.token);
        rotated
            .chain(self.logouts())
            .any(|other| !std::ptr::eq(other, event) && other.from < event.to)
    }

    /// Whether it opened the session, if that is known.
    fn opened(&self, event: &Event) -> Option<bool> {
        match &event.op {
            Op::Login => None,
            Op::Dump => Some(event.contents().get("user").is_some()),
            Op::Incr => Some(event.body.trim() != "1"),
            Op::Rotate if self.won(event) => Some(true),
            _ if self.may_open(event).is_err() => Some(false),
            _ => (!self.excused(event)).then_some(true),
        }
    }

    /// Whether the cookie it was given may be that of another session: its own was over, and it began one.
    fn is_fresh(&self, event: &Event) -> bool {
        self.logouts().any(|logout| logout.from < event.to)
    }

    /// Whether it is a rotation that gave the session its new id.
    fn won(&self, event: &Event) -> bool {
        event.new_token().is_some() && !self.is_fresh(event)
    }

    fn cookies(&self, event: &Event) -> Result<(), String> {
        let expected = matches!(event.op, Op::Login | Op::Rotate | Op::Logout);
        if event.cookie.is_some() && !expected && !self.is_fresh(event) {
            return Err(format!("a cookie out of nothing: {event:?}"));
        }
        if self.rotations_of(&event.token).filter(|event| self.won(event)).count() > 1 {
            return Err(format!("two rotations of one id won: {event:?}"));
        }
        Ok(())
    }

    fn may_open(&self, event: &Event) -> Result<(), String> {
        if let Some(logout) = self.logouts().find(|logout| logout.before(event)) {
            return Err(format!("opened after its logout: {event:?}\n  {logout:?}"));
        }
        let mut won = self.rotations_of(&event.token).filter(|event| self.won(event));
        match won.find(|rotation| rotation.before(event)) {
            Some(rotation) => Err(format!("an old id opened it: {event:?}\n  {rotation:?}")),
            None => Ok(()),
        }
    }

    /// Whether an earlier dump showed it.
    fn was_seen(&self, event: &Event, dump: &Event) -> bool {
        self.events.iter().any(|earlier| {
            earlier.op == Op::Dump
                && earlier.before(dump)
                && match &event.op {
                    Op::Set(key) => earlier.contents()[key] == 1,
                    Op::Push(text) => {
                        let log = earlier.contents();
                        log["log"].as_array().is_some_and(|log| log.iter().any(|item| item == text))
                    }
                    _ => false,
                }
        })
    }

    /// A dump shows all that was done before it, once, and nothing that was not asked for.
    fn dump(&self, dump: &Event) -> Result<(), String> {
        let mut contents = dump.contents();
        let mut least = 1;
        let mut most = 1;
        let log: Vec<String> = contents["log"]
            .as_array()
            .map(|log| log.iter().filter_map(|item| item.as_str().map(String::from)).collect())
            .unwrap_or_default();
        let mut pushes = 0;
        for event in &self.events {
            let opened = self.opened(event);
            let must = opened == Some(true) && event.before(dump) || self.was_seen(event, dump);
            let may = opened != Some(false) && event.from < dump.to;
            let times = match &event.op {
                Op::Incr => {
                    least += u64::from(must);
                    most += u64::from(may);
                    continue;
                }
                Op::Set(key) => usize::from(contents[key] == 1),
                Op::Push(text) => log.iter().filter(|item| *item == text).count(),
                Op::Rotate => usize::from(contents["role"] == "admin"),
                _ => continue,
            };
            if matches!(event.op, Op::Push(_)) {
                pushes += times;
            }
            let is_shared = event.op == Op::Rotate;
            if times < usize::from(must) || !is_shared && times > usize::from(may) {
                return Err(format!("{times} times there, not as told: {event:?}\n  {dump:?}"));
            }
            if let (Op::Set(key), Some(contents)) = (&event.op, contents.as_object_mut()) {
                contents.remove(key);
            }
        }
        let n = contents["n"].as_u64().unwrap_or_default();
        if !(least..=most).contains(&n) {
            return Err(format!("counted {n}, not {least} to {most}: {dump:?}"));
        }
        let mut rest = contents.as_object().into_iter().flat_map(|contents| contents.keys());
        let rotated =
            self.events.iter().any(|event| event.op == Op::Rotate && event.from < dump.to);
        let known = ["user", "n", "log", if rotated { "role" } else { "" }];
        match rest.find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(format!("nobody set {key}: {dump:?}")),
            None if pushes != log.len() => Err(format!("nobody pushed some of it: {dump:?}")),
            None => Ok(()),
        }
    }
}

impl Figures {
    fn count(&mut self, session: &Session<'_>, event: &Event) {
        let overlapping = |other: &&&Event| event.from < other.from && other.from < event.to;
        self.overlaps += session.events.iter().filter(overlapping).count();
        if matches!(event.op, Op::Set(_) | Op::Incr | Op::Push(_) | Op::Rotate) {
            match session.opened(event) {
                Some(true) => self.known += 1,
                Some(false) => {}
                None => self.unknown += 1,
            }
        }
        self.rotations += usize::from(event.op == Op::Rotate && event.new_token().is_some());
    }
}
