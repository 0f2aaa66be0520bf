//! Room 5, first half: decides what is to happen, without doing anything.
//!
//! | was | the handler left it | plan | cookie mode | server mode: store | server mode: cookie |
//! |---|---|---|---|---|---|
//! | absent | empty, or destroyed | nothing | keep | – | keep |
//! | absent | with contents | create | set | create | set |
//! | present | unchanged, touch not due | nothing | keep | – | keep |
//! | present | unchanged, touch due | touch | keep, or set when rolling | touch | keep, or set when rolling |
//! | present | changed | update | set | update | keep, or set when rolling |
//! | present | emptied by removing keys | empty | remove | update | keep |
//! | present | `regenerate()` | regenerate | set | create, then supersede | set |
//! | present | `destroy()` / `clear()`, nothing set afterwards | destroy | remove | delete | remove |
//! | present | `destroy()` / `clear()`, then contents set | replace | set | create, delete the old | set |
//! | moved | `destroy()` / `clear()` | destroy | – | delete the end of the chain | remove |
//! | moved | anything else, changed | stray | – | – | keep |
//! | doubted | `destroy()` / `clear()` | destroy | remove | delete each | remove |
//! | doubted | `destroy()` / `clear()`, then contents set | replace | set | create, delete each | set |
//! | doubted | a key was to go | as `destroy()` | | | |
//! | doubted | anything else | as absent | | | |
//! | unreachable | `destroy()` / `clear()` | destroy | – | delete, or an error | remove |
//! | unreachable | `regenerate()`; `destroy()`, then contents set | regenerate | – | an error | – |
//! | unreachable | anything else, changed | stray | – | – | keep |
//! | unreachable | a key was to go | stray | – | an error | – |
//!
//! In cookie mode *set* carries the contents and there is nothing else to do. What a store may answer
//! (gone, conflict, moved) is dealt with where it is asked: in [`crate::commit`].

/// What the request brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Was {
    Absent,
    Present,
    /// The id was rotated away: it routes, and never authenticates.
    Moved,
    /// Two cookies of one name are live, and neither is believed.
    Doubted,
    /// The store gave no answer, and the route goes on without.
    Unreachable,
}

/// Where the contents live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Cookie,
    Server,
}

/// What the handler asked for, apart from what it wrote. Destroy absorbs the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Intent {
    #[default]
    Keep,
    Regenerate,
    Destroy,
}

/// How the handler left the session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) intent: Intent,
    pub(crate) changed: bool,
    pub(crate) empty: bool,
    pub(crate) touch_due: bool,
}

/// What the end of a request means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// Nothing is to be kept, or nothing changed.
    Nothing,
    /// A new session begins.
    Create,
    /// The session was used: its idle deadline moves.
    Touch,
    /// The contents changed.
    Update,
    /// The last key was removed.
    Empty,
    /// The session goes on under a new identity.
    Regenerate,
    /// The session ends.
    Destroy,
    /// The session ends, and a new one begins with what was set afterwards.
    Replace,
    /// A change under an id that was rotated away, or of a session that could not be opened: it is
    /// dropped.
    Stray,
}

/// What happens to the browser's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieStep {
    Keep,
    Set,
    Remove,
}

/// The table above.
pub(crate) fn plan(was: Was, left: Left) -> Plan {
    match (was, left.intent) {
        (Was::Moved, Intent::Destroy) => Plan::Destroy,
        (Was::Unreachable, Intent::Destroy) if left.empty => Plan::Destroy,
        (Was::Unreachable, Intent::Destroy | Intent::Regenerate) => Plan::Regenerate,
        (Was::Moved | Was::Unreachable, _) if left.changed => Plan::Stray,
        (Was::Moved | Was::Unreachable, _) => Plan::Nothing,
        (Was::Present | Was::Doubted, Intent::Destroy) if left.empty => Plan::Destroy,
        (Was::Present | Was::Doubted, Intent::Destroy) => Plan::Replace,
        (Was::Absent | Was::Doubted, _) if left.empty => Plan::Nothing,
        (Was::Absent | Was::Doubted, _) => Plan::Create,
        (Was::Present, Intent::Regenerate) => Plan::Regenerate,
        (Was::Present, Intent::Keep) if left.changed && left.empty => Plan::Empty,
        (Was::Present, Intent::Keep) if left.changed => Plan::Update,
        (Was::Present, Intent::Keep) if left.touch_due => Plan::Touch,
        (Was::Present, Intent::Keep) => Plan::Nothing,
    }
}

/// The table of the `flask()` profile: the bit that every mutator sets decides, not the
/// difference, and what the request brought does not matter.
pub(crate) fn plan_as_flask(empty: bool, modified: bool, refresh_due: bool) -> Plan {
    match (empty, modified) {
        (true, true) => Plan::Destroy,
        (true, false) => Plan::Nothing,
        (false, true) => Plan::Update,
        (false, false) if refresh_due => Plan::Touch,
        (false, false) => Plan::Nothing,
    }
}

impl Plan {
    /// The cookie columns. `rolling` says whether the cookie's own deadline is to move.
    pub(crate) fn cookie(self, mode: Mode, rolling: bool) -> CookieStep {
        match (self, mode) {
            (Self::Nothing | Self::Stray, _) => CookieStep::Keep,
            (Self::Create | Self::Regenerate | Self::Replace, _) => CookieStep::Set,
            (Self::Update, Mode::Cookie) => CookieStep::Set,
            (Self::Touch | Self::Update, _) if rolling => CookieStep::Set,
            (Self::Touch | Self::Update, _) => CookieStep::Keep,
            (Self::Empty, Mode::Server) => CookieStep::Keep,
            (Self::Empty, Mode::Cookie) | (Self::Destroy, _) => CookieStep::Remove,
        }
    }
}

#[cfg(test)]
mod tests;
