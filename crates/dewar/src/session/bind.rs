//! Whose session it is.

use super::Session;
use crate::{
    id::StoreKey,
    user::{DEVICE, USER},
};

impl Session {
    /// Makes the session this user's, under a new identity: call it at login, once the password is
    /// known to be right.
    ///
    /// From then on it is among the user's sessions, which
    /// [`UserSessions`](crate::UserSessions) lists and ends. Its absolute timeout begins anew. It
    /// is kept under the key `_user_id`; the store sees a hash of it. If the layer limits the
    /// sessions of a user and refuses more, the commit fails: to answer with a page of your own,
    /// call [`commit`](Self::commit) and look.
    ///
    /// In cookie mode, and in a store that does not know users, it is a key like any other.
    ///
    /// ```
    /// # fn login(session: &dewar::Session) {
    /// session.bind_user("42").device("Firefox on Linux");
    /// # }
    /// ```
    ///
    /// # Flask
    /// Flask-Login's `login_user`, which uses the same key.
    #[doc(alias = "login_user")]
    #[track_caller]
    pub fn bind_user(&self, user_id: &str) -> Binding<'_> {
        self.set(USER, user_id);
        self.regenerate();
        Binding(self)
    }

    /// Makes the session nobody's, under a new identity, and keeps the rest of it. To end it, call
    /// [`destroy`](Self::destroy).
    ///
    /// # Flask
    /// Flask-Login's `logout_user`.
    #[doc(alias = "logout_user")]
    #[track_caller]
    pub fn unbind_user(&self) {
        self.remove(USER);
        self.remove(DEVICE);
        self.regenerate();
    }

    /// The user whose session it is.
    pub fn user_id(&self) -> Option<String> {
        self.get(USER)
    }

    /// The key under which the store had the session when it was opened; `None` for a new one, and
    /// in cookie mode. It opens nothing, and shows as 8 hex digits.
    pub fn key(&self) -> Option<StoreKey> {
        self.read(|open| open.origin.key())
    }
}

/// What more there is to say about a login: see [`Session::bind_user`].
#[derive(Debug)]
pub struct Binding<'s>(&'s Session);

impl Binding<'_> {
    /// Names the device, for the user's list of his sessions. Kept under the key `_device`.
    #[track_caller]
    pub fn device(self, name: &str) -> Self {
        self.0.set(DEVICE, name);
        self
    }

    /// Drops whatever requests under the old identity still want to write.
    pub fn discard_late_writes(self) -> Self {
        self.0.read(|open| open.discard_late_writes = true);
        self
    }
}
