//! `dewar sessions revoke`.

use dewar::{
    StoreKey,
    store::{Loaded, Owner, Record},
};

use super::{
    args::Revoke, dry_run::Outcome, id, progress::Progress, reach::Reach, span, user, view::Sorted,
};
use crate::failure::NothingFound;

pub(super) async fn run(args: &Revoke) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let mut ending = Ending { reach: &reach, args, ended: 0, progress: Progress::new() };
    if let Some(user) = &args.user {
        for (key, record) in user::held(&reach, &Owner::of(user)).await?.records {
            ending.take(&key, &record).await?;
        }
    } else if args.all {
        let mut pages = reach.pages();
        while let Some(page) = pages.next().await? {
            for (key, found) in page {
                if let Sorted::Live(record) = Sorted::of(&reach, found)? {
                    ending.take(&key, &record).await?;
                }
            }
        }
    } else {
        ending.named().await?;
    }
    ending.finish()
}

struct Ending<'a> {
    reach: &'a Reach,
    args: &'a Revoke,
    ended: u64,
    progress: Progress,
}

impl Ending<'_> {
    /// The sessions that were named, wherever they went. All names are looked up before one ends.
    async fn named(&mut self) -> anyhow::Result<()> {
        let mut meant: Vec<(StoreKey, Record)> = Vec::new();
        for name in &self.args.ids {
            let (key, _) = id::find(self.reach, name).await?;
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

    /// Ends it if it is live and old enough; in a dry run it is only counted.
    async fn take(&mut self, key: &StoreKey, record: &Record) -> anyhow::Result<()> {
        let now_ms = self.reach.now_ms;
        let is_old = self.args.older_than.is_none_or(|age| {
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            record.created_ms.saturating_add(age_ms) <= now_ms
        });
        if !is_old || !self.reach.is_live(record) {
            return Ok(());
        }
        if !self.args.yes || self.reach.end(key, record.owner.as_ref()).await? {
            self.ended += 1;
        }
        self.progress.tell(|| format!("{} so far", span::sessions(self.ended)));
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        let Self { args, ended, progress, .. } = self;
        drop(progress);
        let number = span::sessions(ended);
        let outcome = Outcome {
            yes: args.yes,
            numbers: vec![("sessions", ended)],
            would: format!("end {number}"),
            did: format!("ended {number}"),
        };
        outcome.print(args.asked.json)?;
        if ended == 0 && !args.all {
            return Err(NothingFound("no session is live that could be ended".into()).into());
        }
        Ok(())
    }
}
