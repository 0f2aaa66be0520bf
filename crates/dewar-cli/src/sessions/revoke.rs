//! `dewar sessions revoke`.

use std::time::{Duration, UNIX_EPOCH};

use dewar::{
    StoreKey, UserSessions,
    store::{Chain, Loaded, Record, Store, StoreErrorKind},
};

use super::{
    args::Revoke,
    dry_run::Outcome,
    id,
    progress::Progress,
    reach::{End, Reach, within},
    span,
    view::{self, Sorted},
};
use crate::{
    failure::{Failed, NothingFound},
    terminal,
};

pub(super) async fn run(args: &Revoke) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let mut ending = Ending::new(&reach, args);
    if let Some(user) = &args.user {
        ending.of_user(user).await?;
    } else if args.all {
        ending.all().await?;
    } else {
        ending.named().await?;
    }
    ending.finish()
}

struct Ending<'a> {
    reach: &'a Reach,
    args: &'a Revoke,
    ended: u64,
    /// Marks of sessions that go on in another store.
    carried: u64,
    progress: Progress,
}

/// How many were ended, and how many marks of sessions in another store were met.
#[cfg(test)]
pub(super) async fn end_all(reach: &Reach, args: &Revoke) -> anyhow::Result<(u64, u64)> {
    let mut ending = Ending::new(reach, args);
    ending.all().await?;
    Ok((ending.ended, ending.carried))
}

impl<'a> Ending<'a> {
    fn new(reach: &'a Reach, args: &'a Revoke) -> Self {
        Self { reach, args, ended: 0, carried: 0, progress: Progress::new() }
    }

    /// All there are. One that is rotated while the store is read may have gone to where it was read
    /// already, so each marker is followed, too. A dry run meets what stands still once.
    async fn all(&mut self) -> anyhow::Result<()> {
        let mut pages = self.reach.pages();
        while let Some(page) = pages.next().await? {
            for (key, found) in page {
                if let Ok(Loaded::Moved(moved)) = &found {
                    if view::is_carried(&key, moved) {
                        self.carried += u64::from(self.reach.now_ms < moved.until_ms);
                        continue;
                    }
                }
                match Sorted::of(self.reach, found)? {
                    Sorted::Live(record) => self.take(&key, &record).await?,
                    Sorted::Moved if self.args.yes => self.take_successor(key).await?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Ends what a marker leads to. Where the chain is too long to be followed, or leaves this store,
    /// there are other markers behind this one, which lead to the same end.
    async fn take_successor(&mut self, key: StoreKey) -> anyhow::Result<()> {
        let mut chain = Chain::from(key);
        loop {
            match within(self.reach.store.load(chain.key())).await {
                Ok(Loaded::Moved(moved)) if chain.follow(moved).is_ok() => {}
                Ok(Loaded::Live(record)) => return self.take(chain.key(), &record).await,
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == StoreErrorKind::Corrupt => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The sessions that were named, wherever they went. All names are looked up before one ends.
    async fn named(&mut self) -> anyhow::Result<()> {
        let mut meant: Vec<(StoreKey, Record)> = Vec::new();
        for name in &self.args.ids {
            let (key, loaded) = id::find(self.reach, name).await?;
            if matches!(&loaded, Loaded::Moved(moved) if view::is_carried(&key, moved)) {
                let said = "was carried to another store: name that one with --store";
                return Err(Failed(format!("{key} {said}")).into());
            }
            if let (key, Loaded::Live(record)) = self.reach.follow(&key).await? {
                if !meant.iter().any(|(other, _)| *other == key) {
                    meant.push((key, record));
                }
            }
        }
        for (key, record) in meant {
            self.take(&key, &record).await?;
        }
        Ok(())
    }

    /// The user's, wherever they go meanwhile: as the application itself ends them.
    async fn of_user(&mut self, user: &str) -> anyhow::Result<()> {
        let users = UserSessions::of(self.reach.store.clone())?;
        for session in users.list(user).await? {
            let created = session.created.duration_since(UNIX_EPOCH).unwrap_or_default();
            if self.is_old(millis(created)) {
                self.count(!self.args.yes || users.revoke(user, session.key).await?);
            }
        }
        Ok(())
    }

    /// Ends it if it is live and old enough; in a dry run it is only counted.
    async fn take(&mut self, key: &StoreKey, record: &Record) -> anyhow::Result<()> {
        if self.is_old(record.created_ms) && self.reach.is_live(record) {
            let owner = record.owner.as_ref();
            match self.args.yes {
                false => self.count(true),
                true => match self.reach.end(key, owner).await? {
                    End::Elsewhere => self.carried += 1,
                    end => self.count(end == End::Ended),
                },
            }
        }
        Ok(())
    }

    fn is_old(&self, created_ms: u64) -> bool {
        let now_ms = self.reach.now_ms;
        self.args.older_than.is_none_or(|age| created_ms.saturating_add(millis(age)) <= now_ms)
    }

    fn count(&mut self, ended: bool) {
        self.ended += u64::from(ended);
        self.progress.tell(|| format!("{} so far", span::sessions(self.ended)));
    }

    fn finish(self) -> anyhow::Result<()> {
        let Self { args, ended, carried, progress, .. } = self;
        drop(progress);
        let number = span::sessions(ended);
        let outcome = Outcome {
            yes: args.yes,
            numbers: vec![("sessions", ended), ("carried_elsewhere", carried)],
            would: format!("end {number}"),
            did: format!("ended {number}"),
        };
        outcome.print(args.asked.json)?;
        if carried > 0 {
            let said = format!(
                "{} went to another store and cannot be ended in this one: name that one with \
                 --store",
                span::sessions(carried)
            );
            if args.yes {
                return Err(Failed(said).into());
            }
            terminal::note(&said);
        }
        if ended == 0 && !args.all {
            return Err(NothingFound("no session is live that could be ended".into()).into());
        }
        Ok(())
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
