//! `dewar sessions ls`.

use dewar::{Value, store::Owner};

use super::{
    args::Ls,
    reach::{Found, Reach},
    table, user,
    view::{self, Sorted},
};
use crate::{failure::NothingFound, json, terminal};

pub(super) async fn run(args: &Ls) -> anyhow::Result<()> {
    let reach = Reach::open(&args.asked).await?;
    let mut list = List { reach: &reach, args, rows: Vec::new(), shown: 0, more: false };
    match &args.user {
        Some(user) => {
            let held = user::held(&reach, &Owner::of(user)).await?;
            let found = |(key, record)| (key, Ok(dewar::store::Loaded::Live(record)));
            held.records.into_iter().map(found).try_for_each(|found| list.take(found))?;
        }
        None => {
            let mut pages = reach.pages();
            while let Some(page) = pages.next().await? {
                page.into_iter().try_for_each(|found| list.take(found))?;
                if list.more {
                    break;
                }
            }
        }
    }
    list.finish()
}

struct List<'a> {
    reach: &'a Reach,
    args: &'a Ls,
    rows: Vec<Vec<String>>,
    shown: usize,
    /// There are more than were asked for.
    more: bool,
}

impl List<'_> {
    fn take(&mut self, (key, found): Found) -> anyhow::Result<()> {
        let (row, dict) = match (Sorted::of(self.reach, found)?, self.args.expired) {
            (Sorted::Live(record), false) | (Sorted::Expired(record), true) => {
                (view::row(self.reach, &key, &record), view::dict(self.reach, &key, &record))
            }
            (Sorted::Unreadable, false) => {
                (view::broken_row(&key), view::named(&key, "unreadable"))
            }
            _ => return Ok(()),
        };
        if self.shown >= self.args.limit {
            self.more = true;
            return Ok(());
        }
        self.shown += 1;
        if self.args.asked.json {
            return terminal::print(&json::one_line(&Value::Dict(dict)));
        }
        self.rows.push(row);
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        if !self.args.asked.json {
            table::print(&view::HEAD, &self.rows)?;
        }
        if self.more {
            let limit = self.args.limit;
            terminal::note(&format!("there are more than {limit}: name a larger --limit"));
        }
        if self.shown == 0 && !self.more && self.args.user.is_some() {
            return Err(NothingFound("the user has no such session".into()).into());
        }
        Ok(())
    }
}
