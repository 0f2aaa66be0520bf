//! `enter`, `leave`, `sessions_of`.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{
        executor::Client,
        gate::Gate,
        subject::{Finding, HOUR_MS, Subject, Way, ensure, failed, same},
    },
    Case, cases,
};
use crate::{
    id::StoreKey,
    store::{Created, Entry, Moved, Owner, Reached, Record, UserIndex, Written},
};

pub(super) fn cases<S: UserIndex>() -> Vec<Case<S>> {
    cases![
        a_user_without_sessions_has_none,
        a_session_is_found_by_its_user_alone,
        a_session_of_nobody_is_found_by_nobody,
        an_update_that_names_a_user_makes_it_his,
        a_session_that_passes_to_another_user_is_found_by_him_alone,
        a_session_that_ended_is_not_found_once_it_was_left,
        a_rotated_session_is_found_under_its_new_key_alone,
        a_session_that_was_entered_twice_is_found_once,
        leaving_what_was_never_entered_is_no_error,
        sessions_of_a_user_come_page_by_page,
        an_update_keeps_a_session_with_its_user,
        logins_at_once_are_all_found,
    ]
}

impl<S: UserIndex> Subject<S> {
    fn user(&self) -> Owner {
        Owner::from_bytes(*self.key().as_bytes())
    }

    async fn enter(&self, owner: &Owner, key: &StoreKey) -> Finding {
        let until_ms = self.now_ms + 7 * 24 * HOUR_MS;
        let entered = self.store.enter(owner, key, self.now_ms, until_ms).await;
        entered.map_err(|error| failed("enter", &error))
    }

    async fn leave(&self, owner: &Owner, key: &StoreKey) -> Finding {
        self.store.leave(owner, key).await.map_err(|error| failed("leave", &error))
    }

    /// A session of this user, as a login makes it.
    async fn login(&self, owner: &Owner) -> Finding<(StoreKey, Record)> {
        let (key, record) = (self.key(), Record { owner: Some(*owner), ..self.record("his") });
        self.enter(owner, &key).await?;
        same("create of a login", self.create(&key, &record).await?, Created::Done)?;
        Ok((key, record))
    }

    async fn sessions(
        &self,
        owner: &Owner,
        after: Option<Entry>,
        limit: usize,
    ) -> Finding<Vec<Entry>> {
        let page = self.store.sessions_of(owner, after, limit).await;
        page.map_err(|error| failed("sessions_of", &error))
    }

    async fn sessions_are(&self, what: &str, owner: &Owner, expected: &[StoreKey]) -> Finding {
        let found = self.sessions(owner, None, 1000).await?;
        let mut keys: Vec<_> = found.iter().map(|entry| entry.key).collect();
        let mut expected = expected.to_vec();
        keys.sort_unstable();
        expected.sort_unstable();
        same(what, keys, expected)
    }
}

async fn a_user_without_sessions_has_none<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    s.login(&s.user()).await?;
    s.sessions_are("another user", &s.user(), &[]).await
}

/// Kratos repeats every case for another tenant: no operation reaches over.
async fn a_session_is_found_by_its_user_alone<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    let (one, other) = (s.user(), s.user());
    let (first, _) = s.login(&one).await?;
    let (second, _) = s.login(&one).await?;
    let (foreign, _) = s.login(&other).await?;
    s.sessions_are("one user", &one, &[first, second]).await?;
    s.sessions_are("the other", &other, &[foreign]).await
}

async fn a_session_of_nobody_is_found_by_nobody<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    s.live().await?;
    s.sessions_are("a user", &s.user(), &[]).await?;
    s.sessions_are("the user of zeros", &Owner::from_bytes([0; 32]), &[]).await
}

async fn an_update_that_names_a_user_makes_it_his<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    let (owner, (key, record)) = (s.user(), s.live().await?);
    s.enter(&owner, &key).await?;
    let his = Record { owner: Some(owner), ..s.next(&record, "his") };
    same("update", s.update(&key, record.version(), &his).await?, Written::Done)?;
    s.sessions_are("after the update", &owner, &[key]).await
}

/// Spring Session has eight cases of this kind.
async fn a_session_that_passes_to_another_user_is_found_by_him_alone<S: UserIndex>(
    s: Arc<Subject<S>>,
) -> Finding {
    let (one, other) = (s.user(), s.user());
    let (key, record) = s.login(&one).await?;
    s.enter(&other, &key).await?;
    let passed = Record { owner: Some(other), ..s.next(&record, "the other's") };
    same("update", s.update(&key, record.version(), &passed).await?, Written::Done)?;
    s.leave(&one, &key).await?;
    s.sessions_are("the one before", &one, &[]).await?;
    s.sessions_are("the one now", &other, &[key]).await
}

async fn a_session_that_ended_is_not_found_once_it_was_left<S: UserIndex>(
    s: Arc<Subject<S>>,
) -> Finding {
    let owner = s.user();
    let (key, _) = s.login(&owner).await?;
    let (stays, _) = s.login(&owner).await?;
    same("delete", s.delete(&key, s.tombstone_ms()).await?, Reached::Done)?;
    s.leave(&owner, &key).await?;
    s.sessions_are("after the logout", &owner, &[stays]).await
}

/// Spring Session #1791.
async fn a_rotated_session_is_found_under_its_new_key_alone<S: UserIndex>(
    s: Arc<Subject<S>>,
) -> Finding {
    let owner = s.user();
    let (old, record) = s.login(&owner).await?;
    let (new, _) = s.login(&owner).await?;
    let moved = Moved { to: new, until_ms: s.tombstone_ms() };
    same("supersede", s.supersede(&old, record.version(), moved).await?, Written::Done)?;
    s.leave(&owner, &old).await?;
    s.sessions_are("after the rotation", &owner, &[new]).await
}

async fn a_session_that_was_entered_twice_is_found_once<S: UserIndex>(
    s: Arc<Subject<S>>,
) -> Finding {
    let owner = s.user();
    let (key, _) = s.login(&owner).await?;
    s.enter(&owner, &key).await?;
    s.sessions_are("entered twice", &owner, &[key]).await
}

async fn leaving_what_was_never_entered_is_no_error<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    let owner = s.user();
    s.leave(&owner, &s.key()).await?;
    let (key, _) = s.login(&owner).await?;
    s.leave(&owner, &s.key()).await?;
    s.sessions_are("after both", &owner, &[key]).await
}

async fn sessions_of_a_user_come_page_by_page<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    let owner = s.user();
    let mut expected = BTreeSet::new();
    for _ in 0..7 {
        expected.insert(s.login(&owner).await?.0);
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = s.sessions(&owner, after, 3).await?;
        ensure(page.len() <= 3, || format!("a page of 3 holds {}", page.len()))?;
        found.extend(page.iter().copied());
        ensure(found.len() <= 7, || format!("7 sessions, and {} found", found.len()))?;
        after = page.last().copied();
        if page.len() < 3 {
            break;
        }
    }
    let order: Vec<_> = found.iter().map(|entry| (entry.since_ms, entry.key)).collect();
    ensure(order.is_sorted(), || "the pages are not in order".into())?;
    same("all pages", found.iter().map(|entry| entry.key).collect::<BTreeSet<_>>(), expected)?;
    same("how many", found.len(), 7)
}

async fn an_update_keeps_a_session_with_its_user<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    let owner = s.user();
    let (key, mut record) = s.login(&owner).await?;
    for _ in 0..3 {
        let next = s.next(&record, "visits: 2");
        same("update", s.update(&key, record.version(), &next).await?, Written::Done)?;
        record = next;
    }
    same("touch", s.touch(&key, record.idle_deadline_ms + 1).await?, Reached::Done)?;
    s.sessions_are("after updates and a touch", &owner, &[key]).await
}

async fn logins_at_once_are_all_found<S: UserIndex>(s: Arc<Subject<S>>) -> Finding {
    for way in Way::ALL {
        for _ in 0..(s.rounds / 30).max(1) {
            let owner = s.user();
            let gate = Gate::default();
            let mut clients: Vec<Client<Finding<StoreKey>>> = Vec::new();
            for _ in 0..8 {
                let (s, ticket) = (Arc::clone(&s), gate.ticket());
                clients.push(Box::pin(async move {
                    ticket.meet().await;
                    s.linger().await;
                    Ok(s.login(&owner).await?.0)
                }));
            }
            let keys = s.at_once(way, clients).await?;
            gate.met()?;
            s.sessions_are(&format!("after 8 logins {way}"), &owner, &keys).await?;
        }
    }
    Ok(())
}
